"""Every error that this package raises on purpose."""


class TokenError(Exception):
    """Root of the family: a token, a key or a sequence store is not acceptable."""


class CborError(TokenError, ValueError):
    """Bytes that are not the strict CBOR which this project accepts.

    Attributes:
        offset: byte offset of the problem inside the decoded bytes.
        problem: what is wrong there, without quoting untrusted text.
    """

    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(f"byte {offset}: {problem}")
        self.offset = offset
        self.problem = problem


class KeyFileError(TokenError, ValueError):
    """A key file, or a set of keys, that cannot be used."""


class ClaimsError(TokenError, ValueError):
    """Claims that a token of this kind and profile cannot carry."""


class SequenceStoreError(TokenError, ValueError):
    """The memory of accepted sequences cannot be read or written, or forbids what is asked."""


class SequenceOvertaken(SequenceStoreError):
    """A token was to be accepted after a newer one, or after another one of the same number.

    Attributes:
        found: the number of the token.
        newest: the number that was accepted before.
    """

    def __init__(self, found: int, newest: int) -> None:
        problem = f"sequence {found} is older than {newest}, accepted before"
        if found == newest:
            problem = f"sequence {found} was accepted before with other bytes"
        super().__init__(problem)
        self.found = found
        self.newest = newest


class TokenRefused(TokenError):
    """A token failed a verification step.

    Attributes:
        number: number of the failed step, counted from 1.
        check: name of the failed step.
        problem: what was expected and what was found.
    """

    def __init__(self, number: int, check: str, problem: str) -> None:
        super().__init__(f"step {number} ({check}): {problem}")
        self.number = number
        self.check = check
        self.problem = problem
