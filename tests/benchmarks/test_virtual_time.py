"""How many seconds does a device simulate in one? Tenants of the SmartDroneBox, in threes."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.engines import ENGINES
from support.measuring.measuring import Measure
from support.project import BOX
from support.worlds import KEYS

from tinycontainer.assembly import Device, Installation, make_setup, read_plan
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.verification import Trust
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.metadata import ContainerType, Endpoint
from tinycontainer.tools.packing.manifest import read_manifest
from tinycontainer.tools.packing.packing import pack_unsigned
from tinycontainer_tokens import key_files

TENANTS = ("courier", "compliance", "mapper")
SIMULATED_MS = 1000


def many(directory: Path, engine: str, containers: int) -> Device:
    """The box's tenants again and again, each group with a pipe of its own."""
    shutil.copytree(BOX, directory)
    (directory / "keys").mkdir(exist_ok=True)
    for role, key in KEYS.items():
        (directory / "keys" / f"{role}.pub").write_bytes(key_files.to_public_pem(key))
    device_file = directory / "device.toml"
    device_file.write_text(re.sub(r"(?m)^uids = .*\n", "", device_file.read_text()))
    clock = VirtualClock()
    setup = replace(
        make_setup(read_plan(device_file), clock, Installation()),
        runtimes={ContainerType.WASM: ENGINES[engine]()},
        trust=Trust(allow_unsigned=True, unsigned_mask=0b11111),
        capacity=Capacity(
            slots=containers, descriptors=5 * containers, descriptors_per_container=5
        ),
    )
    device = Device(setup, clock)
    for group in range(containers // len(TENANTS)):
        for name in TENANTS:
            load(device, directory / name, f"-{group}")
    return device


def load(device: Device, directory: Path, suffix: str) -> None:
    """Load and start a tenant under a name of its own."""
    manifest = read_manifest(directory)
    plan = manifest.blueprint
    uid = plan.container.uid + suffix.encode()
    renamed = replace(
        plan,
        container=replace(plan.container, uid=uid),
        endpoints=tuple(beside(endpoint, suffix) for endpoint in plan.endpoints),
    )
    device.load(pack_unsigned(renamed, manifest.code, manifest.data).encode())
    device.start(uid)


def beside(endpoint: Endpoint, suffix: str) -> Endpoint:
    """The endpoint, with a peer of the same group."""
    if endpoint.peer_uid is None:
        return endpoint
    return replace(endpoint, peer_uid=endpoint.peer_uid + suffix.encode())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("containers", [3, 30, 300])
def test_simulated_seconds(measure: Measure, tmp_path: Path, engine: str, containers: int) -> None:
    device = many(tmp_path / "box", engine, containers)
    device.run(for_ms=SIMULATED_MS)
    measure(
        "virtual time",
        f"{containers} containers, {engine}",
        "a simulated second",
        lambda: device.run(for_ms=SIMULATED_MS),
        per=SIMULATED_MS / 1000,
        containers=containers,
    )
    assert all(view.last_exit is None for view in device)
