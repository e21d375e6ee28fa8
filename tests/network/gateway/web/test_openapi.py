"""The description is valid, complete, and true of what a gateway really answers."""

import hashlib
import json
import types
from pathlib import Path
from typing import Any, cast

import pytest
from support.evidence import let_it_sign
from support.gateways import Gateway, register, running_gateway, wait_until, write_gateway_file
from support.project import Program
from support.serving import make_desk, serving

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")

from tinycontainer.network.agent.requests.message import Method
from tinycontainer.network.agent.requests.published_table import ROWS
from tinycontainer.network.gateway.gateway_file import LimitsTable
from tinycontainer.network.gateway.web.access import Access
from tinycontainer.network.gateway.web.application import Application
from tinycontainer.network.gateway.web.asking import (
    ALLOWED,
    HttpAsked,
    read_device_request,
)
from tinycontainer.network.gateway.web.openapi import describe, write_openapi
from tinycontainer.network.gateway.web.page import read_page_files
from tinycontainer.network.gateway.web.problems import HttpRefused

NOT_THERE = "jsonschema-rs is not installed"
DOCUMENT = cast("dict[str, Any]", json.loads(write_openapi()))
OCTETS = {"Content-Type": "application/octet-stream"}
_BELOW = "/devices/{name}/"
_VALUES = {"name": "desk", "uid": "626f78", "id": "0" * 32, "sha256": "0" * 64}


def test_it_is_plain_data_and_the_same_each_time() -> None:
    assert describe() == DOCUMENT


def test_it_is_a_valid_document() -> None:
    jsonschema_rs = pytest.importorskip("jsonschema_rs", reason=NOT_THERE)
    reason = "schemathesis, which brings the schema of OpenAPI, is not installed"
    definitions = pytest.importorskip("schemathesis.specs.openapi.definitions", reason=reason)
    validator = jsonschema_rs.validator_for(definitions.OPENAPI_31)
    assert [each.message for each in validator.iter_errors(DOCUMENT)] == []


def test_every_schema_is_valid() -> None:
    jsonschema_rs = pytest.importorskip("jsonschema_rs", reason=NOT_THERE)
    for schema in DOCUMENT["components"]["schemas"].values():
        rooted = {**schema, "components": DOCUMENT["components"]}
        jsonschema_rs.Draft202012Validator(rooted)


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    found = set(_references(DOCUMENT))
    kinds = ("parameters", "responses", "schemas")
    there = {
        f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]
    }
    assert found == there


def test_every_parameter_of_a_path_is_described() -> None:
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            names = [each["$ref"].rpartition("/")[2] for each in operation.get("parameters", [])]
            parameters = [DOCUMENT["components"]["parameters"][name] for name in names]
            in_path = {each["name"] for each in parameters if each["in"] == "path"}
            assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_names_of_operations_are_unique() -> None:
    names = [each["operationId"] for path in DOCUMENT["paths"].values() for each in path.values()]
    assert len(set(names)) == len(names)


def test_it_has_the_paths_and_methods_of_the_application() -> None:
    described: dict[str, set[str]] = {}
    below: dict[str, set[str]] = {}
    for path, operations in DOCUMENT["paths"].items():
        methods = {method.upper() for method in operations}
        kind = _kind(path)
        if kind is None:
            described[path] = methods
        else:
            below[kind] = methods
    assert described == _routes()
    assert below.pop("published") == {row.method.name for row in ROWS.values()}
    assert below == {kind: {*methods.split(", ")} - {"HEAD"} for kind, methods in ALLOWED.items()}


def _routes() -> dict[str, set[str]]:
    """Paths and methods of the application, but for the page and what leads to devices."""
    parts: Any = types.SimpleNamespace(
        limits=LimitsTable(), access=Access(()), devices=None, watching=None
    )
    found: dict[str, set[str]] = {}
    for route in Application(parts, read_page_files()).asgi().routes:
        path, methods = cast("Any", route).path, cast("Any", route).methods
        if path not in read_page_files() and ":path" not in path:
            found.setdefault(path, set()).update(methods - {"HEAD"})
    return found


def _kind(path: str) -> str | None:
    """Which resource of a device it is; None if it is one of the gateway itself."""
    if not path.startswith(_BELOW) or path == f"{_BELOW}jobs":
        return None
    for method in Method:
        for query in ("", "start", "action=start"):
            rest = path.removeprefix(_BELOW).format(**_VALUES)
            try:
                return read_device_request(HttpAsked(method.name, rest, query, {}), bytes).kind
            except HttpRefused:
                continue
    raise AssertionError(path)


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for each in value for found in _references(each)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if "$ref" in value else []
    return own + [found for each in value.values() for found in _references(each)]


