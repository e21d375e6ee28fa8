"""Random requests: whatever is asked, the gateway answers as described, and goes on."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.gateways import Gateway, register, running_gateway, write_gateway_file
from support.project import Program
from support.serving import HOST, free_port, make_desk, serving

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
requests: Any = pytest.importorskip("requests", reason="requests is not installed")

from support.http_description import Description  # noqa: E402

ACCEPTED = (
    "application/json",
    "application/cbor",
    "text/event-stream",
    "text/plain",
    "*/*",
    "nonsense",
)
SENT = (
    "application/octet-stream",
    "application/cbor",
    "application/oscore",
    "application/json",
    "application/coap-payload;cf=42",
    "nonsense",
)
MOST_GROWTH_BYTES = 32 << 20
KNOWN = {
    "device": ["desk", "gone", "nobody"],
    "uid": ["626f78", "aa"],
    "prefer": ["respond-async", "respond-async, wait=0", "wait=0", "handling=lenient"],
    "action": ["load", "start", "is-running", "stop", "delete"],
}
"""What is asked about by name; else nearly every request would be about nothing."""
HEADERS = st.fixed_dictionaries(
    {}, optional={"Accept": st.sampled_from(ACCEPTED), "Content-Type": st.sampled_from(SENT)}
)


@pytest.fixture
def gateway(tmp_path: Path, program: Program) -> Iterator[Gateway]:
    """A gateway with a device that answers, and with one whose port is closed."""
    port = make_desk(tmp_path, program)
    file = write_gateway_file(tmp_path)
    with serving(tmp_path, port) as served, running_gateway(file) as running:
        bundle = (tmp_path / "box.tcb").read_bytes()
        register(running, "desk", served.uri, lt=80_000)
        register(running, "gone", f"coap://{HOST}:{free_port()}", lt=80_000)
        octets = {"Content-Type": "application/octet-stream"}
        box = "/devices/desk/tc/c/626f78"
        assert running.ask("PUT", box, content=bundle, headers=octets).status_code == 201
        yield running


@dataclass
class Run:
    """What a run of random requests has found.

    Attributes:
        gateway: is asked.
        description: of its resources.
        session: of the client.
        complaints: each with the first request that had it.
        statuses: how often each came.
    """

    gateway: Gateway
    description: Description
    session: Any = field(default_factory=requests.Session)
    complaints: dict[str, str] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)

    def ask(self, case: Any, more: dict[str, str], payload: bytes) -> None:
        """Ask once, and hold the answer against the description."""
        asked = case.as_transport_kwargs(base_url=self.gateway.web)
        asked["headers"] = {**asked["headers"], **more}
        if case.method in ("PUT", "POST"):
            asked["data"] = payload
        try:
            answer = self.session.request(**asked, timeout=30, stream=True, allow_redirects=False)
        except (requests.exceptions.InvalidHeader, UnicodeError):
            return  # no client can send it
        with answer:
            self._judge(answer)

    def _judge(self, answer: Any) -> None:
        kind = answer.headers.get("content-type", "")
        is_stream = kind.startswith("text/event-stream")
        body = None if is_stream else answer.content
        request = answer.request
        path = unquote(urlsplit(str(request.url)).path)
        status = answer.status_code
        self.statuses[status] = self.statuses.get(status, 0) + 1
        found = self.description.complaints(str(request.method), path, status, kind, body)
        if status == 500 and answer.json().get("code") != "5.00":
            found.append("the gateway itself has failed")
        for each in found:
            shown = f"{request.method} {request.url} {dict(request.headers)} {request.body!r}"
            self.complaints.setdefault(each, f"{shown} -> {status} {body!r}"[:2000])


def known(gateway: Gateway, bundle: bytes) -> dict[str, list[str]]:
    """The names of what is there, jobs and a blob among them."""
    digest = hashlib.sha256(bundle).hexdigest()
    assert gateway.ask("PUT", f"/blobs/{digest}", content=bundle).status_code == 201
    jobs = [
        gateway.ask("GET", f"/devices/{name}/tc", headers={"Prefer": f"respond-async, wait={wait}"})
        for name, wait in (("desk", 10), ("gone", 0))
    ]
    none = "0" * 64
    return {
        **KNOWN,
        "job": [*(job.json()["id"] for job in jobs), none[:32]],
        "sha256": [digest, none],
        "blob": [digest, none],
    }


def narrowed(document: dict[str, Any], names: dict[str, list[str]]) -> dict[str, Any]:
    """The description with the names that exist here, and without payloads, which are bytes."""
    components = document["components"]
    parameters = {
        name: {**each, "schema": {"type": "string", "enum": names[name]}} if name in names else each
        for name, each in components["parameters"].items()
    }
    paths = {
        path: {
            method: {key: each for key, each in operation.items() if key != "requestBody"}
            for method, operation in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    return {**document, "paths": paths, "components": {**components, "parameters": parameters}}


def ask_at_random(gateway: Gateway, bundle: bytes, count: int) -> Run:
    """Ask so many random requests, the same in every run."""
    document = gateway.ask("GET", "/openapi.json").json()
    run = Run(gateway, Description(document))
    run.session.trust_env = False
    schema = schemathesis.openapi.from_dict(narrowed(document, known(gateway, bundle)))
    cases = [
        operation.ok().as_strategy(generation_mode=mode)
        for operation in schema.get_all_operations()
        for mode in schemathesis.GenerationMode
    ]

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(st.one_of(cases), HEADERS, st.just(bundle) | st.binary(max_size=3000))
    def ask(case: Any, more: dict[str, str], payload: bytes) -> None:
        run.ask(case, more, payload)

    ask()
    return run


@pytest.fixture(
    params=[150, pytest.param(5000, marks=pytest.mark.long)],
    ids=lambda count: f"{count} requests",
)
def count(request: pytest.FixtureRequest) -> int:
    """How many requests are asked."""
    found: int = request.param
    return found


def test_the_gateway_answers_as_described_and_goes_on(
    gateway: Gateway, tmp_path: Path, count: int
) -> None:
    before = memory_bytes(gateway)
    run = ask_at_random(gateway, (tmp_path / "box.tcb").read_bytes(), count)
    assert run.complaints == {}
    assert sum(run.statuses.values()) > count // 2
    assert gateway.ask("GET", "/devices").status_code == 200
    assert gateway.ask("GET", "/devices/desk/tc").status_code == 200
    assert "Traceback" not in gateway.complaints()
    assert memory_bytes(gateway) - before < MOST_GROWTH_BYTES
    assert gateway.end() == 0


def memory_bytes(gateway: Gateway) -> int:
    """How much memory the gateway uses now."""
    pages = Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
