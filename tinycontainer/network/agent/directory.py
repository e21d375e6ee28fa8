"""Asks a resource directory (RFC 9176) to register, renew and withdraw (TC-MGMT-16, TC-MGMT-17).

Each question is one datagram, and a second one only if the directory has proved who it is and wants
the same of the device (Echo). The library's own transport for OSCORE is not used: it would put an
answer together from blocks before it has opened it, and so ask for as many as a stranger likes.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import aiocoap
from aiocoap.message import UndecidedRemote

from tinycontainer.interfaces.network.coap_client import UNREACHABLE
from tinycontainer.interfaces.network.coap_uri import parse_coap_uri

from .presence import RegistrationTerms

Location: TypeAlias = tuple[str, ...]
"""The segments of a path."""

LINKS: Final = (
    b'</tc>;rt="tinycontainer.device";ct=60,</tc/c>;obs;ct=60,</tc/e>;obs;ct=60,'
    b"</tc/su>;obs;ct=60,</container/>,</device-id/>;ct=42"
)
"""What the device has, in the link format (RFC 6690)."""
MAX_LOCATION_SEGMENTS: Final = 4
MAX_LOCATION_BYTES: Final = 128
_LINK_FORMAT: Final = 40
_PATH: Final = ("rd",)


class DirectoryFailed(Exception):
    """The directory has not done what it was asked for; the text says why, of it."""


class DirectoryClient:
    """Asks the directory of a device.

    Args:
        registration: how the device registers.
        security: the open OSCORE context that protects it; None if nothing is protected.
        ask: sends one message and returns the first that answers it.
    """

    def __init__(
        self,
        registration: RegistrationTerms,
        security: Any,
        ask: Callable[[Any], Awaitable[Any]],
    ) -> None:
        self._registration = registration
        self._security = security
        self._ask_once = ask

    async def register(self) -> Location:
        """Register; where to renew it.

        Raises:
            DirectoryFailed: it is refused, or the answer makes no sense.
        """
        query = (f"ep={self._registration.name}", *self._list_times())
        message = aiocoap.Message(
            code=aiocoap.POST, payload=LINKS, content_format=_LINK_FORMAT, uri_path=_PATH
        )
        message.opt.uri_query = query
        answer = await self._ask(message)
        _require(answer, aiocoap.CREATED)
        location = tuple(answer.opt.location_path)
        length_bytes = sum(len(segment.encode()) for segment in location)
        if not all(location) or not 1 <= len(location) <= MAX_LOCATION_SEGMENTS:
            raise DirectoryFailed("it answers 2.01 without a location")
        if length_bytes > MAX_LOCATION_BYTES:
            raise DirectoryFailed("it answers 2.01 with a location that is too long")
        return location

    async def renew(self, location: Location) -> bool:
        """Renew; whether the directory still knows the device.

        Args:
            location: as `register` has returned it.

        Raises:
            DirectoryFailed: it is refused.
        """
        message = aiocoap.Message(code=aiocoap.POST, uri_path=location)
        message.opt.uri_query = self._list_times()
        answer = await self._ask(message)
        if answer.code == aiocoap.NOT_FOUND:
            return False
        _require(answer, aiocoap.CHANGED)
        return True

    async def withdraw(self, location: Location) -> None:
        """Let the directory forget the device.

        Args:
            location: as `register` has returned it.

        Raises:
            DirectoryFailed: nobody answers it.
        """
        await self._ask(aiocoap.Message(code=aiocoap.DELETE, uri_path=location))

    def _list_times(self) -> tuple[str, ...]:
        rhythm = self._registration.rhythm
        lifetime = (f"lt={rhythm.lifetime_s}",)
        if not rhythm.sleep_s:
            return lifetime
        return (*lifetime, f"sleep={rhythm.sleep_s}", f"awake={rhythm.awake_s}")

    async def _ask(self, message: Any) -> Any:
        if self._security is None:
            return await self._send(message)
        answer = await self._ask_protected(message)
        echo = answer.opt.echo
        if answer.code != aiocoap.UNAUTHORIZED or echo is None:
            return answer
        return await self._ask_protected(message.copy(echo=echo))

    async def _ask_protected(self, message: Any) -> Any:
        try:
            protected, identifiers = self._security.protect(message)
        except OSError as error:
            raise DirectoryFailed(f"it cannot be asked: {error}") from error
        answer = await self._send(protected)
        try:
            opened, _ = self._security.unprotect(answer, identifiers)
        except Exception as error:  # foreign code reads what strangers have sent
            raise DirectoryFailed("its answer is not protected by the context") from error
        return opened

    async def _send(self, message: Any) -> Any:
        origin = parse_coap_uri(self._registration.directory).origin
        # A host in place of a URI: its name is not sent, which OSCORE would leave unprotected.
        message.remote = UndecidedRemote("coap", origin.removeprefix("coap://"))
        try:
            return await self._ask_once(message)
        except Exception as error:  # whatever a name or an answer does to the library
            raise DirectoryFailed(UNREACHABLE) from error


def _require(answer: Any, code: Any) -> None:
    if answer.code != code:
        raise DirectoryFailed(f"it answers {answer.code.dotted}")
