"""Protected devices in processes of their own, which register with one gateway by themselves."""

from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from support.event_streams import following
from support.gateways import (
    Gateway,
    register,
    running_gateway,
    wait_until,
    write_gateway_file,
)
from support.project import Program
from support.served_updates import desk, write_update
from support.serving import serving
from support.updates import draft, sign
from support.yards import make_yard, wait_for

from tinycontainer.metadata import Bundle
from tinycontainer.suit.drafts import NewVersion, make_envelope
from tinycontainer.suit.rules import derive_identity

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
OCTETS = {"Content-Type": "application/octet-stream"}
ASYNC = {"Prefer": "respond-async"}
BOX = "tc/c/626f78"
IDENTITY = derive_identity("example.com", "box")


def state_of(gateway: Gateway, name: str) -> str:
    answer = gateway.ask("GET", f"/devices/{name}/{BOX}")
    return str(answer.json()["state"]) if answer.status_code == 200 else str(answer.status_code)


def test_ten_devices_do_all_that_they_are_asked_over_http(tmp_path: Path, program: Program) -> None:
    names = tuple(f"box{number}" for number in range(10))
    yard = make_yard(tmp_path, program, names)
    bundle = yard.bundle
    version = NewVersion.of(Bundle.decode(bundle, 1 << 20), starts=True)
    envelope = sign(make_envelope(draft(version, number=1, identity=IDENTITY)))
    with yard.all() as gateway:
        seen = gateway.ask("GET", "/devices").json()
        assert [(each["name"], each["presence"], each["protected"]) for each in seen] == [
            (name, "awake", True) for name in names
        ]
        for name in names:
            put = gateway.ask("PUT", f"/devices/{name}/{BOX}", content=bundle, headers=OCTETS)
            assert put.status_code == 201, put.text
        stream = {"Accept": "text/event-stream"}
        with httpx.stream(
            "GET", f"{gateway.web}/devices/box7/{BOX}", headers=stream, trust_env=False
        ) as watched:
            lines = watched.iter_lines()
            assert '"state": "READY"' in [next(lines), next(lines)][1]
            for name in names:
                started = gateway.ask("POST", f"/devices/{name}/{BOX}?start")
                assert started.status_code == 204, started.text
            assert any('"state": "RUNNING"' in line for line in lines)
        for name in names:
            updated = gateway.ask(
                "POST", f"/devices/{name}/tc/su", content=envelope, headers=OCTETS
            )
            assert updated.status_code == 204, updated.text
            assert gateway.ask("GET", f"/devices/{name}/tc/su").json()["state"] == "done"
        for name in names:
            assert gateway.ask("DELETE", f"/devices/{name}/{BOX}").status_code == 204
        wait_until(lambda: {state_of(gateway, name) for name in names} == {"404"})
        assert gateway.end() == 0
        assert gateway.complaints().count("\n") == 1


@pytest.mark.clause("TC-GW-46", "TC-GW-51", "TC-GW-52")
def test_what_a_sleeping_device_is_asked_waits_for_it(tmp_path: Path, program: Program) -> None:
    yard = make_yard(tmp_path, program, ("box",), {"box": "sleep_s = 3\nawake_s = 1"})
    bundle = yard.bundle
    with yard.all() as gateway:
        wait_for(gateway, "box", "asleep")
        asleep = gateway.ask("GET", "/devices/box/tc")
        assert (asleep.status_code, asleep.json()["title"]) == (503, "asleep")
        assert 0 < int(asleep.headers["retry-after"]) <= 5
        jobs = []
        for method, path, content in (
            ("PUT", BOX, bundle),
            ("POST", f"{BOX}?start", b""),
            ("GET", BOX, b""),
        ):
            headers = {**ASYNC, **(OCTETS if content else {})}
            accepted = gateway.ask(method, f"/devices/box/{path}", content=content, headers=headers)
            assert accepted.status_code == 202
            assert accepted.json()["state"] == "queued"
            jobs.append(accepted.headers["location"])
        assert gateway.ask("GET", f"{jobs[0]}/result").status_code == 409
        ended = [gateway.ask("GET", job, headers={"Prefer": "wait=30"}).json() for job in jobs]
        assert [(each["state"], each["code"]) for each in ended] == [
            ("done", "2.01"),
            ("done", "2.04"),
            ("done", "2.05"),
        ]
        assert gateway.ask("GET", f"{jobs[0]}/result").status_code == 201
        assert gateway.ask("GET", f"{jobs[2]}/result").json()["state"] in ("READY", "RUNNING")


def test_both_sides_come_back_by_themselves(tmp_path: Path, program: Program) -> None:
    yard = make_yard(tmp_path, program, ("box",), {"box": "lifetime_s = 20"})
    with yard.device("box"):
        with yard.gateway() as gateway:
            wait_for(gateway, "box")
            gateway.process.kill()
        with yard.gateway() as gateway:  # it knows who was there
            assert gateway.ask("GET", "/devices/box").json()["presence"] == "awake"
            assert gateway.ask("GET", "/devices/box/tc").status_code == 200
        for file in tmp_path.glob("gateway.db*"):
            file.unlink()
        with yard.gateway() as gateway:  # it knows nobody, and is found again
            assert gateway.ask("GET", "/devices/box").json()["presence"] == "gone"
            wait_for(gateway, "box")
            assert gateway.ask("GET", "/devices/box/tc").status_code == 200


@pytest.mark.clause("TC-GW-34")
def test_a_stream_goes_on_after_its_device_was_killed(tmp_path: Path, program: Program) -> None:
    yard = make_yard(tmp_path, program, ("box",))
    with yard.gateway() as gateway:
        with yard.device("box") as device:
            wait_for(gateway, "box")
            put = gateway.ask("PUT", f"/devices/box/{BOX}", content=yard.bundle, headers=OCTETS)
            assert put.status_code == 201, put.text
            started = gateway.ask("POST", f"/devices/box/{BOX}?start")
            assert started.status_code == 204, started.text
            stream = following(f"{gateway.web}/devices/box/{BOX}", 20)
            events = stream.__enter__()
            before = next(events).data
            device.process.kill()
            device.process.wait()
        # It has forgotten what was sent to it before, and nobody but the stream asks it.
        with yard.device("box"):
            after = next(events).data
            stream.__exit__(None, None, None)
    assert (before["state"], after["state"]) == ("RUNNING", "RUNNING")
    assert before["execution_ns"] != after["execution_ns"]


@pytest.mark.clause("TC-GW-43")
def test_a_device_fetches_the_payload_of_an_update_from_its_gateway(
    tmp_path: Path, program: Program
) -> None:
    file = write_gateway_file(tmp_path)
    with running_gateway(file) as gateway:
        port = desk(tmp_path, program, gateway.coap)
        code = Bundle.decode((tmp_path / "box.tcb").read_bytes(), 1 << 20).code
        digest = sha256(code).hexdigest()
        assert gateway.ask("PUT", f"/blobs/{digest}", content=code).status_code == 201
        envelope = write_update(tmp_path, f"{gateway.coap}/blobs/{digest}").read_bytes()
        with serving(tmp_path, port) as served:
            register(gateway, "desk", served.uri)
            sent = gateway.ask("POST", "/devices/desk/tc/su", content=envelope, headers=OCTETS)
            assert sent.status_code == 204, sent.text
            wait_until(lambda: gateway.ask("GET", "/devices/desk/tc/su").json()["state"] == "done")
            assert gateway.ask("GET", f"/devices/desk/{BOX}").json()["uid"] == "box"
