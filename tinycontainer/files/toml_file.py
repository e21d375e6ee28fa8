"""TOML files of this project: read within bounds, checked against a model, errors with their place.

A wrong file gives one line: the file, the key, what is wrong and what is right.
"""

import errno
import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tinycontainer.errors import DeviceFileError
from tinycontainer.interfaces.nesting import (
    NestedTooDeeply,
    require_shallow_text,
    require_shallow_values,
)
from tinycontainer.interfaces.paths import resolve_within
from tinycontainer.interfaces.tables import explain_misfit
from tinycontainer.text import show

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
    return parse_toml(read_bounded(path, MAX_TOML_BYTES), model, show(str(path)))


def parse_toml(content: bytes, model: type[Model], name: str) -> Model:
    """Check the content of a file.

    Args:
        content: the whole file.
        model: what it must fit.
        name: of the file, for errors.

    Raises:
        DeviceFileError: it is not TOML, or does not fit the model.
    """
    as_json = _to_json(content, name)
    try:
        return model.model_validate_json(as_json)
    except ValidationError as error:
        raise DeviceFileError(name, *explain_misfit(error, model)) from None


def _to_json(content: bytes, name: str) -> str:
    """By way of JSON, strict checks still take names for enumerations."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise DeviceFileError(name, "", "is not UTF-8 text") from None
    try:
        require_shallow_text(text)
        values = tomllib.loads(text)
        require_shallow_values(values)
        return json.dumps(values, default=_unwanted)
    except NestedTooDeeply as error:
        raise DeviceFileError(name, "", str(error)) from None
    except ValueError as error:
        raise DeviceFileError(name, "", f"is not TOML: {error}") from None


def read_bounded(path: Path, limit_bytes: int) -> bytes:
    """Read a whole file that must not be longer than a limit.

    Raises:
        DeviceFileError: it cannot be read or is too long.
    """
    name = show(str(path))
    try:
        content = _read(path, limit_bytes + 1)
    except OSError as error:
        raise DeviceFileError(name, "", f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise DeviceFileError(name, "", "is not a file name") from None
    if len(content) > limit_bytes:
        raise DeviceFileError(name, "", f"has more than {limit_bytes} bytes")
    return content


def _read(path: Path, limit_bytes: int) -> bytes:
    # Not blocking: to open a named pipe would wait for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode)):
            code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
            raise OSError(code, os.strerror(code) if stat.S_ISDIR(mode) else "it is a pipe")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(limit_bytes)
    finally:
        os.close(descriptor)


def resolve_named(directory: Path, name: str, file: str, place: str) -> Path:
    """Resolve the name of a file that a TOML file holds; it must lie in that file's directory.

    Args:
        directory: of the naming file, its own links resolved.
        name: as the naming file has it.
        file: name of the naming file, for the error.
        place: key of the naming file, for the error.

    Returns:
        The path, links resolved.

    Raises:
        DeviceFileError: it lies outside, or is not a file name.
    """
    try:
        return resolve_within(directory, name)
    except ValueError as error:
        raise DeviceFileError(file, place, f"{show(name)} {error}") from None


def _unwanted(moment: object) -> dict[str, str]:
    """Replace a date or time, which no model accepts, by a value that none accepts either."""
    return {"date or time": str(moment)}
