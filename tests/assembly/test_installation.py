"""What is installed is searched, imported and made once, and shared by devices."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from time import sleep
from typing import Any

import pytest
from support.drivers import Puppet
from support.scripted import ScriptedRuntime

from tinycontainer import ContainerType, Device, DeviceFileError, Installation, RuntimeUnavailable
from tinycontainer.assembly import choose_runtimes, make_setup, read_plan
from tinycontainer.assembly.installation import (
    ANALYSERS,
    BUILDERS,
    DRIVERS,
    RUNTIMES,
    find_installed_points,
)
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.interfaces.driver import Driver, DriverSetup


@dataclass
class Point:
    """An entry point of a test.

    Attributes:
        group: of entry points.
        name: in the group.
        content: what it stands for.
        loads: how often it was imported.
    """

    group: str
    name: str
    content: Any = None
    loads: int = 0

    def load(self) -> Any:
        self.loads += 1
        return self.content


class Resource:
    """Something that drivers share."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def scripted() -> ScriptedRuntime:
    return ScriptedRuntime({})


def device_file(directory: Path, text: str) -> Path:
    path = directory / "device.toml"
    path.write_text(text)
    return path


# What is found.


def test_the_machines_entry_points_are_searched_when_the_first_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searches: list[None] = []

    def search() -> list[Any]:
        searches.append(None)
        return [Point(RUNTIMES, "wasm.mine"), Point(DRIVERS, "lamp")]

    monkeypatch.setattr("tinycontainer.assembly.installation.find_installed_points", search)
    installation = Installation()
    assert searches == []
    assert installation.runtime_names() == ["wasm.mine"]
    assert installation.driver_names() == ["lamp"]
    assert len(searches) == 1


def test_our_own_adapters_drivers_and_tools_are_found() -> None:
    installation = Installation()
    assert "wasm.pywasm" in installation.runtime_names()
    assert "console" in installation.driver_names()
    assert installation.analysers().keys() == {ContainerType.BPF, ContainerType.WASM}
    assert installation.model_inspectors().keys() == {"tflite"}
    assert {point.group for point in find_installed_points()} > {ANALYSERS, BUILDERS}


def test_an_object_is_imported_once() -> None:
    lamp = Point(DRIVERS, "lamp", object())
    installation = Installation([lamp])
    assert installation.driver_factory("lamp") is installation.driver_factory("lamp")
    assert lamp.loads == 1


# Runtimes.


def test_a_runtime_is_made_once() -> None:
    installation = Installation([Point(RUNTIMES, "wasm.mine", scripted)])
    assert installation.runtime("wasm.mine") is installation.runtime("wasm.mine")
    assert installation.runtimes()[ContainerType.WASM] is installation.runtime("wasm.mine")


def test_threads_get_one_and_the_same_runtime() -> None:
    start = Barrier(8)

    def slowly() -> ScriptedRuntime:
        sleep(0.01)  # long enough for every thread to ask meanwhile
        return scripted()

    installation = Installation([Point(RUNTIMES, "wasm.mine", slowly)])

    def ask(_number: int) -> object:
        start.wait()
        return installation.runtime("wasm.mine")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(map(id, pool.map(ask, range(8))))) == 1


def test_a_runtime_that_cannot_work_is_tried_again() -> None:
    attempts: list[None] = []

    def make() -> ScriptedRuntime:
        attempts.append(None)
        if len(attempts) == 1:
            raise ImportError("no engine")
        return scripted()

    installation = Installation([Point(RUNTIMES, "wasm.mine", make)])
    with pytest.raises(RuntimeUnavailable, match=r"runtime wasm\.mine: no engine"):
        installation.runtime("wasm.mine")
    assert installation.runtime("wasm.mine")
    assert len(attempts) == 2


def test_a_runtime_that_is_not_installed_is_named() -> None:
    with pytest.raises(RuntimeUnavailable, match=r"runtime wasm\.v8 is not installed"):
        Installation([]).runtime("wasm.v8")


def test_the_default_runs_a_type_unless_another_is_chosen() -> None:
    names = ("wasm.aaa", "wasm.pywasm", "wasm.zzz", "native.only", "elvish.unknown")
    installation = Installation([Point(RUNTIMES, name, scripted) for name in names])

    def chosen(**by_type: str) -> dict[ContainerType, str]:
        made = {id(installation.runtime(name)): name for name in names}
        found = installation.runtimes(by_type)
        return {kind: made[id(runtime)] for kind, runtime in found.items()}

    usual = {ContainerType.WASM: "wasm.pywasm", ContainerType.NATIVE: "native.only"}
    assert chosen() == usual
    assert chosen(wasm="zzz") == usual | {ContainerType.WASM: "wasm.zzz"}


def test_what_a_device_file_names_and_is_not_installed_has_a_place(tmp_path: Path) -> None:
    installation = Installation([Point(RUNTIMES, "wasm.mine", scripted)])
    plan = read_plan(device_file(tmp_path, '[runtimes]\nwasm = "v8"\n'))
    with pytest.raises(DeviceFileError, match=r"runtimes\.wasm: v8 .*; there are: wasm\.mine"):
        choose_runtimes(plan, installation)
    plan = read_plan(device_file(tmp_path, '[[drivers]]\ndriver = "lamp"\nendpoint = 1\n'))
    with pytest.raises(DeviceFileError, match=r"drivers\[0\]\.driver: lamp .*; there are: none"):
        make_setup(plan, VirtualClock(), installation)


# Devices that share.


def shares(resources: list[Resource]) -> Callable[[DriverSetup], Driver]:
    """A driver's factory that notes the shared resource which it was given."""

    def make(setup: DriverSetup) -> Driver:
        resources.append(setup.resources.obtain(Resource, "lamp", Resource))
        return Puppet()

    return make


def test_devices_of_one_installation_share_its_runtimes_and_its_drivers_resources(
    tmp_path: Path,
) -> None:
    used: list[Resource] = []
    makes: list[None] = []

    def make() -> ScriptedRuntime:
        makes.append(None)
        return scripted()

    points = [Point(RUNTIMES, "wasm.mine", make), Point(DRIVERS, "lamp", shares(used))]
    path = device_file(tmp_path, '[[drivers]]\ndriver = "lamp"\nendpoint = 1\n')
    with Installation(points) as installation:
        for _ in range(3):
            Device.from_file(path, installation=installation)
        assert len(makes) == 1
        assert len(used) == 3
        assert len(set(map(id, used))) == 1
        assert not used[0].is_closed
    assert used[0].is_closed


def test_a_device_without_an_installation_finds_what_this_machine_has(tmp_path: Path) -> None:
    path = device_file(tmp_path, '[[drivers]]\ndriver = "console"\nendpoint = 1\n')
    assert Device.from_file(path).driver(1)
