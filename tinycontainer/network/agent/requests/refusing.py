"""Refused requests, and how version 2 answers them (TC-MGMT-12)."""

from typing import Final

from tinycontainer.errors import (
    InvalidTransition,
    LoadError,
    LoadReason,
    TinyContainerError,
    UnknownContainer,
)
from tinycontainer.text import flatten
from tinycontainer_tokens.cbor import Value, encode

from .message import CoapAnswer, Code, Format, Option, to_uint

MAX_PROBLEM_CHARACTERS: Final = 512
RETRY_S: Final = 5
"""After how many seconds a device that has no room may have some again (Max-Age)."""
_CODES: Final = {
    LoadReason.BAD_REQUEST: Code.BAD_REQUEST,
    LoadReason.TOKEN: Code.FORBIDDEN,
    LoadReason.PROFILE: Code.FORBIDDEN,
    LoadReason.UNKNOWN_UID: Code.NOT_FOUND,
    LoadReason.WRONG_STATE: Code.CONFLICT,
    LoadReason.DUPLICATE_UID: Code.CONFLICT,
    LoadReason.CAPACITY: Code.TOO_LARGE,
    LoadReason.NO_SLOT: Code.UNAVAILABLE,
    LoadReason.SEQUENCE_STORE: Code.UNAVAILABLE,
}


class CoapRefused(Exception):
    """A request that is answered with an error.

    Attributes:
        code: of the answer.
        reason: the kind of refusal, from a closed list.
        problem: what exactly, in one line.
        options: of the answer.
    """

    def __init__(
        self, code: Code, reason: str, problem: str, options: tuple[tuple[int, bytes], ...] = ()
    ) -> None:
        super().__init__(f"{code.dotted} {reason}: {problem}")
        self.code = code
        self.reason = reason
        self.problem = problem
        self.options = options

    @classmethod
    def of(cls, error: TinyContainerError) -> "CoapRefused":
        """What the device has refused."""
        if isinstance(error, UnknownContainer):
            return cls(Code.NOT_FOUND, LoadReason.UNKNOWN_UID, str(error))
        if isinstance(error, InvalidTransition):
            return cls(Code.CONFLICT, LoadReason.WRONG_STATE, str(error))
        if not isinstance(error, LoadError):
            return cls(Code.INTERNAL_ERROR, "failed", str(error))
        code = _CODES.get(error.reason, Code.UNPROCESSABLE)
        waits = ((Option.MAX_AGE, to_uint(RETRY_S)),) if code is Code.UNAVAILABLE else ()
        return cls(code, error.reason, error.problem, waits)

    def answer(self) -> CoapAnswer:
        """As a concise problem detail (RFC 9290)."""
        detail: Value = {
            -1: flatten(self.reason),
            -2: flatten(self.problem)[:MAX_PROBLEM_CHARACTERS],
            -4: int(self.code),
        }
        return CoapAnswer(self.code, encode(detail), Format.PROBLEM, self.options)


def too_large(subject: str, most_bytes: int) -> CoapRefused:
    """A payload that is too long; Size1 gives the limit."""
    size1 = ((Option.SIZE1, to_uint(most_bytes)),)
    problem = f"{subject}: at most {most_bytes} bytes are allowed"
    return CoapRefused(Code.TOO_LARGE, "too-large", problem, size1)


def bad_request(problem: str) -> CoapRefused:
    """A request that cannot be read."""
    return CoapRefused(Code.BAD_REQUEST, "bad-request", problem)


def too_often(wait_s: float) -> CoapRefused:
    """A peer asks more often than it may; Max-Age says after how many seconds it may again."""
    age = ((Option.MAX_AGE, to_uint(int(wait_s) + 1)),)
    return CoapRefused(Code.TOO_MANY_REQUESTS, "too-many-requests", "ask later", age)
