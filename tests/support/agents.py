"""A managed device without a network: requests go to its manager, and time is the test's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2

from support.scripted import Program, work
from support.updates import rules
from support.worlds import World
from tinycontainer.network.agent.changes import Changes
from tinycontainer.network.agent.identity import DeviceId
from tinycontainer.network.agent.manager import Manager
from tinycontainer.network.agent.published import Published
from tinycontainer.network.agent.requests.blocks import Uploads
from tinycontainer.network.agent.requests.message import CoapAnswer, CoapRequest, Method, Option
from tinycontainer.network.agent.requests.rates import Rates
from tinycontainer.network.agent.requests.rights import KnownPeer, Peers, Right
from tinycontainer.network.agent.resources import Resources
from tinycontainer.network.agent.updates import Updates
from tinycontainer.state import DeviceState, MemoryState
from tinycontainer.suit.updater import Updater
from tinycontainer.tools.recording import Recorder
from tinycontainer_tokens import KeyMaterial

OPEN = Peers({}, is_protected=False)


def managed_programs() -> dict[str, Program]:
    """What the containers of a managed device do."""
    return {uid: Program(work(10), stop=work(10)) for uid in ("a", "b", "c")}


@dataclass
class Managed:
    """A device, its manager, and what is needed to ask it.

    Attributes:
        peers: who is known.
        state: what it remembers.
        fixed_id: its identifier in the device file.
        now_s: the agent's monotonic time.
        step_s: how much of it passes with each request.
        recorder: records the device; None if nothing does.
        evidence_key: signs what it states of itself; None if it states nothing.
        of_world: further arguments of its `World`.
    """

    peers: Peers = OPEN
    state: DeviceState = field(default_factory=MemoryState)
    fixed_id: bytes | None = None
    now_s: float = 0.0
    step_s: float = 0.01
    recorder: Recorder | None = None
    evidence_key: KeyMaterial | None = None
    of_world: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.changes = Changes()
        self.world = World(
            managed_programs(),
            state=self.state,
            sinks=(self.changes,),
            recorder=self.recorder,
            **self.of_world,
        )
        self.device = self.world.device
        self.when_updated = list[object]()
        self.updates = Updates(
            Updater(rules(origins=("coap://[::1]:5684",)), self.device),
            1 << 17,
            lambda: self.when_updated.append(self.updates.wanted),
        )
        self.uploads = Uploads(lambda: self.now_s)
        device_id = DeviceId(self.fixed_id, self.state)
        capacity = self.world.capacity
        self.manager = Manager(
            self.peers,
            Rates(lambda: self.now_s),
            self.uploads,
            Published(self.device, device_id, self._may),
            Resources(
                self.device,
                self.state,
                capacity,
                device_id,
                self.changes,
                lambda: 7,
                self.updates,
                self.evidence_key,
            ),
        )

    def _may(self, request: CoapRequest, right: Right, uid: bytes | None) -> bool:
        peer = self.peers.find(request.peer)
        return peer is not None and peer.may(right, uid)

    def ask(
        self,
        method: Method,
        path: str,
        payload: bytes = b"",
        *,
        peer: bytes = b"somebody",
        options: Mapping[Any, bytes] | None = None,
        more: tuple[tuple[int, bytes], ...] = (),
    ) -> CoapAnswer:
        """Ask it; path and query are one text, as in a URI."""
        place, _, query = path.partition("?")
        self.now_s += self.step_s
        return self.manager.handle(
            CoapRequest(
                peer=peer,
                method=method,
                path=tuple(place.split("/")[1:]),
                query=tuple(query.split("&")) if query else (),
                options=(*(options or {}).items(), *more),
                payload=payload,
            )
        )


def problem(answer: CoapAnswer) -> tuple[str, str]:
    """Code and reason of an error of version 2."""
    detail = cbor2.loads(answer.payload)
    assert detail[-4] == int(answer.code)
    return answer.code.dotted, detail[-1]


def content(answer: CoapAnswer) -> Any:
    """What an answer of version 2 holds."""
    assert answer.code.dotted == "2.05", answer
    return cbor2.loads(answer.payload)


def known(**peers: tuple[frozenset[Right], frozenset[bytes] | None]) -> Peers:
    """A protected device's peers, whose names are their identities."""
    return Peers(
        {name.encode(): KnownPeer(name, rights, uids) for name, (rights, uids) in peers.items()}
    )


def option(answer: CoapAnswer, number: Option) -> bytes | None:
    """The value of an option of an answer."""
    return dict(answer.options).get(number)
