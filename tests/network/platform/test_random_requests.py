"""Random requests: whatever is asked, the platform answers as described, and goes on."""

import os
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.evident_rows import remember
from support.four_parties import BOX, CODE, FourParties, good
from support.platforms import (
    BEGIN_S,
    ORGANISATIONS,
    PASSWORD,
    Platform,
    empty_database,
    made_platform,
    problem_of,
)
from support.renting import HOUR_S, Renting
from support.sboms import TLS, Sboms, document
from support.worlds import FOREIGN, KEYS

from tinycontainer_tokens.key_files import to_pem, to_public_pem

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from support.http_description import Description  # noqa: E402

POSTGRESQL: Final = os.environ.get("TINYCONTAINER_TEST_POSTGRESQL", "")
"""URL of an empty database, on which the rows are if given."""
SBOMS: Final = (document(TLS), document({"name": "box1"}))
SECRET: Final = "secret-key"
"""What only the organisation ``boxes`` may see."""
PARTS: Final = ("code", "data", "mask", "endpoint-1", "metadata", "endpoint-0", "nonsense")
NAMES: Final[Mapping[str, list[Any]]] = {
    "uid": [BOX, b"own".hex()],
    "number": [1, 2, 3],
    "part": list(PARTS),
    "sha256": [sha256(CODE).hexdigest(), sha256(b"settings").hexdigest(), "0" * 64],
    "key": [sha256(key.public).hexdigest() for key in KEYS.values()],
    "fingerprint": [sha256(FOREIGN.public).hexdigest(), "0" * 64],
    "name": ["spare", "nobody", "box1"],
    "id": [1, 2, 999],
    "device": ["box1", "nobody"],
    "purl": [TLS["purl"], "pkg:generic/nothing@1"],
}
"""What is asked about by name; else nearly every request would be about nothing."""
GIVEN: Final[Mapping[str, Mapping[str, list[Any]]]] = {
    "CodeGiven": {"sha256": NAMES["sha256"]},
    "DataGiven": {"sha256": NAMES["sha256"]},
    "SbomGiven": {"sha256": [sha256(each).hexdigest() for each in (*SBOMS, CODE)]},
    "ReleaseGiven": {
        "uid": [b"own".hex()], "provider": ["data"], "infrastructure": ["infra"],
        "owner": ["boxes", "nobody"],
    },
    "KeyGiven": {"public": [to_public_pem(FOREIGN).decode(), to_pem(FOREIGN).decode(), "x"]},
    "DeviceGiven": {
        "infrastructure": ["infra"], "profile": [1],
        "evidence_key": ["", to_public_pem(FOREIGN).decode(), to_pem(FOREIGN).decode()],
    },
    "DeviceChange": {
        "profile": [1, 2],
        "evidence_key": ["", to_public_pem(FOREIGN).decode(), to_pem(FOREIGN).decode(), "x"],
    },
    "ProfileGiven": {"device_file": ['[device]\nname = "box"\n', "x"], "key_files": [{}]},
    "OfferGiven": {"query": ["", "kind = box", "("], "audience": [[], ["dev"], ["nobody"]]},
    "RentalGiven": {
        "offer": [1, 2, 3], "uid": [BOX], "number": [1, 2, 3],
        "from_s": [int(BEGIN_S)], "until_s": [int(BEGIN_S) + HOUR_S],
    },
    "JudgementAsked": {"query": ["", "kind = box", "("]},
}  # fmt: skip
"""The same in bodies."""
SENT: Final = (
    "application/json",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain; charset=utf-16",
    "nonsense",
)
HEADERS: Final = st.fixed_dictionaries(
    {}, optional={"Accept": st.sampled_from(SENT), "Content-Type": st.sampled_from(SENT)}
)
BODIES: Final = (
    st.just(CODE)
    | st.just(b"settings")
    | st.just(to_pem(FOREIGN))
    | st.just(to_public_pem(FOREIGN))
    | st.binary(max_size=3000)
)
"""What is sent in place of the body that is described."""


