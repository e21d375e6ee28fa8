"""Forms of pages: read within bounds, and checked by the models of the API's bodies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qs

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ...refusing import bad_request
from ..callers import require_session

CSRF_FIELD: Final = "csrf"
FILE_FIELD: Final = "file"
MOST_FIELDS: Final = 32
MOST_IN_ROWS: Final = 512
"""Fields of a form with a row for each of something."""
_MOST_FIELD_BYTES: Final = 8 * 1024
"""Of a field beside a file."""
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
_WITH_FILE: Final = "multipart/form-data"
_BAD_STATUS: Final = 400
_MOST_DIGITS: Final = 20

Given = TypeVar("Given", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form with a file.

    Attributes:
        fields: the others.
        content: of the file; None if none was chosen. Its name is not looked at.
    """

    fields: Mapping[str, str]
    content: bytes | None


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form, each once: a dependency. The body is bounded by the middleware.

    Raises:
        PlatformRefused: it is no form, or has too many fields.
    """
    return await _read_fields(request, MOST_FIELDS)


async def read_rows(request: Request) -> Mapping[str, str]:
    """The same of a form that has rows: a dependency.

    Raises:
        PlatformRefused: it is no form, or has too many fields.
    """
    return await _read_fields(request, MOST_IN_ROWS)


async def read_upload(
    request: Request, _known: Annotated[None, Depends(require_session)]
) -> SentForm:
    """A form with a file, of somebody who has logged in: a dependency.

    Raises:
        PlatformRefused: nobody who is known sends it, or it is no such form.
    """
    if _media_type(request) != _WITH_FILE:
        raise bad_request(f"body: must be sent as {_WITH_FILE}")
    try:
        async with request.form(
            max_files=1, max_fields=MOST_FIELDS, max_part_size=_MOST_FIELD_BYTES
        ) as form:
            return await _take_apart(form)
    except UnicodeError:  # of the charset that the body names
        pass
    except HTTPException as error:
        if error.status_code != _BAD_STATUS:
            raise
    raise bad_request(f"body: is no form of one file and at most {MOST_FIELDS} fields")


async def _take_apart(form: FormData) -> SentForm:
    items = form.multi_items()
    if len({name for name, _ in items}) != len(items):
        raise bad_request("body: a field is there twice")
    file = form.get(FILE_FIELD, None)
    if not isinstance(file, UploadFile) and file != "":  # a body that was cut off lacks it
        raise bad_request(f"body: has no field {FILE_FIELD} with a file")
    fields = {name: value for name, value in items if isinstance(value, str) and name != FILE_FIELD}
    if not isinstance(file, UploadFile) or not file.filename:
        return SentForm(fields, None)
    return SentForm(fields, await file.read())


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _read_fields(request: Request, most: int) -> Mapping[str, str]:
    if _media_type(request) != _MEDIA_TYPE:
        raise bad_request(f"body: must be sent as {_MEDIA_TYPE}")
    body = await request.body()
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=most,
        )
    except ValueError:  # UnicodeDecodeError is one
        raise bad_request(f"body: is no form of at most {most} fields") from None
    if any(len(values) > 1 for values in fields.values()):
        raise bad_request("body: a field is there twice")
    return {name: values[0] for name, values in fields.items()}


def fill(model: type[Given], values: Mapping[str, Any]) -> Given:
    """The body of a request to the API, from the fields of a form.

    Args:
        model: of the body.
        values: of its fields.

    Raises:
        RequestValidationError: they do not fit, as if they had come as JSON.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        misfits = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(misfits) from None


def read_number(text: str) -> int | str:
    """A whole number; a text that is none stays, so that the model says what is wrong with it."""
    digits = text.strip()
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
    return int(digits) if is_number else text


def read_numbers(text: str) -> list[int | str]:
    """Whole numbers with spaces or commas between them."""
    return [read_number(each) for each in text.replace(",", " ").split()]


def read_moment(text: str) -> int | str:
    """Unix seconds of a time in UTC, as browsers send it; a text that is none stays."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
