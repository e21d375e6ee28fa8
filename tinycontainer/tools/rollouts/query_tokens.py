"""The tokens of the text of a query, and the error for a text that is no query."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tinycontainer.errors import TinyContainerError
from tinycontainer.text import show

_SYMBOL: Final = re.compile(r"!=|<=|>=|[=<>()]")
_VALUE: Final = re.compile(r'(?:([A-Za-z0-9._-]+)|"((?:[^"\\]|\\["\\])*)")?(\*?)')
_ESCAPED: Final = re.compile(r'\\(["\\])')


class QueryError(TinyContainerError, ValueError):
    """A text that is no query.

    Attributes:
        column: of what is wrong, from 1.
        problem: what is wrong there and what to do, in one line of printable ASCII.
    """

    def __init__(self, column: int, problem: str) -> None:
        super().__init__(f"column {column}: {problem}")
        self.column = column
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Token:
    """A symbol or a value; ``word`` is empty unless it is a bare word, which can be a keyword."""

    column: int
    source: str
    symbol: str = ""
    word: str = ""
    value: str = ""
    is_prefix: bool = False


def tokens_of(text: str) -> Iterator[Token]:
    """The tokens of a text; the last one is empty."""
    at = 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        token = _token_at(text, at)
        yield token
        at += len(token.source)
    yield Token(len(text) + 1, "")


def _token_at(text: str, at: int) -> Token:
    if symbol := _SYMBOL.match(text, at):
        return Token(at + 1, symbol[0], symbol=symbol[0])
    found = _VALUE.match(text, at)
    if found is None or not found[0]:
        raise QueryError(at + 1, _foreign(text[at]))
    for offset, character in enumerate(found[0]):
        if not character.isprintable():
            raise QueryError(at + offset + 1, f"{show(character)} is not printable; leave it out")
    word, quoted, star = found.groups()
    value = _ESCAPED.sub(r"\1", quoted or "") if word is None else word
    return Token(at + 1, found[0], "", "" if star else word or "", value, bool(star))


def _foreign(character: str) -> str:
    """What is wrong with a character that begins nothing."""
    if character == '"':
        return r"""the quotation mark has no end; add one, and write \" and \\ within"""
    return f"{show(character)} has no meaning here; put quotation marks around such a value"