@dataclass
class Run:
    """What a run of random requests has found.

    Attributes:
        platform: is asked.
        description: of its resources.
        complaints: each with the first request that had it.
        statuses: how often each came.
        done: how often each operation succeeded.
        log_ins: how often the admin has logged in.
    """

    platform: Platform
    description: Description
    complaints: dict[str, str] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    log_ins: int = 0
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for organisation in ORGANISATIONS:
            self._log_in(organisation)

    def _log_in(self, organisation: str) -> None:
        self.log_ins += 1  # each from elsewhere, because failures of an address count together
        address = f"10.0.{self.log_ins // 256}.{self.log_ins % 256}"
        self._clients[organisation] = self.platform.log_in(f"{organisation}-admin", address=address)

    def ask(
        self, organisation: str, case: Any, more: Mapping[str, str], body: bytes | None
    ) -> None:
        """Ask once, and hold the answer against the description.

        Args:
            organisation: whose admin asks.
            case: what the description lets be asked.
            more: other headers.
            body: in place of the one that is described; None to send that one.
        """
        client = self._clients[organisation]
        sent = case.as_transport_kwargs(base_url="http://testserver")
        method, url = sent.pop("method"), sent.pop("url")
        known = {name: sent.get(name) for name in ("params", "json") if sent.get(name) is not None}
        headers = {**sent["headers"], **more}
        try:
            request = client.build_request(method, url, **known, headers=headers)
            if body is not None and method not in ("GET", "DELETE"):
                headers["Content-Length"] = str(len(body))
                request = client.build_request(method, request.url, content=body, headers=headers)
        except (UnicodeError, ValueError, httpx.InvalidURL):
            return  # no client can send it
        answer = client.send(request)
        self._judge(organisation, f"{method} {case.operation.path}", answer)
        if case.operation.path == "/api/session" and answer.status_code < 300:
            self._log_in(organisation)

    def _judge(self, organisation: str, operation: str, answer: httpx.Response) -> None:
        request, status = answer.request, answer.status_code
        self.statuses[status] += 1
        if status < 300:
            self.done[operation] += 1
        path = unquote(urlsplit(str(request.url)).path)
        kind = answer.headers.get("content-type", "")
        found = self.description.complaints(request.method, path, status, kind, answer.content)
        if status >= 500:
            found.append(f"{operation}: {status}")
        if organisation != "boxes" and SECRET in answer.text:
            found.append(f"{operation}: shows what belongs to others")
        for each in found:
            shown = f"{request.method} {request.url} {dict(request.headers)} {request.content!r}"
            self.complaints.setdefault(each, f"{shown} -> {status} {answer.content!r}"[:2000])


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """A platform with a release that is complete, one that is begun, and a spare person."""
    with made_platform(tmp_path, url=POSTGRESQL, payload_bytes=1 << 20) as made:
        four = FourParties(made)
        four.prepare()
        four.complete(1)
        four.begin(2)
        client = made.client("dev")
        body = {"name": "spare", "password": PASSWORD, "right": "viewer"}
        good(client.post("/api/people", json=body))
        good(client.post("/api/applications", json={"uid": b"own".hex(), "name": "own"}))
        made.token(client, "read")
        key = to_public_pem(FOREIGN).decode()
        body = {"role": "owner", "name": SECRET, "public": key}
        good(made.client("boxes").post("/api/keys", json=body))
        body = {"name": "plain", "device_file": '[device]\nname = "first"\n'}
        profile = good(made.client("boxes").post("/api/profiles", json=body))["id"]
        body = {"name": "box1", "infrastructure": "infra", "kind": "box", "profile": profile}
        good(made.client("boxes").post("/api/devices", json=body))
        renting = Renting(four)
        offer = renting.offer(query=f"label.of={SECRET}")
        good(renting.ask(offer, renting.release(3)))
        sboms = Sboms(four)
        for each in SBOMS:
            good(sboms.give(each))
        sboms.report("box1", 1)
        remember(made, "box1", SECRET)
        yield made
    if POSTGRESQL:
        empty_database(POSTGRESQL)


def narrowed(document: dict[str, Any], tokens: list[str]) -> dict[str, Any]:
    """The description with the names that exist here, and with tokens that can be taken."""
    paths = {
        path: {
            method: {**operation, "parameters": [*map(_narrow, operation.get("parameters", []))]}
            for method, operation in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    schemas = dict(document["components"]["schemas"])
    for name, fields in {**GIVEN, "TokenGiven": {"token": tokens}}.items():
        given = {field: {"enum": values} for field, values in fields.items()}
        schemas[name] = {**schemas[name], "properties": {**schemas[name]["properties"], **given}}
    components = {**document["components"], "schemas": schemas}
    return {**document, "paths": paths, "components": components}


def _narrow(parameter: dict[str, Any]) -> dict[str, Any]:
    names = NAMES.get(parameter["name"])
    return parameter if names is None else {**parameter, "schema": {"enum": names}}


def ask_at_random(platform: Platform, count: int) -> Run:
    """Ask so many random requests, the same in every run."""
    document = platform.application.openapi()
    run = Run(platform, Description(document))
    four = FourParties(platform)
    signed = [four.make_token(part) for part in PARTS[:5]]
    tokens = [b64encode(each).decode() for each in (*signed, Renting(four).withdrawing_token())]
    schema = schemathesis.openapi.from_dict(narrowed(document, tokens))
    cases = [
        operation.ok().as_strategy(generation_mode=mode)
        for operation in schema.get_all_operations()
        for mode in (*schemathesis.GenerationMode, schemathesis.GenerationMode.POSITIVE)
    ]

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(
        st.sampled_from([*ORGANISATIONS]),
        st.one_of(cases),
        st.just({}) | st.just({}) | HEADERS,
        st.none() | st.none() | BODIES,
    )
    def ask(organisation: str, case: Any, more: dict[str, str], body: bytes | None) -> None:
        run.ask(organisation, case, more, body)

    ask()
    return run


@pytest.fixture(
    params=[300, pytest.param(10_000, marks=pytest.mark.long)],
    ids=lambda count: f"{count} requests",
)
def count(request: pytest.FixtureRequest) -> int:
    """How many requests are asked."""
    found: int = request.param
    return found


@pytest.mark.clause("TC-PLAT-11")
def test_the_platform_answers_as_described_and_goes_on(
    platform: Platform, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    run = ask_at_random(platform, count)
    assert run.complaints == {}
    assert "has failed" not in caplog.text
    assert run.statuses.total() > count // 2
    assert run.done.total() > count // 10
    assert platform.client("data").get("/api/me").status_code == 200
    assert platform.anonymous().get("/health").json() == {"status": "ok"}


@pytest.mark.clause("TC-PLAT-11")
def test_what_no_database_can_keep_is_refused_or_kept_and_never_a_failure(
    platform: Platform,
) -> None:
    body = {"name": "box2", "infrastructure": "infra", "kind": "box", "profile": 1}
    answer = platform.client("boxes").post("/api/devices", json={**body, "device_id": "a\0b"})
    if POSTGRESQL:
        assert "cannot keep" in problem_of(answer, 400)
    else:
        assert good(answer)["device_id"] == "a\0b"
