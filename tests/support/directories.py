"""The gateway's directory without a network: requests go to its resources; time is the test's."""

from dataclasses import dataclass, field
from random import Random
from typing import Final, TypedDict, Unpack

from tinycontainer.network.agent.requests.message import (
    CoapAnswer,
    CoapRequest,
    Format,
    Method,
    Option,
    to_uint,
)
from tinycontainer.network.agent.requests.rates import Rates
from tinycontainer.network.gateway.directory.registrations import (
    MemoryRegistrationStore,
    Registration,
    RegistrationStore,
)
from tinycontainer.network.gateway.directory.resources import DirectoryResources
from tinycontainer.network.gateway.directory.table import MAX_REGISTRATIONS, Directory

START_S = 1_800_000_000.0
LOCAL = "coap://[::1]:40000"
REMOTE = "coap://[2001:db8::7]:5683"
LINKS = b'</tc>;rt="tc.device",</tc/c>;rt="tc.containers tc.list";obs;ct=60'
FORMAT_40: Final = ((int(Option.CONTENT_FORMAT), to_uint(Format.LINKS)),)


class Who(TypedDict, total=False):
    """Who asks: the identity that it has proved, and the source of its datagram."""

    identity: str
    source: str


DRONE: Final[Who] = {"identity": "drone", "source": REMOTE}


@dataclass
class Registry:
    """A directory and what is needed to ask it.

    Attributes:
        listed: names of the configuration.
        lets_others: whether others may register.
        store: keeps registrations.
        most: registrations that fit.
        now_s: Unix time.
        step_s: how much of it passes with each request.
        changed: what was announced as changed.
    """

    listed: frozenset[str] = frozenset({"drone", "lamp"})
    lets_others: bool = True
    store: RegistrationStore = field(default_factory=MemoryRegistrationStore)
    most: int = MAX_REGISTRATIONS
    now_s: float = START_S
    step_s: float = 0.0
    changed: list[Registration] = field(default_factory=list)
    rates: Rates | None = None

    def __post_init__(self) -> None:
        self.directory = Directory(
            self.listed,
            self.lets_others,
            self.store,
            lambda: self.now_s,
            Random(1).randbytes,
            lambda registration, _: self.changed.append(registration),
            self.most,
        )
        rates = self.rates or Rates(lambda: self.now_s, per_s=1e9, burst=1 << 30)
        self.resources = DirectoryResources(self.directory, rates)

    def ask(
        self,
        method: Method,
        path: str,
        payload: bytes = b"",
        *,
        identity: str = "",
        source: str = LOCAL,
        options: tuple[tuple[int, bytes], ...] | None = None,
    ) -> CoapAnswer:
        """Ask it; path and query are one text. A payload is named as links, if no options are."""
        place, _, query = path.partition("?")
        self.now_s += self.step_s
        if options is None:
            options = FORMAT_40 if payload else ()
        return self.resources.handle(
            CoapRequest(
                peer=b"not looked at",
                method=method,
                path=tuple(place.split("/")[1:]),
                query=tuple(query.split("&")) if query else (),
                options=options,
                payload=payload,
            ),
            identity,
            source,
        )

    def register(self, query: str, payload: bytes = b"", **who: Unpack[Who]) -> str:
        """Register, and give the path of the registration."""
        answer = self.ask(Method.POST, f"/rd?{query}", payload, **who)
        assert answer.code.dotted == "2.01", answer
        assert {number for number, _ in answer.options} == {Option.LOCATION_PATH}
        return "".join(f"/{value.decode()}" for _, value in answer.options)

    def found(self, path: str, **who: Unpack[Who]) -> str:
        """What a lookup finds."""
        answer = self.ask(Method.GET, path, **who)
        assert (answer.code.dotted, answer.format) == ("2.05", Format.LINKS), answer
        return answer.payload.decode()

    def registration(self, name: str) -> Registration:
        """The registration of a name."""
        found = self.directory.find(name)
        assert found is not None
        return found