def test_real_answers_are_as_described(tmp_path: Path, program: Program) -> None:
    pytest.importorskip("jsonschema_rs", reason=NOT_THERE)
    port = make_desk(tmp_path, program)
    let_it_sign(tmp_path, program)
    bundle = (tmp_path / "box.tcb").read_bytes()
    with (
        serving(tmp_path, port) as served,
        running_gateway(write_gateway_file(tmp_path)) as gateway,
    ):
        register(gateway, "desk", served.uri)
        _Asking(gateway).whole_way(bundle)


class _Asking:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        from support.http_description import Description  # noqa: PLC0415 - an optional part

        self._description = Description(gateway.ask("GET", "/openapi.json").json())

    def ask(self, method: str, path: str, status: int, **options: Any) -> Any:
        found = self._gateway.ask(method, path, **options)
        assert found.status_code == status, found.text
        kind = found.headers.get("content-type", "")
        complaints = self._description.complaints(
            method, path.partition("?")[0], status, kind, found.content
        )
        assert complaints == []
        return found

    def whole_way(self, bundle: bytes) -> None:
        box = "/devices/desk/tc/c/626f78"
        self.ask("GET", "/devices", 200)
        self.ask("GET", "/devices/desk", 200)
        self.ask("GET", "/devices/nobody", 404)
        self.ask("GET", "/devices/desk/tc", 200)
        assert self.ask("POST", "/devices/desk/tc/j", 200, content=bundle, headers=OCTETS).json()
        self.ask("PUT", box, 201, content=bundle, headers=OCTETS)
        self.ask("PUT", box, 409, content=bundle, headers=OCTETS)
        self.ask("POST", f"{box}?start", 204)
        wait_until(lambda: self.ask("GET", box, 200).json()["loops"] > 0)
        assert len(self.ask("GET", "/devices/desk/tc/c", 200).json()) == 1
        self.ask("GET", box, 200, headers={"Accept": "application/cbor"})
        self.ask("GET", f"{box}/m", 200)
        self.ask("POST", f"{box}/w", 403, content=b"no token", headers=OCTETS)
        assert self.ask("GET", "/devices/desk/tc/e?since=0", 200).json()["events"]
        self.ask("GET", f"/devices/desk/tc/ev?nonce={'00' * 16}", 200)
        self.ask("GET", "/devices/desk/tc/ev", 400)
        self.ask("GET", "/devices/desk/tc/su", 200)
        self.ask("POST", "/devices/desk/tc/su", 400, content=b"no envelope", headers=OCTETS)
        self.ask("GET", "/devices/desk/container/?action=is-running&uid=626f78", 200)
        self.ask("POST", "/devices/desk/device-id/", 204, content=b"desk 7")
        self.ask("GET", "/devices/desk/device-id/", 200)
        self.ask("GET", "/metrics", 200)
        self._jobs(box)
        self._blobs(bundle)
        self._looks()
        self.ask("GET", "/nothing", 404)
        self.ask("GET", "/devices/", 404)
        self.ask("PATCH", "/devices", 405)

    def _looks(self) -> None:
        """A stream has a head, and for who asks for that only, an end."""
        import httpx  # noqa: PLC0415 - an optional part

        streams = {"Accept": "text/event-stream"}
        with httpx.Client(base_url=self._gateway.web, trust_env=False, timeout=10) as client:
            for path in ("/devices", "/devices/desk/tc/c"):
                assert client.head(path, headers=streams).status_code == 200
                assert client.get(path).status_code == 200  # on the same connection

    def _jobs(self, box: str) -> None:
        now = {"Prefer": "respond-async, wait=20"}
        done = self.ask("GET", box, 202, headers=now).json()
        assert done["state"] == "done"
        self.ask("GET", "/devices/desk/jobs", 200)
        self.ask("GET", f"/jobs/{done['id']}", 200)
        self.ask("GET", f"/jobs/{done['id']}/result", 200)
        self.ask("DELETE", f"/jobs/{done['id']}", 409)
        failed = self.ask("GET", "/devices/desk/tc/c/aa", 202, headers=now).json()
        self.ask("GET", f"/jobs/{failed['id']}/result", 404)
        later = {"Prefer": "respond-async"}
        self.ask("GET", f"/jobs/{'0' * 32}", 404)
        waits = self.ask("POST", "/devices/desk/tc/c/aa?start", 202, headers=later).json()
        self.ask("GET", f"/jobs/{waits['id']}", 200, headers={"Prefer": "wait=20"})

    def _blobs(self, bundle: bytes) -> None:
        digest = hashlib.sha256(bundle).hexdigest()
        self.ask("PUT", f"/blobs/{digest}", 201, content=bundle, headers=OCTETS)
        self.ask("PUT", f"/blobs/{'0' * 64}", 422, content=bundle, headers=OCTETS)
        self.ask("GET", f"/blobs/{digest}", 200)
        self.ask("GET", f"/blobs/{'0' * 64}", 404)
        checked = self.ask("POST", f"/devices/desk/tc/j?blob={digest}", 200, headers=OCTETS)
        assert checked.json()
