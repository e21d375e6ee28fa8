"""What does it cost to make a device from its file, when another one was made from the same parts?

Three tenants of the SmartDroneBox are verified, loaded and started. The subject's devices share one
installation; the baseline makes an installation for each device.
"""

import shutil
from pathlib import Path

import pytest
from support.engines import ENGINES
from support.measuring.measuring import Measure
from support.project import BOX
from support.worlds import KEYS

from tinycontainer import Device, Installation
from tinycontainer.tools.packing.manifest import read_manifest
from tinycontainer.tools.packing.packing import pack
from tinycontainer_tokens import key_files

TENANTS = ("courier", "compliance", "mapper")


def box_without_inference(directory: Path, engine: str) -> Path:
    """A device file that lists the tenants.

    Its device has no inference service: processes would be measured in place of devices.
    """
    shutil.copytree(BOX, directory)
    (directory / "keys").mkdir(exist_ok=True)
    for role, key in KEYS.items():
        (directory / "keys" / f"{role}.pub").write_bytes(key_files.to_public_pem(key))
    device_file = directory / "device.toml"
    *drivers, inference = device_file.read_text().split("[[drivers]]")
    assert '"tinyml"' in inference
    text = "[[drivers]]".join(drivers) + f'\n[runtimes]\nwasm = "{engine}"\n'
    for name in TENANTS:
        manifest = read_manifest(directory / name)
        bundle = pack(manifest.blueprint, manifest.code, manifest.data, KEYS)
        (directory / f"{name}.tcb").write_bytes(bundle.encode())
        text += f'\n[[containers]]\nbundle = "{name}.tcb"\n'
    device_file.write_text(text)
    return device_file


@pytest.mark.parametrize("engine", ENGINES)
def test_device_from_a_shared_installation(measure: Measure, tmp_path: Path, engine: str) -> None:
    device_file = box_without_inference(tmp_path / "box", engine)
    shared = Installation()
    device = measure(
        "installation",
        f"{len(TENANTS)} containers, {engine}",
        "a shared installation",
        lambda: Device.from_file(device_file, installation=shared),
        against={"one of its own": lambda: Device.from_file(device_file)},
    )
    assert len(device) == len(TENANTS)
