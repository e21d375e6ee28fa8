"""Devices behind a gateway, asked over HTTP, from the load of a container to its end."""

import json
from collections.abc import Iterator
from pathlib import Path

import cbor2
import pytest
from support.gateways import (
    Gateway,
    register,
    running_gateway,
    wait_until,
    write_gateway_file,
)
from support.project import Program
from support.serving import make_desk, serving

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
BOX = "/devices/desk/tc/c/626f78"
OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def desk(tmp_path: Path, program: Program) -> Iterator[Gateway]:
    """A gateway, and a device that is registered as "desk"."""
    port = make_desk(tmp_path, program)
    file = write_gateway_file(tmp_path)
    with serving(tmp_path, port) as served, running_gateway(file) as gateway:
        register(gateway, "desk", served.uri)
        yield gateway


def test_a_container_goes_its_whole_way(tmp_path: Path, desk: Gateway) -> None:
    bundle = (tmp_path / "box.tcb").read_bytes()
    assert desk.ask("GET", "/devices/desk/tc").json()["slots"] == 8
    assert desk.ask("GET", "/devices/desk/tc/c").json() == []
    checks = desk.ask("POST", "/devices/desk/tc/j", content=bundle, headers=OCTETS).json()
    assert {check["holds"] for check in checks} <= {True, None}
    loaded = desk.ask("PUT", BOX, content=bundle, headers=OCTETS)
    assert loaded.status_code == 201
    assert desk.ask("POST", f"{BOX}?start").status_code == 204
    wait_until(lambda: desk.ask("GET", BOX).json()["state"] == "RUNNING")
    seen = desk.ask("GET", BOX)
    assert seen.headers["etag"] == f'"{seen.json()["bundle"][:16]}"'
    assert seen.headers["cache-control"] == "private, max-age=1"
    cbor = desk.ask("GET", BOX, headers={"Accept": "application/cbor"})
    assert cbor.headers["content-type"] == "application/cbor"
    assert cbor2.loads(cbor.content)[0] == b"box"
    metadata = desk.ask("GET", f"{BOX}/m")
    assert metadata.headers["content-type"] == "application/cbor"
    assert (
        desk.ask(
            "PUT",
            f"{BOX}/m",
            content=metadata.content,
            headers={"Content-Type": "application/cbor"},
        ).status_code
        == 204
    )
    replaced = desk.ask("PUT", BOX, content=bundle, headers={**OCTETS, "If-Match": "*"})
    assert replaced.status_code == 204
    events = desk.ask("GET", "/devices/desk/tc/e").json()
    assert events["events"][0]["event"]["event"] == "loaded"
    assert desk.ask("DELETE", BOX).status_code == 204
    wait_until(lambda: desk.ask("GET", BOX).status_code == 404)
    gone = desk.ask("GET", BOX)
    assert gone.headers["content-type"] == "application/problem+json"
    assert gone.json() == {
        "type": "urn:tinycontainer:problem:unknown-uid",
        "title": "unknown uid",
        "status": 404,
        "detail": "no container box is loaded",
        "code": "4.04",
    }


def test_version_1_is_there_as_well(tmp_path: Path, desk: Gateway) -> None:
    bundle = (tmp_path / "box.tcb").read_bytes()
    one = "/devices/desk/container/"
    loaded = desk.ask("POST", f"{one}?action=load", content=bundle, headers=OCTETS)
    assert loaded.status_code == 201
    assert desk.ask("PUT", f"{one}?action=start&uid=626f78").status_code == 204
    running = f"{one}?action=is-running&uid=626f78"
    wait_until(lambda: desk.ask("GET", running).json() == {"uid": "626f78", "running": True})
    assert desk.ask("PUT", f"{one}?action=stop&uid=626f78").status_code == 204
    assert desk.ask("DELETE", f"{one}?action=delete&uid=626f78").status_code == 204
    assert desk.ask("DELETE", f"{one}?action=delete&uid=626f78").status_code == 500
    identity = "/devices/desk/device-id/"
    assert desk.ask("GET", identity).status_code == 404
    assert desk.ask("POST", identity, content=b"desk 7").status_code == 204
    assert desk.ask("GET", identity).content == b"desk 7"


def test_who_looks_sees_each_change(tmp_path: Path, desk: Gateway) -> None:
    import httpx  # noqa: PLC0415

    bundle = (tmp_path / "box.tcb").read_bytes()
    headers = {"Accept": "text/event-stream"}
    with httpx.stream(
        "GET", f"{desk.web}/devices/desk/tc/c", headers=headers, trust_env=False
    ) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert [next(lines), next(lines)] == ["event: state", "data: []"]
        desk.ask("PUT", BOX, content=bundle, headers=OCTETS)
        next(lines)
        assert next(lines) == "event: state"
        assert json.loads(next(lines).removeprefix("data: "))[0]["uid"] == "box"
    with httpx.stream(
        "GET",
        f"{desk.web}/devices/desk/tc/e",
        headers={**headers, "Last-Event-ID": "0"},
        trust_env=False,
    ) as stream:
        lines = stream.iter_lines()
        assert [next(lines), next(lines)] == ["id: 1", "event: event"]
        assert json.loads(next(lines).removeprefix("data: "))["event"] == "loaded"


def test_it_ends_in_order(tmp_path: Path, desk: Gateway) -> None:
    assert desk.end() == 0
    assert desk.complaints().count("\n") == 2
