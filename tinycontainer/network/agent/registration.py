"""Keeps a device registered, and lets it sleep (TC-MGMT-16 to TC-MGMT-19).

It carries out what `PresencePlan` plans, beside the device, which goes on meanwhile.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import aiocoap

from .coap_server import Listener
from .directory import DirectoryClient, DirectoryFailed, Location
from .presence import Deed, PresencePlan

LEAVE_S: Final = 1.0
"""How long a device that ends waits for its directory."""


class Registering:
    """Keeps a device registered.

    Args:
        presence: what is due, and when.
        directory: is asked.
        listener: is closed while the device sleeps.
        is_busy: whether the device must not sleep now.
        when_changed: is called when the device is registered, with an empty text, and when it no
            longer is, or is not to begin with, with the reason.
        now_s: monotonic seconds.
    """

    def __init__(
        self,
        presence: PresencePlan,
        directory: DirectoryClient,
        listener: Listener,
        is_busy: Callable[[], bool],
        when_changed: Callable[[str], None],
        now_s: Callable[[], float],
    ) -> None:
        self._presence = presence
        self._directory = directory
        self._listener = listener
        self._is_busy = is_busy
        self._when_changed = when_changed
        self._now_s = now_s
        self._location: Location = ()
        self._was_registered: bool | None = None

    async def run(self) -> None:
        """Do what is due, until this is cancelled."""
        while True:
            due = self._presence.find_due()
            wait_s = due.at_s - self._now_s()
            if wait_s > 0:  # a request that is answered meanwhile can put it off
                await asyncio.sleep(wait_s)
            elif due.deed is Deed.SLEEP:
                await self._fall_asleep()
            elif due.deed is Deed.WAKE:
                await self._wake()
            else:
                await self._ask(due.deed)

    def note_use(self) -> None:
        """A request was answered: the device stays awake for a while."""
        self._presence.note_use(self._now_s())

    async def withdraw(self) -> None:
        """Let the directory forget the device, if it can within a second.

        One that sleeps is expected to be away.
        """
        if self._presence.is_registered and not self._presence.sleeps:
            with suppress(TimeoutError, DirectoryFailed):
                async with asyncio.timeout(LEAVE_S):
                    await self._directory.withdraw(self._location)

    async def _ask(self, deed: Deed) -> None:
        try:
            async with asyncio.timeout(self._presence.answer_s(self._now_s())):
                is_known = await self._ask_directory(deed)
        except TimeoutError:
            self._note_failure("it does not answer")
        except DirectoryFailed as failure:
            self._note_failure(str(failure))
        else:
            self._note_answer(is_known=is_known)

    async def _ask_directory(self, deed: Deed) -> bool:
        if deed is Deed.RENEW:
            return await self._directory.renew(self._location)
        self._location = await self._directory.register()
        return True

    def _note_answer(self, *, is_known: bool) -> None:
        if is_known:
            self._presence.note_registered(self._now_s())
            self._report("")
        else:
            self._presence.note_forgotten(self._now_s())
            self._report("it has forgotten the device")

    def _note_failure(self, problem: str) -> None:
        self._presence.note_failure(self._now_s())
        if not self._presence.is_registered:
            self._report(problem)

    async def _fall_asleep(self) -> None:
        if self._is_busy():
            self._presence.note_use(self._now_s())
            return
        with suppress(aiocoap.error.Error, OSError):  # it is closed, whatever happens to the rest
            await self._listener.close()
        self._presence.note_asleep(self._now_s())

    async def _wake(self) -> None:
        try:
            await self._listener.open()
        except (aiocoap.error.Error, OSError):
            self._presence.note_still_asleep(self._now_s())
            self._report("the device's own address cannot be used")
        else:
            self._presence.note_awake(self._now_s())

    def _report(self, problem: str) -> None:
        """Report a change of state; what goes on failing is reported once."""
        is_registered = not problem
        if is_registered is not self._was_registered:
            self._was_registered = is_registered
            self._when_changed(problem)
