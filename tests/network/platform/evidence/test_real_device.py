"""What a real device signs behind a real gateway is proved, kept, and can be checked elsewhere."""

import shutil
from pathlib import Path

import pytest
from support.deliveries import client_of
from support.evidence import let_it_sign
from support.four_parties import BOX, good
from support.gateways import Gateway
from support.platforms import made_platform
from support.project import Program
from support.rollouts import GATEWAY, Rollouts
from support.yards import make_yard, wait_for

from tinycontainer.network.platform.evidence.checking import check_handed
from tinycontainer.network.platform.evidence.known import ProvedUpTo
from tinycontainer.network.platform.rollouts.worker import RolloutWorker
from tinycontainer_tokens import Role
from tinycontainer_tokens.key_files import to_public_pem

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
LOOK_S = 300.0
PATH = "/api/devices/box/evidence"
OCTETS = {"Content-Type": "application/octet-stream"}


def look(world: Rollouts, gateway: Gateway) -> None:
    """Let the platform ask the device, as it does each time."""
    parts = world.platform.parts
    clients = {GATEWAY: client_of(gateway.web, "")}
    worker = RolloutWorker(
        parts.database, clients, parts.now_s, parts.random_bytes, LOOK_S, world.said.append
    )
    world.platform.clock.at_s += LOOK_S
    assert worker.look()


@pytest.mark.clause("TC-PLAT-58", "TC-PLAT-59", "TC-PLAT-62")
def test_a_real_device_proves_what_has_happened_on_it(tmp_path: Path, program: Program) -> None:
    (tmp_path / "yard").mkdir()
    yard = make_yard(tmp_path / "yard", program, ("box",))
    key = let_it_sign(yard.root / "box", program)
    with made_platform(tmp_path, gateways={GATEWAY: "infra"}) as platform:
        world = Rollouts(platform)
        world.prepare()
        owner = world.parties.client(Role.OWNER)
        profile, pem = world.devices.profile(), to_public_pem(key).decode()
        good(world.devices.give_device("box", profile, evidence_key=pem))
        world.connect("box")

        def fetch(since: int) -> bytes:
            return owner.get(PATH, params={"since": since}).content

        with yard.all() as gateway:
            look(world, gateway)
            assert check_handed(fetch, key, None).events == ()
            target = f"/devices/box/tc/c/{BOX}"
            gateway.ask("PUT", target, content=yard.bundle, headers=OCTETS)
            gateway.ask("POST", f"{target}?start")
            look(world, gateway)
            first = check_handed(fetch, key, None)
            assert [each.number for each in first.events] == [1, 2]
            assert [each.uid for each in first.statement.containers] == [b"box"]
        with yard.all() as gateway:  # the device was killed, and goes on
            gateway.ask("POST", f"{target}?kill")
            look(world, gateway)
            wait_for(gateway, "box")
        known = ProvedUpTo(2, first.statement.event_chain or b"")
        later = check_handed(fetch, key, known)
        assert later.statement.boots == 2
        assert later.events
        assert good(owner.get(PATH))["problem"] is None
        kinds = [each["kind"] for each in good(owner.get("/api/evidence"))["events"]]
        assert kinds[-2:] == ["loaded", "started"][::-1] or kinds[-2:] == ["started", "loaded"]
        assert "ended" in kinds
        assert world.said == []

        for file in (yard.root / "box").glob("*.db*"):
            file.unlink()
        with yard.all() as gateway:
            look(world, gateway)
        assert good(owner.get(PATH))["problem"]["reason"] == "anew"
        assert good(owner.get(PATH))["series"] == 2
        assert check_handed(fetch, key, None).statement.boots == 1
    shutil.rmtree(yard.root)
