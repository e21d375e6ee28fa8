"""Words for what is wrong in a table that a model refused, of a file or of a driver's options."""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tinycontainer.text import show

_SHOWN_BYTES: Final = 60
_MIN_SIMILARITY: Final = 0.6


def explain_misfit(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    """The place and the problem of the first error, fit to be shown.

    Args:
        error: what the model raised.
        model: the model of the whole table.

    Returns:
        The place, such as ``drivers[2].endpoint``. The problem, with the value that was found and,
        for an unknown key, the known one that is most like it.
    """
    first = error.errors(include_url=False)[0]
    return _name_place(first["loc"]), _describe(first, model)


def _describe(error: ErrorDetails, model: type[BaseModel]) -> str:
    match error["type"]:
        case "extra_forbidden":
            *parents, key = error["loc"]
            return f"this key is not known here{_suggest(str(key), _keys_at(model, parents))}"
        case "missing":
            return "is missing"
        case "value_error":
            return str(error["ctx"]["error"])
    return f"{error['msg']}; it is {_show_value(error['input'])}"


def _show_value(value: object) -> str:
    match value:
        case dict():
            return "a table"
        case list():
            return "an array"
        case str() | bool() | int() | float():
            return show(json.dumps(value, ensure_ascii=False), _SHOWN_BYTES)
    return show(str(value), _SHOWN_BYTES)


def _suggest(key: str, known: Iterator[str]) -> str:
    closest = get_close_matches(key[:_SHOWN_BYTES], list(known), n=1, cutoff=_MIN_SIMILARITY)
    return f"; did you mean {closest[0]}?" if closest else ""


def _keys_at(model: type[BaseModel], parents: list[int | str]) -> Iterator[str]:
    """The keys that a model knows at a place."""
    annotation: Any = model
    for part in parents:
        for table in list_models(annotation):
            field = table.model_fields.get(str(part))
            annotation = annotation if field is None else field.annotation
            break
    for table in list_models(annotation):
        for name, field in table.model_fields.items():
            yield field.alias or name


def list_models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation, also as elements of a list or values of a dictionary."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from list_models(argument)


def _name_place(location: tuple[int | str, ...]) -> str:
    place = ""
    for part in location:
        if isinstance(part, int):
            place += f"[{part}]"
        else:
            place += f".{show(part)}" if place else show(part)
    return place
