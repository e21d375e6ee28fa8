"""Reads which components a piece of software has from an untrusted document of CycloneDX."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NoReturn

from tinycontainer.interfaces.nesting import require_shallow_text
from tinycontainer.jsonl import INT64, object_of_pairs, refuse_constant

MAX_SBOM_BYTES: Final = 1 << 20
MOST_COMPONENTS: Final = 2000
"""In one document, repeated ones too."""
MAX_LEVELS: Final = 16
"""Of components within components."""
MAX_NAME_CHARACTERS: Final = 255
"""Of a name, and of a version."""
MAX_PURL_CHARACTERS: Final = 1024
_FORMAT: Final = "CycloneDX"
_VERSIONS: Final = ("1.4", "1.5", "1.6")
_PURL: Final = re.compile(r"pkg:[!-~]+")
_MAX_DIGITS: Final = 20
"""Of a whole number, with its sign."""


class CycloneDxError(ValueError):
    """A document that cannot be used; the text says where and why, in one line of ASCII."""


@dataclass(frozen=True, slots=True)
class SoftwareComponent:
    """A component of a piece of software.

    Attributes:
        name: as its makers call it, without their group.
        version: empty if none is said.
        purl: its package URL; empty if none is said.
    """

    name: str
    version: str
    purl: str


def read_components(content: bytes) -> tuple[SoftwareComponent, ...]:
    """Read the components of a document of CycloneDX 1.4 to 1.6 in JSON.

    The software that the document is about is the first one, if it says so. A component comes
    before those within it, and only once. All other fields are passed over.

    Args:
        content: untrusted bytes.

    Raises:
        CycloneDxError: it is no such document, or too large.
    """
    document = _parse(content)
    if document.get("bomFormat") != _FORMAT:
        _refuse("bomFormat", f"is not {_FORMAT}")
    if document.get("specVersion") not in _VERSIONS:
        _refuse("specVersion", f"is none of {', '.join(_VERSIONS)}")
    found = list(islice(_all_of(document), MOST_COMPONENTS + 1))
    if len(found) > MOST_COMPONENTS:
        _refuse("components", f"are more than {MOST_COMPONENTS}")
    return tuple(dict.fromkeys(found))


def _parse(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_SBOM_BYTES:
        _refuse("document", f"is longer than {MAX_SBOM_BYTES} bytes")
    try:
        text = content.decode("utf-8")
        require_shallow_text(text)
        document = json.loads(
            text,
            object_pairs_hook=object_of_pairs,
            parse_constant=refuse_constant,
            parse_int=_whole_number,
            parse_float=_finite_number,
        )
    except UnicodeDecodeError:
        _refuse("document", "is not UTF-8 text")
    except json.JSONDecodeError as error:
        _refuse("document", f"is not JSON: line {error.lineno}, column {error.colno}")
    except ValueError as error:
        _refuse("document", str(error))
    return _object(document, "document")


def _all_of(document: dict[str, Any]) -> Iterator[SoftwareComponent]:
    metadata = _object(document.get("metadata", {}), "metadata")
    if "component" in metadata:
        yield from _component(metadata["component"], "metadata.component", 1)
    yield from _within(document, "", 1)


def _within(holder: dict[str, Any], place: str, level: int) -> Iterator[SoftwareComponent]:
    entries = holder.get("components", [])
    if not isinstance(entries, list):
        _refuse(f"{place}components", "is no list")
    for number, entry in enumerate(entries):
        yield from _component(entry, f"{place}components[{number}]", level)


def _component(entry: object, place: str, level: int) -> Iterator[SoftwareComponent]:
    if level > MAX_LEVELS:
        _refuse(place, f"is more than {MAX_LEVELS} components deep")
    fields = _object(entry, place)
    name = _text(fields, place, "name", MAX_NAME_CHARACTERS)
    if not name:
        _refuse(f"{place}.name", "is missing or empty")
    version = _text(fields, place, "version", MAX_NAME_CHARACTERS)
    purl = _text(fields, place, "purl", MAX_PURL_CHARACTERS)
    if purl and not _PURL.fullmatch(purl):
        _refuse(f"{place}.purl", "is no package URL, such as pkg:generic/name@1.0")
    yield SoftwareComponent(name, version, purl)
    yield from _within(fields, f"{place}.", level + 1)


def _object(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(place, "is no JSON object")
    return value


def _text(fields: dict[str, Any], place: str, name: str, most: int) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        _refuse(f"{place}.{name}", "is no text")
    if len(value) > most:
        _refuse(f"{place}.{name}", f"has more than {most} characters")
    if not value.isprintable():
        _refuse(f"{place}.{name}", "has a character that cannot be printed")
    return value


def _whole_number(digits: str) -> int:
    number = int(digits) if len(digits) <= _MAX_DIGITS else INT64.stop
    if number not in INT64:
        raise ValueError("has a whole number of more than 64 bits")
    return number


def _finite_number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("has a number that is too large")
    return number


def _refuse(place: str, problem: str) -> NoReturn:
    raise CycloneDxError(f"{place}: {problem}")
