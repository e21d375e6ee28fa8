"""A script: management in mid-run, for the demo and for experiments.

Each step has its moment of device time. A step that the device refuses although the script expects
success, or accepts although the script expects a refusal, is reported when the script ends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import Field, model_validator

from tinycontainer.assembly import Device
from tinycontainer.device.containers.judgement import require_all
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import TinyContainerError
from tinycontainer.files.fields import Uid, uid_from_text
from tinycontainer.files.toml_file import Table, read_bounded, read_toml, resolve_named
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.text import show

MAX_CONFIRM_MS: Final = 1 << 31
_TICK_MS = 100


class ManagementCall(StrEnum):
    """A call of the device's management."""

    LOAD = "load"
    START = "start"
    STOP = "stop"
    KILL = "kill"
    DELETE = "delete"
    RECONFIGURE = "reconfigure"
    REPLACE = "replace"
    UPDATE = "update"
    JUDGE = "judge"

    @property
    def takes_file(self) -> bool:
        """Whether it names a file (a bundle, metadata or an envelope) and not a uid."""
        return self in _WITH_FILE


_WITH_FILE: Final = (
    ManagementCall.LOAD,
    ManagementCall.RECONFIGURE,
    ManagementCall.REPLACE,
    ManagementCall.UPDATE,
    ManagementCall.JUDGE,
)


class ScriptStepTable(Table):
    """One step: it names a file or a uid, as its verb needs."""

    at_ms: int = Field(ge=0, description="device time")
    verb: ManagementCall
    uid: Uid | None = None
    file: str | None = Field(default=None, description="within the script's directory")
    refused: bool = Field(default=False, description="the device is expected to refuse it")
    confirm_ms: int | None = Field(
        default=None,
        gt=0,
        le=MAX_CONFIRM_MS,
        description="replace: how long the new version is on trial; by default it is final",
    )
    replaces: bool = Field(default=False, description="judge: as replace would, and not as load")

    @model_validator(mode="after")
    def _check_operand(self) -> "ScriptStepTable":
        if self.verb.takes_file != (self.file is not None) or (
            self.verb.takes_file == (self.uid is not None)
        ):
            wanted = "a file and no uid" if self.verb.takes_file else "a uid and no file"
            raise ValueError(f"{self.verb} takes {wanted}")
        for key, verb in (
            ("confirm_ms", ManagementCall.REPLACE),
            ("replaces", ManagementCall.JUDGE),
        ):
            if key in self.model_fields_set and self.verb is not verb:
                raise ValueError(f"{key}: is for {verb} only")
        return self


class ScriptFile(Table):
    """A script."""

    steps: list[ScriptStepTable] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """A step of a script, with the content of the file that it names.

    Attributes:
        at_ms: device time.
        verb: the call.
        uid: of the container; empty if the content has it.
        content: bundle, metadata or envelope.
        refused: whether the device is expected to refuse.
        confirm_ms: how long a new version is on trial; None if it is final.
        replaces: whether a bundle is judged as `Device.replace` would, and not as a load.
    """

    at_ms: int
    verb: ManagementCall
    uid: bytes
    content: bytes
    refused: bool
    confirm_ms: int | None = None
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Surprise:
    """A step that did not go as the script expected.

    Attributes:
        step: the step.
        problem: what happened instead.
    """

    step: ScriptStep
    problem: str

    def __str__(self) -> str:
        return f"{self.step.verb} at {self.step.at_ms} ms: {self.problem}"


def read_script(path: Path) -> tuple[ScriptStep, ...]:
    """Read a script and the files that it names; steps of one moment keep their order.

    Raises:
        DeviceFileError: something in it cannot be used.
    """
    content = read_toml(path, ScriptFile)
    # Scripts load one bundle again and again.
    read = cache(lambda file: read_bounded(file, MAX_BUNDLE_BYTES))
    steps = [
        _read_step(path, f"steps[{i}].file", table, read) for i, table in enumerate(content.steps)
    ]
    return tuple(sorted(steps, key=lambda step: step.at_ms))


def play_script(
    device: Device,
    steps: tuple[ScriptStep, ...],
    end_ms: int | None,
    tick: Callable[[int], None] | None = None,
) -> list[Surprise]:
    """Run a device and take each step at its moment.

    Args:
        device: the device.
        steps: in the order of their moments; those after the end are not taken.
        end_ms: device time at which to stop; None: when the script is over and nothing runs.
        tick: is called now and then with the time reached, in ms of device time.

    Returns:
        The steps that did not go as expected.
    """
    surprises = []
    for step in steps[: len(steps) - count_late_steps(steps, end_ms)]:
        _run_until(device, step.at_ms, tick)
        surprise = _take_step(device, step)
        if surprise is not None:
            surprises.append(surprise)
    if end_ms is None:
        device.run()
    else:
        _run_until(device, end_ms, tick)
    return surprises


def _run_until(device: Device, at_ms: int, tick: Callable[[int], None] | None) -> None:
    """Run in pieces, so that `tick` is called; a run in pieces has the same events."""
    if tick is not None:
        begun_ms = device.now_ns // NS_PER_MS
        for now_ms in range(begun_ms + _TICK_MS, at_ms, _TICK_MS):
            device.run_until(now_ms)
            tick(now_ms)
    device.run_until(at_ms)


def count_late_steps(steps: tuple[ScriptStep, ...], end_ms: int | None) -> int:
    """How many steps have their moment after the end of a run."""
    return sum(end_ms is not None and step.at_ms > end_ms for step in steps)


def _read_step(
    path: Path, place: str, table: ScriptStepTable, read: Callable[[Path], bytes]
) -> ScriptStep:
    content = b""
    if table.file is not None:
        content = read(resolve_named(path.parent.resolve(), table.file, show(str(path)), place))
    uid = b"" if table.uid is None else uid_from_text(table.uid)
    return ScriptStep(
        table.at_ms,
        table.verb,
        uid,
        content,
        table.refused,
        table.confirm_ms,
        table.replaces,
    )


def _take_step(device: Device, step: ScriptStep) -> Surprise | None:
    actions: dict[ManagementCall, Callable[[], object]] = {
        ManagementCall.LOAD: lambda: device.load(step.content),
        ManagementCall.START: lambda: device.start(step.uid),
        ManagementCall.STOP: lambda: device.stop(step.uid),
        ManagementCall.KILL: lambda: device.kill(step.uid),
        ManagementCall.DELETE: lambda: device.delete(step.uid),
        ManagementCall.RECONFIGURE: lambda: device.reconfigure(step.content),
        ManagementCall.REPLACE: lambda: device.replace(step.content, step.confirm_ms),
        ManagementCall.UPDATE: lambda: device.update(step.content),
        ManagementCall.JUDGE: lambda: require_all(
            device.judge(step.content, replaces=step.replaces)
        ),
    }
    try:
        actions[step.verb]()
    except TinyContainerError as error:
        return None if step.refused else Surprise(step, str(error))
    return Surprise(step, "was expected to be refused") if step.refused else None
