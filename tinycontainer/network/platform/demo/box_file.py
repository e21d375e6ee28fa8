"""The device file of a box in the yard: a SmartDroneBox that a gateway manages."""

from collections.abc import Iterable
from string import Template
from typing import Final

from tinycontainer_tokens import Role

from .ports import HOST

RIGHTS: Final = ("read", "start", "stop", "load", "delete", "update")
"""Of the gateway on a box, and of the platform at the gateway."""
EVIDENCE: Final = "evidence.pem"
"""The box's own private key, by which it signs what has happened on it."""
RECORDINGS: Final = ("signature", "orientation", "temperature", "humidity", "radio")
"""What the sensors play; their endpoints are 11 to 15."""
_HEAD: Final = Template(
    """\
# A SmartDroneBox of the demo. `tinycontainerctl serve` runs it from here, beside its gateway.

[device]
id = "$name"
"""
)
_MODEL: Final = Template(
    """\
name = "SmartDroneBox"
vendor = "the box's maker"

[capacity]
slots = 3
descriptors = 13
descriptors_per_container = 6

# Twelve boxes share one process here; the default, an interpreter in Python, would be too slow.
[runtimes]
wasm = "wasmtime"

[caps]
best_priority = 2
loop_max_ms = 100

[trust]
keys = [
$keys
]
"""
)
_PLACE: Final = Template(
    """
[state]
file = "box.db"

[evidence]
key = "$evidence"

[agent]
bind = "$host:$port"

[[agent.peers]]
name = "gateway"
context = "gateway"
rights = [$rights]

[agent.registration]
directory = "coap://$host:$coap"
name = "$name"
peer = "gateway"
"""
)
_DRIVERS: Final = Template(
    """
[[drivers]]
driver = "console"
endpoint = 1
directions = ["in"]
options = { prefix = "the console, by " }

[[drivers]]
driver = "console" # the display
endpoint = 10
directions = ["in"]
options = { prefix = "the display, by the " }
$sensors"""
)
_SENSOR: Final = Template(
    """
[[drivers]]
driver = "sensor"
endpoint = $endpoint
directions = ["out"]
options = { file = "recordings/$recording.csv", repeat_after_ms = 20000 }
"""
)


def write_box_file(name: str, roles: Iterable[Role], port: int, coap: int) -> str:
    """The text of a device file. It names files beside it: keys, recordings, the context `gateway`.

    Args:
        name: of the box; letters, digits, dots, underscores and hyphens.
        roles: of the keys that it believes.
        port: where it is served.
        coap: port of its gateway.
    """
    rights = ", ".join(f'"{right}"' for right in RIGHTS)
    place = _PLACE.substitute(
        name=name, host=HOST, port=port, coap=coap, rights=rights, evidence=EVIDENCE
    )
    return f"{_HEAD.substitute(name=name)}{_write_model(roles)}{place}{_write_drivers()}"


def write_box_profile(roles: Iterable[Role]) -> str:
    """The public half of the device files of boxes: what they accept, and nothing of one box.

    Args:
        roles: of the keys that they believe; each is named ``keys/ROLE.pub``.
    """
    lines = f"[device]\n{_write_model(roles)}{_write_drivers()}".splitlines()
    # What drivers are given decides nothing of what is accepted.
    return "\n".join(line for line in lines if not line.startswith("options ="))


def _write_model(roles: Iterable[Role]) -> str:
    keys = (f'    {{ role = "{role}", file = "keys/{role}.pub" }},' for role in roles)
    return _MODEL.substitute(keys="\n".join(keys))


def _write_drivers() -> str:
    sensors = (
        _SENSOR.substitute(endpoint=endpoint, recording=recording)
        for endpoint, recording in enumerate(RECORDINGS, 11)
    )
    return _DRIVERS.substitute(sensors="".join(sensors))
