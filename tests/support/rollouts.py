"""Rollouts at a platform in this process, to devices that are doubles behind a gateway."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx

from support.deliveries import Answer, DeviceDouble, Loaded, problem
from support.evident_devices import EvidentDevice
from support.fleets import Fleet
from support.four_parties import BOX, FourParties, good
from support.platforms import Platform
from tinycontainer.interfaces.network.http_uri import parse_http_uri
from tinycontainer.network.gateway.directory.presence import Presence
from tinycontainer.network.gateway.job import JobState
from tinycontainer.network.platform.delivery.evidence_answers import EventPage
from tinycontainer.network.platform.delivery.gateway_answers import (
    GatewayFailed,
    GatewayProblem,
    ListedDevice,
)
from tinycontainer.network.platform.delivery.gateway_client import DeviceReply, GatewayClient
from tinycontainer.network.platform.delivery.progress import ReportedContainer
from tinycontainer.network.platform.delivery.usage import ReportedUsage
from tinycontainer.network.platform.exchange import Server
from tinycontainer.network.platform.rollouts.worker import RolloutWorker
from tinycontainer.tools.rollouts import DeviceProgress
from tinycontainer_tokens import Role

GATEWAY: Final = "north"
ASLEEP_S: Final = 20.0
"""After which a device that is asleep is expected."""
MOST_ROUNDS: Final = 20_000
UNTRUSTED: Final = "token"
"""The reason of a device that does not know the developer's key."""


@dataclass
class Submitted:
    """A job of the gateway."""

    endpoint: str
    asked: tuple[str, str, str, bytes]
    state: JobState = JobState.QUEUED
    answer: Answer | None = None


@dataclass
class FleetGateway(GatewayClient):
    """A gateway with many devices, in this process.

    Attributes:
        fleet: the devices, by their names at the gateway.
        asleep: names of those that do not answer now.
        is_down: whether nothing reaches the gateway.
        when_asked: is called before each request to the gateway; it can raise.
        when_submitted: is called after a job was taken; it can raise.
        evident: what devices tell of the past; others tell nothing and sign nothing.
        of_events: makes of events what the gateway passes on.
        of_statements: the same, of statements.
        usage: what the container of a device has used; others do not say it.
    """

    fleet: dict[str, DeviceDouble] = field(default_factory=dict)
    asleep: set[str] = field(default_factory=set)
    is_down: bool = False
    when_asked: Callable[[], None] = lambda: None
    when_submitted: Callable[[], None] = lambda: None
    evident: dict[str, EvidentDevice] = field(default_factory=dict)
    of_events: Callable[[EventPage], EventPage] = lambda page: page
    of_statements: Callable[[bytes], bytes] = lambda content: content
    usage: dict[str, ReportedUsage] = field(default_factory=dict)
    jobs: dict[str, Submitted] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        server = Server(parse_http_uri("http://127.0.0.1:1"), None, lambda: 0.0, 1.0)
        super().__init__(server, "", 1.0)
        self._numbers = itertools.count()

    def keep_blob(self, sha256: str, read: Callable[[], bytes]) -> None:
        self._reach()
        if sha256 not in self.blobs:
            self.blobs[sha256] = read()

    def submit(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        deadline_s: int,
    ) -> str:
        self._reach()
        assert deadline_s > 0
        _, _, endpoint, rest = target.split("/", 3)
        place, _, query = rest.partition("?")
        parts = dict(parse_qsl(query, keep_blank_values=True))
        blob = parts.get("blob")
        if blob is not None:
            if blob not in self.blobs:
                raise GatewayFailed("it refuses", reason="unknown-blob")
            body = self.blobs[blob]
            query = query.replace(f"blob={blob}&", "")
        place = f"/jobs/{next(self._numbers):032x}"
        asked = (method, f"/{rest.partition('?')[0]}?{query}", headers.get("If-Match", ""), body)
        self.jobs[place] = Submitted(endpoint, asked)
        self.when_submitted()
        return place

    def look_at(self, job: str, wait_s: int = 0) -> JobState | None:
        self._reach()
        found = self.jobs.get(job)
        if found is None:
            return None
        if found.state is JobState.QUEUED and found.endpoint not in self.asleep:
            found.answer = self.fleet[found.endpoint].answer(*found.asked)
            found.state = JobState.DONE
        return found.state

    def result(self, job: str) -> DeviceReply | None:
        self._reach()
        found = self.jobs.get(job)
        answer = None if found is None else found.answer
        if answer is None:
            return None
        if answer.status < 300:
            return DeviceReply(
                answer.status,
                json.loads(answer.body) if answer.body else None,
            )
        said = json.loads(answer.body)
        reason = said["type"].rpartition(":")[2]
        return DeviceReply(
            answer.status, None, GatewayProblem(reason, said["detail"], said["code"])
        )

    def cancel(self, job: str) -> bool:
        self._reach()
        found = self.jobs.get(job)
        if found is None or found.state is not JobState.QUEUED:
            return False
        found.state = JobState.CANCELLED
        return True

    def presence(self, name: str) -> ListedDevice | None:
        self._reach()
        is_asleep = name in self.asleep
        presence = Presence.ASLEEP if is_asleep else Presence.AWAKE
        return ListedDevice(name, presence, ASLEEP_S if is_asleep else 0.0, 0.0)

    def containers(self, name: str) -> dict[bytes, ReportedContainer] | None:
        self._reach()
        if name in self.asleep:
            return None
        has = self.fleet[name].has
        if has is None:
            return {}
        digest = sha256(has.bundle).hexdigest()
        values = {"state": has.state, "sha256": digest, "last_exit": "", "loops": has.loops}
        said = replace(ReportedContainer.of(values), usage=self.usage.get(name))
        return {bytes.fromhex(BOX): said}

    def events(self, name: str, since: int) -> EventPage | None:
        self._reach()
        return self.of_events(self.evident.get(name, EvidentDevice()).page(since))

    def evidence(self, name: str, nonce: bytes) -> bytes | None:
        self._reach()
        device = self.evident.get(name)
        if device is None:
            raise GatewayFailed("it refuses with 404 no-evidence-key")
        return self.of_statements(device.states(nonce))

    def _reach(self) -> None:
        self.when_asked()
        if self.is_down:
            raise GatewayFailed("it cannot be reached")


