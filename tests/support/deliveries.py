"""A gateway and a device that are scripted, for what the platform delivers through them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from tinycontainer.interfaces.network.http_uri import parse_http_uri
from tinycontainer.network.platform.delivery.delivering import advance
from tinycontainer.network.platform.delivery.gateway_client import GatewayClient
from tinycontainer.network.platform.delivery.progress import (
    DeliveryOutcome,
    DeliveryProgress,
    DeliveryWaits,
)
from tinycontainer.network.platform.delivery.task import DeliveryKind, DeliveryTask
from tinycontainer.network.platform.exchange import Server

UID = b"box"
OLD, NEW = b"the old bundle", b"the new bundle"
ENVELOPE = b"the envelope of the new bundle"
TOKEN = "token-of-the-platform"
PROBLEM = "application/problem+json"


def digest(content: bytes) -> str:
    """The SHA-256 in hexadecimal digits."""
    return sha256(content).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What HTTP is answered; without a status the connection is closed."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def as_json(value: object, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON; header names with underscores for hyphens."""
    named = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Answer(status, json.dumps(value).encode(), headers=named)


def problem(status: int, reason: str, code: str = "", detail: str = "why", **more: str) -> Answer:
    """A refusal; of the device if it has a code."""
    value = {"type": f"urn:tinycontainer:problem:{reason}", "status": status, "detail": detail}
    found = as_json(value | ({"code": code} if code else {}), status, **more)
    return replace(found, kind=PROBLEM)


@dataclass
class Loaded:
    """A container of the double."""

    bundle: bytes
    state: str = "READY"
    loops: int = 0
    last_exit: str = ""


@dataclass
class DeviceDouble:
    """A device with room for one container, which recognises repeated ids (TC-MGMT-10).

    Attributes:
        has: the container; None if there is none.
        changes: those that were carried out.
        refuses: what the next requests are answered, by method, until they are used up.
        start: makes of a container what it is after its start.
        trial: makes of a version on trial, and of the one before, what is there afterwards.
        last_update: the answer of GET /tc/su.
    """

    has: Loaded | None = None
    changes: list[str] = field(default_factory=list)
    refuses: dict[str, list[Answer]] = field(default_factory=dict)
    start: Callable[[Loaded], Loaded] = lambda found: replace(found, state="RUNNING")
    trial: Callable[[Loaded, Loaded], Loaded] = lambda _old, new: replace(new, loops=3)
    last_update: dict[str, Any] = field(default_factory=lambda: {"state": "none", "uids": []})
    bundles: dict[bytes, bytes] = field(default_factory=lambda: {ENVELOPE: NEW})
    _known: dict[str, tuple[object, Answer]] = field(default_factory=dict)

    def answer(self, method: str, target: str, if_match: str, payload: bytes) -> Answer:
        """What it answers."""
        refusals = self.refuses.get(method)
        if refusals:
            return refusals.pop(0)
        place = urlsplit(target)
        query = dict(parse_qsl(place.query, keep_blank_values=True))
        if method == "GET":
            return self._look(place.path)
        said = (method, place.path, sorted(query.items()), payload)
        known = self._known.get(query["id"])
        if known is not None:
            is_same = known[0] == said
            return known[1] if is_same else problem(400, "bad-request", "4.00", "id: was used")
        given = self._change(method, place.path, query, if_match, payload)
        if given.status < 300:
            self._known[query["id"]] = said, given
        return given

    def _look(self, path: str) -> Answer:
        if path.endswith("/su"):
            return as_json(self.last_update)
        if self.has is None:
            return problem(404, "unknown-uid", "4.04")
        found = self.has
        shown = {"uid": "box", "state": found.state, "loops": found.loops}
        return as_json(shown | {"last_exit": found.last_exit, "bundle": digest(found.bundle)})

    def _change(
        self, method: str, path: str, query: dict[str, str], if_match: str, payload: bytes
    ) -> Answer:
        if path.endswith("/su"):
            self.has = Loaded(self.bundles[payload])
            self.changes.append("update")
            return Answer(204)
        if method == "PUT":
            return self._put(query, if_match, payload)
        if self.has is None:
            return problem(404, "unknown-uid", "4.04")
        if method == "DELETE" or path.endswith("/w"):
            self.has = None
            self.changes.append("withdraw" if payload else "delete")
            return Answer(204)
        if self.has.state != "READY":
            return problem(409, "wrong-state", "4.09")
        self.has = self.start(self.has)
        self.changes.append("start")
        return Answer(204)

    def _put(self, query: dict[str, str], if_match: str, payload: bytes) -> Answer:
        new = Loaded(payload)
        if not if_match:
            if self.has is not None:
                return problem(409, "duplicate-uid", "4.09")
            self.has = new
            self.changes.append("load")
            return Answer(201)
        if self.has is None or if_match != f'"{digest(self.has.bundle)[:16]}"':
            return problem(412, "precondition-failed", "4.12")
        old = self.has
        self.has = replace(new, state=old.state)
        if "confirm" in query:
            if old.state != "RUNNING":
                return problem(409, "wrong-state", "4.09")
            self.has = self.trial(old, self.has)
        self.changes.append("replace")
        return Answer(204)


