"""Recipes of updates: what the tables ``[[updates]]`` of a case hold, and its device's keys.

Commands have the names of draft-ietf-suit-manifest: text for all that have a plain argument
(``fetch``, ``set-component-index 0 2``), and a table for parameters and for try-each.
"""

from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from tinycontainer.files.toml_file import Table
from tinycontainer.suit.envelope.labels import Label, ManifestMember, Parameter
from tinycontainer.suit.keys.keys import UpdateAlgorithm
from tinycontainer.text import show

from .steps import Name

UpdateKeyName = Literal["update", "update-p256", "update-other", "update-stranger"]
"""The test keys of updates. All but ``update-p256`` are of Ed25519."""

ALL_COMPONENTS: Final = "all"
SHARED: Final = "shared-sequence"
SEQUENCES: Final = (
    SHARED,
    "payload-fetch",
    "install",
    "validate",
    "load",
    "invoke",
    "uninstall",
)


def label_of(command: str) -> Label:
    """The number of a command, by its name in the draft.

    Raises:
        ValueError: the draft has no such command.
    """
    name = command.split(" ", maxsplit=1)[0]
    try:
        return Label[name.replace("-", "_").upper()]
    except KeyError:
        raise ValueError(f"there is no command {show(name)}") from None


def parameter_of(name: str) -> Parameter:
    """The number of a parameter, by its name in the draft.

    Raises:
        ValueError: the draft has no such parameter.
    """
    try:
        return Parameter[name.replace("-", "_").upper()]
    except KeyError:
        raise ValueError(f"there is no parameter {show(name)}") from None


def _check_command(text: str) -> str:
    indices = text.split(" ")[1:]
    if label_of(text) is not Label.SET_COMPONENT_INDEX and indices:
        raise ValueError(f"{show(text)}: only set-component-index names components")
    if indices != [ALL_COMPONENTS] and not all(each.isdecimal() for each in indices):
        raise ValueError(f"{show(text)}: components are numbers, or {ALL_COMPONENTS}")
    return text


def _check_section(text: str) -> str:
    name, _, section = text.partition(".")
    if not name or section not in ("meta", "data", "code"):
        raise ValueError("a section is written as NAME.meta, NAME.data or NAME.code")
    return text


SectionOf = Annotated[str, AfterValidator(_check_section)]
"""A section of a container of the case, such as ``new.code``."""


class CommandTable(Table):
    """try-each, if it is there; otherwise override-parameters with the rest."""

    try_each: list[list["CommandRecipe"]] | None = Field(
        None, alias="try-each", description="sequences to try; an empty last one is null"
    )
    vendor: str | None = None
    class_name: str | None = Field(None, alias="class")
    device: str | None = None
    image: SectionOf | None = Field(None, description="whose digest and size are set")
    digest: SectionOf | None = Field(None, description="whose digest is set")
    algorithm: int = Field(-16, description="of the digest")
    size: int | None = None
    content: SectionOf | None = None
    uri: str | None = None
    outside: dict[str, int] = Field(default_factory=dict, description="outside of the profile")

    @model_validator(mode="after")
    def _check_outside(self) -> "CommandTable":
        for name in self.outside:
            parameter_of(name)
        return self


def _choose_kind(values: object, _: ValidatorFunctionWrapHandler) -> str | CommandTable:
    """Validate a command as the kind that it is; a union would report the errors of both.

    Raises:
        ValueError: it is neither text of a command nor a table.
        ValidationError: something in the table is wrong.
    """
    if isinstance(values, dict):
        return CommandTable.model_validate(values)
    if isinstance(values, str):
        return _check_command(values)
    raise ValueError("a command is text or a table")


CommandRecipe = Annotated[str | CommandTable, WrapValidator(_choose_kind)]


class SignatureRecipe(Table):
    """A signature of an update."""

    key: UpdateKeyName = "update"
    alg: int | None = Field(None, description="by default that of the key: -8, or -7 on P-256")
    kid: str | None = Field(None, description="key id in hexadecimal digits")


class UpdateRecipe(Table):
    """How an update of a case is made. Playing the case needs only its name.

    Its manifest says what the tools make of it (TC-UPD-27), except where the recipe names
    sequences, components or payloads itself.
    """

    name: Name
    number: int = Field(1, ge=0, lt=1 << 64)
    containers: list[Name] = Field(default_factory=list, description="that it brings")
    starts: list[Name] = Field(default_factory=list, description="those of them that it invokes")
    removed: list[str] = Field(default_factory=list, description="uids of those that it deletes")
    vendor: str = "example.com"
    class_name: str = Field("box", alias="class")
    device: str | None = None
    severed: bool = Field(False, description="whether the install sequence is severed")
    text: str | None = Field(None, description="a description, which is severed")
    lacks: list[str] = Field(default_factory=list, description="severed members that are left out")
    components: list[str] | None = Field(None, description="each as ``UID SECTION``")
    sequences: dict[str, list[CommandRecipe]] = Field(
        default_factory=dict, description="in place of those that follow; an empty one is left out"
    )
    payloads: dict[str, SectionOf] = Field(
        default_factory=dict, description="in place of those of the same name, or beside them"
    )
    without: list[str] = Field(default_factory=list, description="payloads that are left out")
    signatures: list[SignatureRecipe] = Field([SignatureRecipe()], max_length=8)
    damage: str | None = Field(None, description="a named defect of `recipes.envelope_damages`")

    @model_validator(mode="after")
    def _check_names(self) -> "UpdateRecipe":
        for name in self.sequences:
            if name not in SEQUENCES:
                raise ValueError(f"sequences: there is no {show(name)}")
        for name in self.lacks:
            if name.upper() not in ManifestMember.__members__:
                raise ValueError(f"lacks: there is no member {show(name)}")
        return self


class UpdateKeyRecipe(Table):
    """A key that a case's device believes for updates."""

    key: UpdateKeyName = "update"
    algorithms: list[UpdateAlgorithm] | None = Field(
        None, min_length=1, max_length=2, description="by default both of its curve"
    )
    kid: str | None = Field(None, description="key id in hexadecimal digits")
    uids: list[str] | None = Field(None, description="containers it may update; default all")


class DeviceUpdateRecipe(Table):
    """Which updates a case's device takes."""

    vendor: str = "example.com"
    class_name: str = Field("box", alias="class")
    origins: list[str] = Field(default_factory=list, max_length=16)
    keys: list[UpdateKeyRecipe] = Field([UpdateKeyRecipe()], max_length=16)
