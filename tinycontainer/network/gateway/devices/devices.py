"""The devices of a gateway: who they are, whether they are there, and how they are asked."""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from ...agent.requests.message import CoapAnswer, CoapRequest, Method, Option
from ...agent.requests.rates import Rates
from ..directory.presence import Availability, Presence, judge_presence
from ..directory.registrations import Registration
from ..directory.table import Directory
from .cache import AnswerCache, CachedAnswer
from .carrier import CoapCarrier, Destination
from .doubts import Doubts
from .payloads import PayloadPieces, whole

AT_ONCE: Final = 256
"""Devices that are described at once, before others get their turn."""
MAX_ANSWER_BYTES: Final = 1 << 20
"""Of one answer of a device; all blocks together."""
_DOUBT_S: Final = 1.0
"""After which time a change can be sent again that waits for the end of another one."""
_FORGET: Final = 1024
"""After so many registrations, devices that are not known any more are forgotten here too."""


class NotThere(Exception):
    """The device is not registered now, or not known at all."""


class DeviceAsleep(Exception):
    """The device sleeps.

    Attributes:
        back_s: in how many seconds it may be back.
    """

    def __init__(self, back_s: float) -> None:
        super().__init__("the device sleeps")
        self.back_s = back_s


class TooOften(Exception):
    """The device is asked too often.

    Attributes:
        wait_s: in how many seconds it may be asked again.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__("the device is asked too often")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class GatewayDevice:
    """A device as the gateway knows it.

    Attributes:
        name: its endpoint name.
        groups: that it belongs to.
        registration: its last one; None if it has never registered.
        availability: whether it can be reached.
        is_protected: whether the gateway and the device share an OSCORE context.
        heard_s: Unix time of its last registration or answer; 0 if there was none.
    """

    name: str
    groups: frozenset[str]
    registration: Registration | None
    availability: Availability
    is_protected: bool
    heard_s: float


@dataclass(frozen=True, slots=True)
class Answered:
    """What a device has answered.

    Attributes:
        answer: or the first block of it.
        rest: the whole payload in pieces; None if `answer` has all of it.
        age_s: how long ago it came; 0 if it came now.
        fresh_s: for how long it may be used, counted from when it came; 0 if it may not be kept.
    """

    answer: CoapAnswer
    rest: AsyncGenerator[bytes, None] | None = None
    age_s: float = 0.0
    fresh_s: float = 0.0

    async def whole(self) -> CoapAnswer:
        """The answer with all its payload.

        Raises:
            NoAnswer: the device does not answer any more.
            BadAnswer: the blocks do not fit together.
        """
        if self.rest is None:
            return self.answer
        async with aclosing(self.rest) as parts:
            payload = b"".join([part async for part in parts])
        options = tuple(each for each in self.answer.options if each[0] != Option.BLOCK2)
        return replace(self.answer, payload=payload, options=options)


class Devices:
    """All devices of a gateway.

    Args:
        directory: who has registered.
        groups: of each listed device, by name.
        contexts: the open OSCORE context of each listed device, by name.
        carrier: carries requests.
        cache: keeps answers.
        rates: bounds how often each device is asked.
        now_s: Unix time.

    Attributes:
        doubts: the change of each device that can still have to be repeated.
    """

    def __init__(
        self,
        directory: Directory,
        groups: Mapping[str, frozenset[str]],
        contexts: Mapping[str, Any],
        carrier: CoapCarrier,
        cache: AnswerCache,
        rates: Rates,
        now_s: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._groups = groups
        self._contexts = contexts
        self._carrier = carrier
        self._cache = cache
        self._rates = rates
        self._now_s = now_s
        self.doubts: Final = Doubts()
        self._heard_s: dict[str, float] = {}
        self._registered_s: dict[str, float] = {}
        self._noted = 0

    def __iter__(self) -> Iterator[GatewayDevice]:
        """All devices that are listed or registered, by name."""
        return (self._describe(name) for name in self.names())

    def names(self) -> list[str]:
        """The names of all devices that are listed or registered, in order."""
        return sorted({*self._groups, *(each.name for each in self._directory)})

    def groups(self, name: str) -> frozenset[str]:
        """The groups of a device; none of one that is not listed."""
        return self._groups.get(name, frozenset())

    def find(self, name: str) -> GatewayDevice:
        """A device.

        Raises:
            NotThere: it is not known.
        """
        if name not in self._groups and self._directory.find(name) is None:
            raise NotThere
        return self._describe(name)

    def is_awake(self, name: str) -> bool:
        """Whether a device can be asked now."""
        return self._describe(name).availability.presence is Presence.AWAKE

    async def ask(
        self,
        name: str,
        request: CoapRequest,
        body: PayloadPieces | None = None,
        *,
        is_fresh: bool = False,
    ) -> Answered:
        """Ask a device.

        Args:
            name: of the device.
            request: what is asked.
            body: its payload, if it comes in pieces; else the request has it.
            is_fresh: use no answer again.

        Raises:
            NotThere: it is not registered.
            DeviceAsleep: it sleeps.
            TooOften: it is asked too often.
            NoAnswer: it does not answer.
            BadAnswer: its answer cannot be used.
        """
        cached = None if is_fresh else self._cache.find(name, request)
        if cached is not None:
            return self._use_again(cached)
        to = self.require_awake(name)
        self._require_rate(name)
        if not self.doubts.admit(name, request):
            raise TooOften(_DOUBT_S)
        return await self._ask(to, request, body)

    def _require_rate(self, name: str) -> None:
        wait_s = self._rates.admit(name.encode())
        if wait_s > 0:
            raise TooOften(wait_s)

    def require_awake(self, name: str) -> Destination:
        """Where a device is asked.

        Raises:
            NotThere: it is not registered.
            DeviceAsleep: it sleeps.
        """
        device = self.find(name)
        if device.registration is None or device.availability.presence is Presence.GONE:
            raise NotThere
        if device.availability.presence is Presence.ASLEEP:
            raise DeviceAsleep(device.availability.back_s or 0.0)
        return Destination(name, device.registration.base, self._contexts.get(name))

    def note_registered(self, registration: Registration) -> None:
        """A device has registered or renewed. What was sent to it while it slept is given up."""
        self._forget_unknown()
        now_s, name = self._now_s(), registration.name
        last_s = max(self._registered_s.get(name, 0.0), self._heard_s.get(name, 0.0))
        self._registered_s[name] = now_s
        if registration.sleep_s and now_s - last_s > registration.awake_s:
            self._carrier.abandon(name, registration.base)

    async def observe(self, name: str, request: CoapRequest) -> AsyncGenerator[CoapAnswer, None]:
        """The answer of a device, now and whenever it has changed; as `CoapCarrier.observe`.

        Raises:
            NotThere: it is not registered.
            DeviceAsleep: it sleeps.
            TooOften: it is asked too often.
        """
        to = self.require_awake(name)
        self._require_rate(name)
        async with aclosing(self._carrier.observe(to, request)) as answers:
            async for answer in answers:
                self._heard_s[name] = self._now_s()
                yield await self._answered(to, request, answer).whole()

    async def _ask(
        self, to: Destination, request: CoapRequest, body: PayloadPieces | None
    ) -> Answered:
        is_look = request.method is Method.GET
        if not is_look:
            self._cache.note_change(to.name)
        generation = self._cache.generation(to.name)
        try:
            sent = (
                body
                if body is not None
                else PayloadPieces(whole(request.payload), len(request.payload))
            )
            answer = await self._carrier.send(to, request, sent)
        finally:
            if not is_look:
                self._cache.note_change(to.name)
        self._heard_s[to.name] = self._now_s()
        answered = self._answered(to, request, answer)
        if answered.rest is not None:
            return answered
        cached = self._cache.keep(to.name, request, answer, generation)
        return answered if cached is None else self._use_again(cached)

    def _answered(self, to: Destination, request: CoapRequest, answer: CoapAnswer) -> Answered:
        if not has_more(answer):
            return Answered(answer)
        return Answered(answer, self._carrier.parts(to, request, answer, MAX_ANSWER_BYTES))

    def _use_again(self, cached: CachedAnswer) -> Answered:
        return Answered(cached.answer, None, self._cache.age_s(cached), cached.fresh_s)

    def _forget_unknown(self) -> None:
        """Names that are made up, registered and deleted again must not fill the memory."""
        self._noted += 1
        if self._noted < _FORGET:
            return
        self._noted = 0
        known = {*self._groups, *(each.name for each in self._directory)}
        for times in (self._heard_s, self._registered_s):
            for name in times.keys() - known:
                del times[name]
        self._cache.forget_others(known)

    def _describe(self, name: str) -> GatewayDevice:
        registration = self._directory.find(name)
        heard_s = self._heard_s.get(name, 0.0)
        if registration is not None:
            heard_s = max(heard_s, registration.renewed_s)
        return GatewayDevice(
            name=name,
            groups=self.groups(name),
            registration=registration,
            availability=judge_presence(registration, heard_s, self._now_s()),
            is_protected=name in self._contexts,
            heard_s=heard_s,
        )


def has_more(answer: CoapAnswer) -> bool:
    """Whether more blocks of an answer are to be asked for."""
    option = dict(answer.options).get(Option.BLOCK2)
    return option is not None and bool(option) and bool(option[-1] & 8)
