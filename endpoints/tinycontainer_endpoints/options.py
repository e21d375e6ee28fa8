"""Options of drivers: tables of the device file, checked."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tinycontainer.interfaces.driver import DriverSetup
from tinycontainer.interfaces.tables import explain_misfit


class Options(BaseModel):
    """Base of a driver's options: exact types, nothing unknown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


DriverOptions = TypeVar("DriverOptions", bound=Options)


def read_options(kind: type[DriverOptions], setup: DriverSetup) -> DriverOptions:
    """Check a driver's options.

    Args:
        kind: the options that the driver has.
        setup: of the driver.

    Raises:
        ValueError: one line with the first wrong option and the reason.
    """
    return check_options(kind, setup.options)


def check_options(kind: type[DriverOptions], options: Mapping[str, object]) -> DriverOptions:
    """Check options of a driver that is not made.

    Args:
        kind: the options that the driver has.
        options: as the device file has them.

    Raises:
        ValueError: one line with the first wrong option and the reason.
    """
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        place, problem = explain_misfit(error, kind)
        raise ValueError(f"options.{place}: {problem}") from None
