"""An owner's withdrawal over HTTP: at once, as a job, and once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.gateways import Gateway, register, running_gateway, wait_until, write_gateway_file
from support.project import Program
from support.serving import make_desk, serving

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
BOX = "/devices/desk/tc/c/626f78"
OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def desk(tmp_path: Path, program: Program) -> Iterator[Gateway]:
    """A gateway, and a device that is registered as "desk", with a container."""
    port = make_desk(tmp_path, program)
    for sequence in (2, 3):
        signed = ("--uid", "box", "--key", tmp_path / "keys" / "owner.pem", "--sequence", sequence)
        path = tmp_path / f"{sequence}.cwt"
        program.good("sign", "mask", "--calls", "none", *signed, "-o", path)
    with serving(tmp_path, port) as served, running_gateway(write_gateway_file(tmp_path)) as found:
        register(found, "desk", served.uri)
        bundle = (tmp_path / "box.tcb").read_bytes()
        assert found.ask("PUT", BOX, content=bundle, headers=OCTETS).status_code == 201
        yield found


def sequences(desk: Gateway) -> list[int]:
    """Of the withdrawals that the device has told of."""
    rows: list[dict[str, Any]] = desk.ask("GET", "/devices/desk/tc/e").json()["events"]
    return [row["event"]["sequence"] for row in rows if row["event"]["event"] == "withdrawn"]


@pytest.mark.clause("TC-MGMT-20", "TC-GW-31")
def test_a_container_is_withdrawn_through_the_gateway(tmp_path: Path, desk: Gateway) -> None:
    token = (tmp_path / "2.cwt").read_bytes()
    bad = desk.ask("POST", f"{BOX}/w", content=token[:-1] + b"x", headers=OCTETS)
    assert (bad.status_code, bad.json()["type"]) == (403, "urn:tinycontainer:problem:token")
    assert desk.ask("POST", f"{BOX}/w", content=bytes(1025), headers=OCTETS).status_code == 413
    assert desk.ask("POST", f"{BOX}/w", content=token, headers=OCTETS).status_code == 204
    wait_until(lambda: desk.ask("GET", BOX).status_code == 404)
    bundle = (tmp_path / "box.tcb").read_bytes()
    again = desk.ask("PUT", BOX, content=bundle, headers=OCTETS)
    assert (again.status_code, again.json()["type"]) == (403, "urn:tinycontainer:problem:token")
    assert sequences(desk) == [2]


@pytest.mark.clause("TC-MGMT-20", "TC-GW-46", "TC-GW-48")
def test_a_job_withdraws_and_its_id_stands_for_it(tmp_path: Path, desk: Gateway) -> None:
    token = (tmp_path / "2.cwt").read_bytes()
    later = {**OCTETS, "Prefer": "respond-async, wait=20"}
    path = f"{BOX}/w?id=00000000000000aa"
    for _ in range(2):
        job = desk.ask("POST", path, content=token, headers=later).json()
        assert job["state"] == "done"
        assert desk.ask("GET", f"/jobs/{job['id']}/result").status_code == 204
        desk.ask("POST", f"{BOX}/w", content=(tmp_path / "3.cwt").read_bytes(), headers=OCTETS)
    assert sequences(desk) == [2, 3]
