"""How a driver answered, in a form that can be written, read, and given to the device again.

    {"gave": 3}  {"gave": "6869"}  {"gave": null}   a number, bytes, nothing
    {"odd": true}                                   something that no driver should give
    {"refused": 1, "problem": "full"}               a DriverError
    {"raised": "OSError"}                           any other error: the name of its class

In a recorded run the device gets the written form too: it sees what a replay will see.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from tinycontainer.errors import DriverError
from tinycontainer.jsonl import whole_number

_MAX_PROBLEM_CHARACTERS: Final = 1000
_MAX_NAME_CHARACTERS: Final = 200
_MAX_READ_BYTES: Final = 1024
_INT31: Final = range(1 << 31)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a driver answered.

    Attributes:
        values: its line.
    """

    values: dict[str, Any]

    def give(self) -> Any:
        """Return or raise as the driver did."""
        if "raised" in self.values:
            _raise_named(self.values["raised"])
        if "refused" in self.values:
            raise DriverError(self.values["refused"], self.values["problem"])
        if "odd" in self.values:
            return object()
        given = self.values["gave"]
        return bytes.fromhex(given) if isinstance(given, str) else given

    @classmethod
    def of(cls, call: Callable[[], object]) -> "Answer":
        """Make a call and note its answer."""
        try:
            given = call()
        except KeyboardInterrupt:  # it is the operator's, not the driver's
            raise
        except BaseException as error:  # a driver is foreign code and may even raise SystemExit
            return cls(_raised(error))
        # Exact types: a subclass, such as bool, would not come back from the tape as what it was.
        if given is None or (type(given) is int and given in _INT31):
            return cls({"gave": given})
        if type(given) is bytes and len(given) <= _MAX_READ_BYTES:
            return cls({"gave": given.hex()})
        return cls({"odd": True})

    @classmethod
    def from_line(cls, values: dict[str, Any]) -> "Answer":
        """Read an answer.

        Raises:
            ValueError: it is not the answer of a driver.
        """
        match values:
            case {"gave": None} | {"odd": True} if len(values) == 1:
                return cls(values)
            case {"gave": str(digits)} if len(values) == 1:
                bytes.fromhex(digits)
                return cls(values)
            case {"gave": given} if len(values) == 1:
                whole_number(given, _INT31)
                return cls(values)
            case {"refused": code, "problem": str()} if len(values) == 2:
                whole_number(code, range(1, 1 << 31))
                return cls(values)
            case {"raised": str(name)} if len(values) == 1:
                _named(name)
                return cls(values)
        raise ValueError("is no answer of a driver")


def _raised(error: BaseException) -> dict[str, Any]:
    if isinstance(error, DriverError):
        try:
            if error.is_sound:
                return {
                    "refused": int(error.code),
                    "problem": str(error.problem)[:_MAX_PROBLEM_CHARACTERS],
                }
        except Exception:  # a subclass can have attributes that raise, or none
            return {"raised": type(error).__name__[:_MAX_NAME_CHARACTERS]}
    return {"raised": type(error).__name__[:_MAX_NAME_CHARACTERS]}


def _raise_named(name: str) -> NoReturn:
    raise _named(name)


def _named(name: str) -> Exception:
    """Make an error whose class has a name; a device shows nothing else of it.

    Raises:
        ValueError: no class can have this name.
    """
    kind: type[Exception] = type(name, (Exception,), {})
    return kind()
