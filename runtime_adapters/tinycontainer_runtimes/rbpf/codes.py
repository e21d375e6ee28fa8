"""The codes 0 to -9 of rBPF, and the two ways in which one is raised."""

from enum import IntEnum

from tinycontainer.errors import InadmissibleCode


class RbpfCode(IntEnum):
    """How a program ended, or why it was refused; the numbers are rBPF's."""

    OK = 0
    ILLEGAL_INSTRUCTION = -1
    ILLEGAL_MEMORY = -2
    """An access outside of the regions, or without the right permission."""
    ILLEGAL_JUMP = -3
    ILLEGAL_CALL = -4
    ILLEGAL_LENGTH = -5
    ILLEGAL_REGISTER = -6
    NO_RETURN = -7
    """The last instruction is not ``exit``."""
    OUT_OF_BRANCHES = -8
    ILLEGAL_DIVISION = -9
    """A divisor of zero."""

    @property
    def word(self) -> str:
        """The trap code that a device shows, such as ``out-of-branches``."""
        return self.name.lower().replace("_", "-")


class Fault(Exception):
    """A program broke a rule while it ran.

    Args:
        code: which rule.
        detail: more for the owner.
    """

    def __init__(self, code: RbpfCode, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class CodeRefused(InadmissibleCode):
    """RbpfCode that is refused at load.

    Args:
        code: rBPF's code for the reason.
        problem: what is wrong, with the place.

    Attributes:
        slot: number of the instruction in question, counted in slots of 8 bytes; None if it is the
            file as a whole.
    """

    def __init__(self, code: RbpfCode, problem: str, slot: int | None = None) -> None:
        place = "" if slot is None else f"instruction {slot}: "
        super().__init__(f"{place}{problem} ({int(code)}, {code.word})")
        self.code = code
        self.problem = problem
        self.slot = slot
