r"""Parses the text of a query, such as ``kind=box and not (version<3 or label.old=yes)``.

A term is ``name``, ``kind``, ``group`` or ``label.KEY`` with ``=`` or ``!=`` and a value, or
``version`` with any comparison and a whole number or, after ``=`` and ``!=``, ``none``. Labels are
always written with ``label.``: so a wrong name of a field is found, and a new field takes no key
away. A value is a word of letters, digits, ``.``, ``_`` and ``-``, or any printable text in
quotation marks, with ``\"`` and ``\\`` for these two characters. A ``*`` right after it means that
the beginning is enough; ``label.site=*`` means every device that has the label.
``not`` binds more than ``and``, and ``and`` more than ``or``. An empty text means every device.
"""

import re
from collections.abc import Callable
from typing import Final

from tinycontainer.text import show

from .candidate import LABEL_PREFIX, TEXT_FIELDS, is_label_field
from .query import AllOf, AnyOf, Not, Query, QueryComparison, TextTerm, VersionTerm
from .query_tokens import QueryError, Token, tokens_of

MAX_QUERY_CHARACTERS: Final = 1024
MAX_QUERY_DEPTH: Final = 16
"""So many parentheses and ``not`` can be around a term."""
MAX_QUERY_TERMS: Final = 64
_MAX_VERSION: Final = (1 << 64) - 1
_SHOWN_BYTES: Final = 40
_NUMBER: Final = re.compile(r"[0-9]{1,20}")


def parse_query(text: str) -> Query:
    """Parse the text of a query.

    Args:
        text: untrusted.

    Raises:
        QueryError: it is no query, or is too large.
    """
    if len(text) > MAX_QUERY_CHARACTERS:
        problem = f"{len(text)} characters; shorten the query to {MAX_QUERY_CHARACTERS}"
        raise QueryError(MAX_QUERY_CHARACTERS + 1, problem)
    parser = _Parser(text)
    query = parser.query()
    # With a space around each word it can be longer than it was; it has to parse again.
    length = len(str(query))
    if length > MAX_QUERY_CHARACTERS:
        problem = f"{length} characters with all spaces; shorten it to {MAX_QUERY_CHARACTERS}"
        raise QueryError(1, problem)
    return query


class _Parser:
    """Goes through the tokens once."""

    def __init__(self, text: str) -> None:
        self._rest = tokens_of(text)
        self._token = next(self._rest)
        self._terms = 0

    def query(self) -> Query:
        """The whole query."""
        if not self._token.source:
            return AllOf()
        query = self._any_of(0)
        if self._token.source:
            raise self._unexpected("and, or, or the end")
        return query

    def _any_of(self, depth: int) -> Query:
        parts = self._joined("or", lambda: self._all_of(depth))
        flat = [each for part in parts for each in (part.parts if type(part) is AnyOf else [part])]
        return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))

    def _all_of(self, depth: int) -> Query:
        parts = self._joined("and", lambda: self._factor(depth))
        flat = [each for part in parts for each in (part.parts if type(part) is AllOf else [part])]
        return flat[0] if len(flat) == 1 else AllOf(tuple(flat))

    def _joined(self, word: str, part: Callable[[], Query]) -> list[Query]:
        parts = [part()]
        while self._token.word == word:
            self._take()
            parts.append(part())
        return parts

    def _factor(self, depth: int) -> Query:
        token = self._token
        if token.word != "not" and token.symbol != "(":
            return self._term()
        if depth == MAX_QUERY_DEPTH:
            problem = f"more than {MAX_QUERY_DEPTH} parentheses and not around it; use fewer"
            raise QueryError(token.column, problem)
        self._take()
        if token.word == "not":
            return Not(self._factor(depth + 1))
        query = self._any_of(depth + 1)
        if self._token.symbol != ")":
            raise self._unexpected("and, or, or )")
        self._take()
        return query

    def _term(self) -> Query:
        if not self._token.word:
            raise self._unexpected("a field, not, or (")
        self._terms += 1
        if self._terms > MAX_QUERY_TERMS:
            problem = f"more than {MAX_QUERY_TERMS} terms; use fewer"
            raise QueryError(self._token.column, problem)
        field = self._take()
        if field.word != "version" and not _is_text_field(field.word):
            raise QueryError(field.column, _no_field(field.word))
        if self._token.symbol not in set(QueryComparison):
            raise self._unexpected("a comparison such as =")
        symbol = self._take()
        if self._token.symbol or not self._token.source:
            raise self._unexpected("a value")
        comparison, value = QueryComparison(symbol.symbol), self._take()
        if field.word == "version":
            return _version_term(comparison, value)
        if comparison.is_by_order:
            problem = (
                f"only version has an order; use = or != with {show(field.word, _SHOWN_BYTES)}"
            )
            raise QueryError(symbol.column, problem)
        return TextTerm(field.word, comparison, value.value, value.is_prefix)

    def _take(self) -> Token:
        token = self._token
        self._token = next(self._rest)
        return token

    def _unexpected(self, expected: str) -> QueryError:
        found = show(self._token.source, _SHOWN_BYTES) or "the end"
        return QueryError(self._token.column, f"{found} cannot stand here; write {expected}")


def _is_text_field(word: str) -> bool:
    return word in TEXT_FIELDS or is_label_field(word)


def _no_field(word: str) -> str:
    shown = show(word, _SHOWN_BYTES)
    advice = f"write {', '.join(TEXT_FIELDS)}, version, or {LABEL_PREFIX} and the key of a label"
    return f"there is no field {shown}; {advice}"


def _version_term(comparison: QueryComparison, value: Token) -> VersionTerm:
    is_none = value.word == "none" and not comparison.is_by_order
    is_number = _NUMBER.fullmatch(value.word) and int(value.word) <= _MAX_VERSION
    if not is_none and not is_number:
        shown = show(value.source, _SHOWN_BYTES)
        advice = "write a whole number of at most 64 bits, or none after = or !="
        raise QueryError(value.column, f"{shown} is no version to compare so; {advice}")
    return VersionTerm(comparison, None if is_none else int(value.word))
