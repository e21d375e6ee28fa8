"""TOML files of this project: read within bounds, checked against a model, errors with their place.

A wrong file gives one line: which file, which key, what is wrong and what would be right.
"""

import json
import tomllib
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import DeviceFileError
from .text import show

MAX_TOML_BYTES: Final = 64 * 1024


class Table(BaseModel):
    """A table of a file: exact types, nothing unknown, nothing infinite."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=Table)


def read_toml(path: Path, model: type[Model]) -> Model:
    """Read and check a file.

    Raises:
        DeviceFileError: it cannot be read, is too long, is not TOML, or does not fit the model.
    """
    name = show(str(path))
    content = read_bounded(path, MAX_TOML_BYTES)
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise DeviceFileError(name, "", "is not UTF-8 text") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DeviceFileError(name, "", f"is not TOML: {error}") from None
    try:
        # By way of JSON, in which strict checks still take names for enumerations.
        return model.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise DeviceFileError(name, _place(first["loc"]), first["msg"]) from None


def read_bounded(path: Path, limit_bytes: int) -> bytes:
    """Read a whole file that must not be longer than a limit.

    Raises:
        DeviceFileError: it cannot be read or is too long.
    """
    name = show(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError as error:
        raise DeviceFileError(name, "", f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise DeviceFileError(name, "", "is not a file name") from None
    if len(content) > limit_bytes:
        raise DeviceFileError(name, "", f"has more than {limit_bytes} bytes")
    return content


def inside(directory: Path, name: str, file: str, place: str) -> Path:
    """The path of a file that another one names: within its directory, links resolved.

    Args:
        directory: where the naming file lies.
        name: as it stands there.
        file: which file names it, for the error.
        place: at which key, for the error.

    Raises:
        DeviceFileError: it lies outside, or is no name.
    """
    try:
        path = (directory / name).resolve()
    except (OSError, ValueError):
        raise DeviceFileError(file, place, f"{show(name)} is not a file name") from None
    if not path.is_relative_to(directory.resolve()):
        raise DeviceFileError(file, place, f"{show(name)} lies outside of the file's directory")
    return path


def uid_from_text(text: str) -> bytes:
    """A uid as files and commands write it: text, or ``hex:`` and hexadecimal digits.

    Raises:
        ValueError: the digits are not hexadecimal.
    """
    if not text.startswith("hex:"):
        return text.encode()
    return bytes.fromhex(text.removeprefix("hex:"))


def _place(location: tuple[int | str, ...]) -> str:
    place = ""
    for part in location:
        if isinstance(part, int):
            place += f"[{part}]"
        else:
            place += f".{show(part)}" if place else show(part)
    return place