@dataclass
class Rollouts:
    """Four parties with a complete release, devices of the owner, and what brings it there.

    Attributes:
        platform: where they meet; its gateway is `GATEWAY`, of ``infra``.
        gateway: before the devices.
    """

    platform: Platform
    gateway: FleetGateway = field(default_factory=FleetGateway)

    def __post_init__(self) -> None:
        self.parties = FourParties(self.platform)
        self.devices = Fleet(self.parties)
        self.said: list[str] = []
        self._plain = 0
        self.worker = self.make_worker()

    def make_worker(self) -> RolloutWorker:
        """A worker, as after a start of the platform."""
        parts = self.platform.parts
        return RolloutWorker(
            parts.database,
            {GATEWAY: self.gateway},
            parts.now_s,
            parts.random_bytes,
            300.0,
            self.said.append,
        )

    @property
    def operator(self) -> httpx.Client:
        """The client of infrastructure's admin."""
        return self.parties.client(Role.INFRASTRUCTURE)

    def prepare(self, releases: int = 1) -> None:
        """Make all known, and complete some releases."""
        self.parties.prepare()
        for number in range(1, releases + 1):
            self.parties.complete(number)

    def add_devices(self, names: list[str], *, is_connected: bool = True, **more: Any) -> None:
        """Add devices that a double stands for."""
        profile = more.pop("profile", None) or self._plain_profile()
        for name in names:
            good(self.devices.give_device(name, profile, **more))
            self.gateway.fleet.setdefault(name, DeviceDouble())
            if is_connected:
                self.connect(name)

    def _plain_profile(self) -> int:
        self._plain = self._plain or self.devices.profile()
        return self._plain

    def connect(self, name: str) -> Any:
        """Say that a device is behind the gateway."""
        body = {"gateway": GATEWAY, "endpoint": name}
        return good(self.operator.put(f"/api/devices/{name}/connection", json=body))

    def refuse_always(self, name: str) -> None:
        """Let a device refuse each bundle, as one that does not know a key."""
        answers = self.gateway.fleet[name].refuses
        answers["PUT"] = [problem(403, UNTRUSTED, "4.03")] * 50

    def draft(self, number: int = 1, query: str = "", **plan: Any) -> int:
        """Draft a rollout: its number."""
        body = {"uid": BOX, "number": number, "name": "first", "query": query, "plan": plan}
        return int(good(self.operator.post("/api/rollouts", json=body))["id"])

    def start(self, number: int = 1, query: str = "", despite: int = 0, **plan: Any) -> int:
        """Draft a rollout and start it: its number."""
        rollout = self.draft(number, query, **plan)
        good(self.ask(rollout, "start", despite=despite))
        return rollout

    def ask(self, rollout: int, deed: str, **body: Any) -> httpx.Response:
        """Do something with a rollout."""
        return self.operator.post(f"/api/rollouts/{rollout}/{deed}", json=body or None)

    def show(self, rollout: int) -> Any:
        """A rollout as infrastructure sees it."""
        return good(self.operator.get(f"/api/rollouts/{rollout}"))

    def progress(self, rollout: int) -> dict[str, str]:
        """How far each device is."""
        found = good(self.operator.get(f"/api/rollouts/{rollout}/devices"))
        return {each["device"]: each["progress"] for each in found["devices"]}

    def require_right_counts(self, rollout: int) -> None:
        """Require that the counters of each wave are those of its devices."""
        counted = [Counter[str]() for _ in self.show(rollout)["waves"]]
        found = good(self.operator.get(f"/api/rollouts/{rollout}/devices"))
        assert not found["next"], "there are too many for one page"
        for each in found["devices"]:
            counted[each["wave"]][each["progress"]] += 1
        for wave, counter in zip(self.show(rollout)["waves"], counted, strict=True):
            assert counter == Counter({each.value: wave[each] for each in DeviceProgress}), rollout
            assert wave["forgiven"] <= wave["failed"]

    def container(self, name: str) -> Any:
        """What a device is to run, and runs."""
        found = good(self.operator.get(f"/api/devices/{name}/containers"))
        return found["containers"][0]

    def settle(self, for_s: float = 60.0) -> None:
        """Let all be done that is due, while some time passes."""
        until_s = self.platform.clock.at_s + for_s
        for _ in itertools.repeat(None, MOST_ROUNDS):
            worked = [self.worker.step(), self.worker.deliver(), self.worker.look()]
            if not any(worked):
                self.platform.clock.at_s += 0.5
                if self.platform.clock.at_s > until_s:
                    return
        raise TimeoutError("it does not come to rest")

    def bundle(self, number: int = 1) -> bytes:
        """The bytes of a release, as devices get them."""
        answer = self.operator.get(f"/api/releases/{BOX}/{number}/bundle")
        assert answer.status_code == 200, answer.text
        return answer.content

    def running(self) -> dict[str, bytes]:
        """The bundle of each device that runs one."""
        return {
            name: each.has.bundle
            for name, each in self.gateway.fleet.items()
            if each.has is not None
        }


def loaded(bundle: bytes) -> Loaded:
    """A container that runs."""
    return Loaded(bundle, "RUNNING", 1)