@dataclass
class GatewayDouble:
    """A gateway before one device, ``box1``.

    Attributes:
        device: behind it.
        presence: of the device; jobs are delivered while it is awake.
        lies: what is answered in place of the truth, after that was carried out; None for the
            truth.
        asked: method and target of all that came.
        states: of jobs that are not what they should be.
    """

    device: DeviceDouble
    presence: str = "awake"
    back_s: float | None = 0.0
    lies: Callable[[str, str], Answer | None] = lambda _method, _target: None
    asked: list[tuple[str, str]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    _jobs: dict[str, tuple[str, str, str, bytes]] = field(default_factory=dict)
    _answers: dict[str, Answer] = field(default_factory=dict)

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """What it answers."""
        self.asked.append((method, target))
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return problem(401, "unauthorized")
        truth = self._answer(method, target, headers, body)
        lie = self.lies(method, target)
        return truth if lie is None else lie

    def forget_jobs(self) -> None:
        """As after its file was lost."""
        self._jobs.clear()
        self._answers.clear()

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        words = target.split("/")
        if words[1] == "jobs":
            return self._answer_about_job(method, words[2], is_result=len(words) > 3)
        if words[1] == "blobs":
            return self._answer_about_blob(method, words[2], body)
        if target == "/devices":
            return as_json([])
        if words[1:3] != ["devices", "box1"]:
            return problem(404, "unknown-device")
        if len(words) == 3:
            described = {"name": "box1", "presence": self.presence, "back_s": self.back_s}
            return as_json(described | {"heard_s": 5.5})
        return self._accept(method, target.removeprefix("/devices/box1"), headers, body)

    def _accept(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        assert headers["prefer"] == "respond-async"
        assert int(headers["job-deadline"]) > 0
        place, _, query = target.partition("?")
        blob = dict(parse_qsl(query)).get("blob")
        if blob is not None:
            if blob not in self.blobs:
                return problem(404, "unknown-blob")
            body = self.blobs[blob]
            query = query.replace(f"blob={blob}&", "")
        job = f"{len(self._jobs) + 1:032x}"
        self._jobs[job] = method, f"{place}?{query}", headers.get("if-match", ""), body
        return as_json({"id": job, "state": "queued"}, 202, location=f"/jobs/{job}")

    def _answer_about_job(self, method: str, job: str, *, is_result: bool) -> Answer:
        if job not in self._jobs:
            return problem(404, "unknown-job")
        if self.presence == "awake":
            for each, asked in self._jobs.items():
                if each not in self._answers and each not in self.states:
                    self._answers[each] = self.device.answer(*asked)
        done = "done" if job in self._answers else "queued"
        state = self.states.get(job, done)
        if method == "DELETE":
            if state != "queued":
                return problem(409, "wrong-state")
            state = self.states[job] = "cancelled"
        if not is_result:
            return as_json({"id": job, "state": state})
        return self._answers.get(job, problem(409, "no-result"))

    def _answer_about_blob(self, method: str, name: str, body: bytes) -> Answer:
        if method == "PUT":
            if digest(body) != name:
                return problem(422, "wrong-hash")
            self.blobs[name] = body
            return as_json({"sha256": name}, 201)
        return Answer(200, self.blobs[name]) if name in self.blobs else problem(404, "unknown-blob")


class AnsweringGateway(Protocol):
    """What answers for a gateway."""

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """What it answers."""
        ...


@contextmanager
def served(gateway: GatewayDouble) -> Iterator[GatewayClient]:
    """Serve until the block is left; a client of it."""
    with served_at(gateway) as uri:
        yield client_of(uri)


@contextmanager
def served_at(gateway: AnsweringGateway) -> Iterator[str]:
    """Serve until the block is left; where."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = gateway.answer(self.command, self.path, headers, body)
            if not answer.status:
                return
            self.send_response(answer.status)
            for name, value in (("Content-Type", answer.kind), *answer.headers):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def do_GET(self) -> None:
            self._do()

        def do_HEAD(self) -> None:
            self._do()

        def do_PUT(self) -> None:
            self._do()

        def do_POST(self) -> None:
            self._do()

        def do_DELETE(self) -> None:
            self._do()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: a client that has had enough closes its connection."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def client_of(uri: str, token: str = TOKEN, timeout_s: float = 10) -> GatewayClient:
    """A client, for which time stands still but in its sockets."""
    server = Server(parse_http_uri(uri), None, lambda: 0.0, timeout_s)
    return GatewayClient(server, token, timeout_s)


def task(kind: DeliveryKind = DeliveryKind.DELIVER, **more: Any) -> DeliveryTask:
    """A delivery of the new bundle to ``box1``."""
    given: dict[str, Any] = {"kind": kind, "device": "box1", "uid": UID, "nonce": b"8 random"}
    if kind is DeliveryKind.DELIVER:
        given |= {"sha256": digest(NEW), "bundle": lambda: NEW}
    return DeliveryTask(**(given | more))


def stored(progress: DeliveryProgress) -> DeliveryProgress:
    """What is read again of it, after a kill."""
    return DeliveryProgress.from_json(progress.to_json())


def run(
    wanted: DeliveryTask,
    client: GatewayClient,
    progress: DeliveryProgress | None = None,
    most: int = 100,
) -> tuple[DeliveryOutcome, list[DeliveryProgress]]:
    """Call until the end, or so often; the last outcome and all that was stored on the way."""
    kept = [progress or DeliveryProgress()]
    outcome: DeliveryOutcome = DeliveryWaits(kept[0], 0.0)
    for _ in range(most):
        outcome = advance(wanted, kept[-1], client)
        if not isinstance(outcome, DeliveryWaits):
            break
        kept.append(stored(outcome.progress))
    return outcome, kept
