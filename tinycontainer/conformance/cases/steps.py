"""The steps of a case: each does one thing, or expects one thing.

A step is a table. One of its keys is a verb (``load``) or an expectation (``log``) and decides
which other keys the table may have. Every verb and every expectation has a model of its own, so a
key in the wrong step is an error.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from tinycontainer.files.toml_file import Table
from tinycontainer.text import show

from ..protocol import EventKind

MAX_ADVANCE_MS: Final = 100_000
_SHOWN_CHARACTERS: Final = 60

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,62})$|^[a-z0-9]$")]
SectionName = Literal["metadata", "code", "data"]


def _check_span(span: list[int]) -> list[int]:
    if len(span) != 2:
        raise ValueError("a span has two ends")
    return span


Span = Annotated[list[int], AfterValidator(_check_span)]


class StepTable(Table):
    """What all steps share.

    Attributes:
        key: the verb or the expectation, which is also the name of a field.
    """

    key: ClassVar[str]

    def describe(self) -> str:
        """The step in a few words, for reports."""
        value = getattr(self, self.key)
        return self.key if value is True else f"{self.key} {show(str(value), _SHOWN_CHARACTERS)}"


class VerbStep(StepTable):
    """Asks the device to do something."""

    refused: str | None = Field(None, description="the device must refuse, for this reason")


class LoadStep(VerbStep):
    """Loads a container from its three sections."""

    key: ClassVar = "load"
    load: Name


class BundleStep(VerbStep):
    """Loads a container from its bundle."""

    key: ClassVar = "bundle"
    bundle: Name


class BeginStep(VerbStep):
    """Begins a load, section by section."""

    key: ClassVar = "begin"
    begin: Literal[True]


class SectionStep(VerbStep):
    """Announces a section and its length."""

    key: ClassVar = "section"
    section: SectionName
    size: int | None = Field(None, description="bytes")
    of: Name | None = Field(None, description="the container whose section gives the size")

    @model_validator(mode="after")
    def _check_size(self) -> "SectionStep":
        if (self.size is None) == (self.of is None):
            raise ValueError("section names a size, or the container whose section it is")
        return self


class BytesStep(VerbStep):
    """Gives bytes of the announced section."""

    key: ClassVar = "bytes_of"
    bytes_of: Name
    part: SectionName
    take: Span | None = Field(None, description="first and last byte, as in a slice; default all")


class EndStep(VerbStep):
    """Ends the load and has it judged."""

    key: ClassVar = "end"
    end: Literal[True]


class StartStep(VerbStep):
    """Starts a container."""

    key: ClassVar = "start"
    start: Name


class StopStep(VerbStep):
    """Stops a container."""

    key: ClassVar = "stop"
    stop: Name


class KillStep(VerbStep):
    """Kills a container."""

    key: ClassVar = "kill"
    kill: Name


class DeleteStep(VerbStep):
    """Deletes a container."""

    key: ClassVar = "delete"
    delete: Name


class ReconfigureStep(VerbStep):
    """Replaces the metadata of a container."""

    key: ClassVar = "reconfigure"
    reconfigure: Name


class ReplaceStep(VerbStep):
    """Lets another version take the place of a container."""

    key: ClassVar = "replace"
    replace: Name
    confirm_ms: int | None = Field(None, gt=0, le=MAX_ADVANCE_MS, description="default: final")


class UpdateStep(VerbStep):
    """Gives the device an update."""

    key: ClassVar = "update"
    update: Name
    repetition: bool = Field(False, description="it is one that was accepted before")


class AdvanceStep(VerbStep):
    """Lets device time pass."""

    key: ClassVar = "advance"
    advance: int = Field(ge=0, le=MAX_ADVANCE_MS, description="ms")


class BootStep(VerbStep):
    """Cuts the device's power, and lets it boot again."""

    key: ClassVar = "boot"
    boot: Literal[True]


class StoreStep(VerbStep):
    """Lets the device's store record nothing from now on, or everything again."""

    key: ClassVar = "store"
    store: Literal["fails", "works"]


