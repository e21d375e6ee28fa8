"""The pages about files and codes have every key and code, and their examples work."""

import re
import struct
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel
from support.project import ROOT, Program

from tinycontainer.device.running import execution
from tinycontainer.files.device_file import DeviceFile
from tinycontainer.files.toml_file import Table, parse_toml
from tinycontainer.interfaces.tables import list_models
from tinycontainer.scenario.expectations import ExpectationsFile
from tinycontainer.scenario.script import ScriptFile
from tinycontainer.tools.packing.manifest import ManifestFile
from tinycontainer_endpoints.sensor import SharedRecordings
from tinycontainer_runtimes.rbpf.codes import RbpfCode
from tinycontainer_runtimes.wasm.traps import TrapCode

PAGES: dict[str, type[Table]] = {
    "container-file": ManifestFile,
    "device-file": DeviceFile,
    "expectations-file": ExpectationsFile,
    "script-file": ScriptFile,
}


def read_page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text()


def read_rows(name: str) -> dict[str, list[str]]:
    """The first cells of the tables of a page, by the heading above them."""
    chapters = re.split(r"^## ", read_page(name), flags=re.MULTILINE)[1:]
    return {
        chapter.splitlines()[0].strip("`"): re.findall(r"^\| `([^`]+)` \|", chapter, re.MULTILINE)
        for chapter in chapters
    }


def keys_of(model: type[BaseModel], place: str = "") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    own = []
    for name, field in model.model_fields.items():
        inner = list(list_models(field.annotation))
        for each in inner:
            found |= keys_of(each, f"{place}.{name}".strip("."))
        if not inner:
            own.append(field.alias or name)
    return found | ({place: own} if place else {name: [] for name in own})


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_keys_of_its_file(name: str) -> None:
    assert read_rows(name) == keys_of(PAGES[name])


@pytest.mark.parametrize("name", PAGES)
def test_the_example_of_a_page_is_such_a_file(name: str) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", read_page(name), re.DOTALL)
    parse_toml(example.encode(), PAGES[name], name)


def test_the_page_of_trap_codes_has_all_of_them() -> None:
    rows = read_rows("trap-codes")
    assert rows["Of WebAssembly"] == [code.value for code in TrapCode]
    assert rows["Of rBPF"] == [code.word for code in RbpfCode if code is not RbpfCode.OK]
    assert rows["Of every runtime"] == [
        execution.CREATION_FAILED,
        execution.RUNTIME_FAILED,
        execution.INTERRUPTED,
    ]
    numbers = re.findall(r"^\| `([^`]+)` \| (-\d) \|", read_page("trap-codes"), re.MULTILINE)
    assert all(RbpfCode(int(number)).word == code for code, number in numbers)


def test_the_recording_of_the_page_is_played_as_it_says(tmp_path: Path, program: Program) -> None:
    page = read_page("sensor-recordings")
    (recording,) = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    (device,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    name = tomllib.loads(device)["drivers"][0]["options"]["file"]
    (tmp_path / name).write_text(recording)
    (tmp_path / "device.toml").write_text(device)
    program.good("run", tmp_path / "device.toml", "--for", "1ms")
    times_ms, rows = SharedRecordings().parse(recording.encode())
    assert times_ms == (0, 500, 1500)
    assert rows[1] == struct.pack("<i", 293400)
    assert rows[1].hex() in page
