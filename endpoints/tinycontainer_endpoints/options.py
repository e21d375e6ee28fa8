"""Options of drivers: checked tables of the device file."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tinycontainer.interfaces.driver import DriverSetup
from tinycontainer.text import show


class Options(BaseModel):
    """Base of a driver's options: exact types, nothing unknown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=Options)


def read_options(model: type[Model], setup: DriverSetup) -> Model:
    """Check a driver's options.

    Raises:
        ValueError: one line with the first wrong option and the reason.
    """
    try:
        return model.model_validate(dict(setup.options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(show(str(part)) for part in first["loc"])
        raise ValueError(f"options.{place}: {first['msg']}") from None