class LogExpectation(StepTable):
    """Expects lines that a container has logged since the last such step."""

    key: ClassVar = "log"
    log: Name
    lines: list[str] | None = Field(None, description="exactly these")
    at_least: int | None = Field(None, description="how many lines")
    at_most: int | None = Field(None, description="how many lines")
    ends_with: str | None = Field(None, description="the last line")
    gaps_ms: Span | None = Field(None, description="least and most between two lines")


class OrderExpectation(StepTable):
    """Expects the lines of all containers, in their order."""

    key: ClassVar = "order"
    order: list[str] = Field(description="each as ``NAME: LINE``")


class StateExpectation(StepTable):
    """Expects what the verb ``state`` answers."""

    key: ClassVar = "state"
    state: Name
    now: str | None = Field(None, description="the state")
    why: str | None = Field(None, description="the last exit")
    loops: int | None = Field(None, description="completed loops")


class JudgeExpectation(StepTable):
    """Expects what the verb ``judge`` answers."""

    key: ClassVar = "judge"
    judge: Name
    replaces: bool = False
    refusals: list[str] = Field(
        default_factory=list, description="reasons in order, one that is repeated only once"
    )


class StatesExpectation(StepTable):
    """Expects the states that a container has gone through since the last such step."""

    key: ClassVar = "states"
    states: Name
    are: list[str] = Field(default_factory=list)


class EventExpectation(StepTable):
    """Expects events of a kind, from the beginning of the case."""

    key: ClassVar = "event"
    event: EventKind
    of: Name | None = Field(None, description="the container; default any")
    where: dict[str, str | int] = Field(default_factory=dict, description="values of their fields")
    times: int | None = Field(None, description="exactly so many")
    at_least: int | None = Field(None, description="so many or more; default 1")


RecordExpectation = LogExpectation | OrderExpectation | StatesExpectation | EventExpectation
"""What is held against the events so far; the other expectations ask the device."""

_AnyStep = (
    LoadStep
    | BundleStep
    | BeginStep
    | SectionStep
    | BytesStep
    | EndStep
    | StartStep
    | StopStep
    | KillStep
    | DeleteStep
    | ReconfigureStep
    | ReplaceStep
    | UpdateStep
    | AdvanceStep
    | BootStep
    | StoreStep
    | StateExpectation
    | JudgeExpectation
    | RecordExpectation
)
STEP_TYPES: Final[Mapping[str, type[StepTable]]] = MappingProxyType(
    {each.key: each for each in get_args(_AnyStep)}
)
"""All types of steps, by the key that they are recognised by."""


def _choose_type(values: object, _: ValidatorFunctionWrapHandler) -> StepTable:
    """Validate a step as the type that its key names.

    A union would try all types and report the errors of each, and a tagged union would put the tag
    into the place of an error, where no such key is in the file.

    Raises:
        ValueError: it has no such key, or more than one.
        ValidationError: a field is wrong, or does not belong to the key.
    """
    if not isinstance(values, dict):
        raise ValueError("a step is a table")
    keys = [key for key in STEP_TYPES if key in values]
    if len(keys) != 1:
        found = f"; this one has {' and '.join(keys)}" if keys else ""
        raise ValueError(f"a step has exactly one of {', '.join(STEP_TYPES)}{found}")
    step_type = STEP_TYPES[keys[0]]
    for name in values:
        if name not in step_type.model_fields:
            raise _unknown_field(step_type, name, values)
    return step_type.model_validate(values)


def _unknown_field(
    step_type: type[StepTable], name: str, values: dict[str, Any]
) -> ValidationError:
    others = [field for field in step_type.model_fields if field != step_type.key]
    problem = PydanticCustomError(
        "unknown_step_field",
        "does not belong to a step with {key}, which can have {others}",
        {"key": step_type.key, "others": ", ".join(others) or "nothing else"},
    )
    detail = InitErrorDetails(type=problem, loc=(name,), input=values[name])
    return ValidationError.from_exception_data(step_type.__name__, [detail])


Step = Annotated[_AnyStep, WrapValidator(_choose_type)]
"""One step of any type."""
