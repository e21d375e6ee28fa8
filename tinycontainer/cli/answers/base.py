"""What the forms of answers have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

_SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"


class AnswerTable(BaseModel):
    """An object of an answer. Here it has no unknown keys; the printed schema lets more be added.

    A field with a default may be absent; the others are always there.
    """

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class UsageTable(AnswerTable):
    """What a container used and did, its hook in progress included."""

    loops: int
    """Completed ones, of all starts."""
    execution_ns: int
    """Execution time of all hooks."""
    execution_ms: float
    """The same in ms, rounded."""
    share_percent: float
    """Its share of device time. The shares and the idle time add up to 100."""
    instructions: int
    """What it was charged for: its fuel."""
    peak_memory_bytes: int
    """The most memory that it had; 0 where its runtime does not say."""
    calls: int
    """Granted calls."""
    refusals: int
    """Refused calls."""
    deadline_misses: int
    skipped_periods: int


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """The form of what one verb prints with ``--json``.

    Attributes:
        verb: its words, such as ``sign code``.
        version: from 1; higher where something that was there has changed its name, its type or
            its meaning, or is gone. A new key changes no version: readers ignore keys unknown to
            them.
        form: what an answer fits.
        has_many: whether the verb prints one such object on each line, as it goes on.
    """

    verb: str
    version: int
    form: Any
    has_many: bool = False

    def check(self, answer: object) -> None:
        """Refuse what is not of this form, also a key that it does not have.

        Raises:
            ValueError: where and why.
        """
        TypeAdapter(self.form).validate_python(answer)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of one object, with its verb and version in ``$id``."""
        found = TypeAdapter(self.form).json_schema()
        name = self.verb.replace(" ", "-")
        head = {
            "$schema": _SCHEMA,
            "$id": f"urn:tinycontainer:json:{name}:{self.version}",
            "title": f"tinycontainerctl {self.verb} --json, version {self.version}",
        }
        return head | {key: each for key, each in _open(found).items() if key not in head}


def _open(schema: Any) -> Any:
    """A schema that more keys may be added to; it has no defaults: an answer is never filled in."""
    match schema:
        case Mapping():
            kept = {key: each for key, each in schema.items() if not _is_closing(key, each)}
            return {key: _open(each) for key, each in kept.items()}
        case list():
            return [_open(each) for each in schema]
    return schema


def _is_closing(key: str, value: object) -> bool:
    return (key == "additionalProperties" and value is False) or (
        key == "default" and not isinstance(value, Mapping)
    )
