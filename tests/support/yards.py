"""A yard: a gateway, and protected devices of its own that register with it by themselves."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.gateways import Gateway, free_web_port, running_gateway, wait_until
from support.project import Program
from support.serving import HOST, Served, free_port, make_desk, protect, serving
from support.updates import KEY
from tinycontainer.suit.keys.key_files import to_public_pem

RIGHTS = ["read", "start", "stop", "load", "delete", "reconfigure", "update", "identify"]
GATEWAY = """
[http]
bind = "{web}"
insecure = true
[coap]
bind = "{coap}"
[limits]
requests_per_s = 100000
device_requests_per_s = 100000
{devices}
"""
DEVICE = """
[[devices]]
name = "{name}"
context = "{name}-context"
"""
REGISTRATION = """
[agent.registration]
directory = "coap://{coap}"
name = "{name}"
peer = "gateway"
{more}
"""
UPDATES = """
[update]
vendor = "example.com"
class = "box"
[[update.keys]]
file = "operator.pub"
"""


@dataclass(frozen=True)
class Yard:
    """A directory with all files of a gateway and its devices.

    Attributes:
        root: the directory; it has the bundle ``box.tcb``.
        ports: of the devices, by name.
    """

    root: Path
    ports: Mapping[str, int]

    @property
    def bundle(self) -> bytes:
        """A container for each device."""
        return (self.root / "desk" / "box.tcb").read_bytes()

    @contextmanager
    def gateway(self) -> Iterator[Gateway]:
        """The gateway, running."""
        with running_gateway(self.root / "gateway.toml") as found:
            yield found

    @contextmanager
    def device(self, name: str) -> Iterator[Served]:
        """A device, running."""
        with serving(self.root / name, self.ports[name]) as found:
            yield found

    @contextmanager
    def all(self) -> Iterator[Gateway]:
        """The gateway and all devices, running and registered."""
        with ExitStack() as held:
            gateway = held.enter_context(self.gateway())
            for name in self.ports:
                held.enter_context(self.device(name))
            for name in self.ports:
                wait_for(gateway, name)
            yield gateway


def make_yard(
    root: Path, program: Program, names: tuple[str, ...], more: Mapping[str, str] | None = None
) -> Yard:
    """Make all files.

    Args:
        root: an empty directory.
        program: makes keys, bundles and contexts.
        names: of the devices.
        more: lines for the table of a device's registration, by name.
    """
    desk = root / "desk"
    desk.mkdir()
    make_desk(desk, program)
    (desk / "operator.pub").write_bytes(to_public_pem(KEY))
    web, coap = f"{HOST}:{free_web_port()}", f"{HOST}:{free_port()}"
    ports = {}
    for name in names:
        shutil.copytree(desk, root / name)
        ports[name] = free_port()
        protect(root / name, program, gateway=RIGHTS)
        shutil.move(root / name / "gateway" / "operator", root / f"{name}-context")
        file = root / name / "device.toml"
        lines = file.read_text().splitlines(keepends=True)
        text = "".join(
            f'bind = "{HOST}:{ports[name]}"\n' if line.startswith("bind") else line
            for line in lines
        )
        registration = REGISTRATION.format(coap=coap, name=name, more=(more or {}).get(name, ""))
        file.write_text(text + registration + UPDATES)
    devices = "".join(DEVICE.format(name=name) for name in names)
    (root / "gateway.toml").write_text(GATEWAY.format(web=web, coap=coap, devices=devices))
    return Yard(root, ports)


def wait_for(gateway: Gateway, name: str, presence: str = "awake") -> None:
    """Wait until a device is registered, and awake or asleep."""
    wait_until(lambda: gateway.ask("GET", f"/devices/{name}").json()["presence"] == presence)
