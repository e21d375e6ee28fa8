"""What endpoints/README.md says is so."""

import re
from typing import Any

from support.project import ROOT
from support.tinyml.client import make_setup

from tinycontainer.testing import check_driver
from tinycontainer_endpoints.actuator import ActuatorOptions
from tinycontainer_endpoints.buffer import BufferOptions
from tinycontainer_endpoints.coap.driver import CoapOptions
from tinycontainer_endpoints.console import ConsoleOptions
from tinycontainer_endpoints.information import NoOptions, TimeOptions
from tinycontainer_endpoints.options import Options
from tinycontainer_endpoints.sensor import SensorOptions
from tinycontainer_endpoints.tinyml.driver import TinyMLOptions
from tinycontainer_endpoints.tinyml.quotas import Quotas

PAGE = (ROOT / "endpoints" / "README.md").read_text()
OPTIONS: dict[str, type[Options]] = {
    "actuator": ActuatorOptions,
    "board": NoOptions,
    "buffer": BufferOptions,
    "coap": CoapOptions,
    "console": ConsoleOptions,
    "random": NoOptions,
    "self": NoOptions,
    "sensor": SensorOptions,
    "time": TimeOptions,
    "tinyml": TinyMLOptions,
}


def test_the_table_has_every_driver_with_its_options() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", PAGE, re.MULTILINE)
    found = {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in rows}
    assert found == {name: set(kind.model_fields) for name, kind in OPTIONS.items()}


def test_the_quotas_are_named() -> None:
    sentence = PAGE.partition("`quotas` is a table of options:")[2].partition(".")[0]
    assert re.findall(r"`(\w+)`", sentence) == list(Quotas.model_fields)


def test_the_example_of_a_driver_keeps_the_interface() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(source, names)
    check_driver(lambda: names["Counter"](make_setup()))
