"""Forms of pages: read within bounds, and checked by the models of the API's bodies."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from ...refusing import bad_request

CSRF_FIELD: Final = "csrf"
MOST_FIELDS: Final = 32
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
_MOST_DIGITS: Final = 20

Given = TypeVar("Given", bound=BaseModel)


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form, each once: a dependency. The body is bounded by the middleware.

    Raises:
        PlatformRefused: it is no form, or has too many fields.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _MEDIA_TYPE:
        raise bad_request(f"body: must be sent as {_MEDIA_TYPE}")
    body = await request.body()
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:  # UnicodeDecodeError is one
        raise bad_request(f"body: is no form of at most {MOST_FIELDS} fields") from None
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
