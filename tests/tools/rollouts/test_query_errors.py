"""What is said about texts that are no queries, and the bounds of queries."""

import re

import pytest

from tinycontainer.errors import TinyContainerError
from tinycontainer.tools.rollouts import QueryError, parse_query

NO_FIELD = (
    "there is no field site; write name, kind, group, version, or label. and the key of a label"
)
NO_VERSION = (
    "none is no version to compare so; "
    "write a whole number of at most 64 bits, or none after = or !="
)


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("kind", 5, "the end cannot stand here; write a comparison such as ="),
        ("kind=", 6, "the end cannot stand here; write a value"),
        ("kind=(", 6, "( cannot stand here; write a value"),
        ("kind=box name=a", 10, "name cannot stand here; write and, or, or the end"),
        ("(kind=box", 10, "the end cannot stand here; write and, or, or )"),
        ("kind=box)", 9, ") cannot stand here; write and, or, or the end"),
        ("kind=box and", 13, "the end cannot stand here; write a field, not, or ("),
        ("()", 2, ") cannot stand here; write a field, not, or ("),
        ("name=a *", 8, "* cannot stand here; write and, or, or the end"),
        (
            "site=lyon",
            1,
            NO_FIELD,
        ),
        ("kind<box", 5, "only version has an order; use = or != with kind"),
        (
            "version<none",
            9,
            NO_VERSION,
        ),
        ('name="a', 6, r"the quotation mark has no end; add one, and write \" and \\ within"),
        (
            "name=a;b",
            7,
            "; has no meaning here; put quotation marks around such a value",
        ),
        ('name="a\x1b"', 8, r"\x1b is not printable; leave it out"),
    ],
)
def test_an_error_says_where_what_and_what_to_do(text: str, column: int, problem: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_query(text)
    assert (caught.value.column, caught.value.problem) == (column, problem)
    assert str(caught.value) == f"column {column}: {problem}"
    assert isinstance(caught.value, TinyContainerError)


@pytest.mark.parametrize("value", ["3*", '"3"', "-1", "1.0", "18446744073709551616", "9" * 900])
def test_a_version_is_a_number_of_at_most_64_bits(value: str) -> None:
    with pytest.raises(QueryError, match=r"^column 9: .{1,60} is no version"):
        parse_query(f"version={value}")


def test_a_query_that_is_at_its_bounds_is_parsed() -> None:
    assert parse_query("version=18446744073709551615")
    assert parse_query("(" * 16 + "kind=a" + ")" * 16) == parse_query("kind=a")
    assert parse_query(" or ".join(["kind=a"] * 64))
    assert parse_query("kind=" + "a" * 1019)


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        (" " * 1025, 1025, "1025 characters"),
        ("(" * 17 + "kind=a" + ")" * 17, 17, "more than 16 parentheses and not"),
        ("not " * 17 + "kind=a", 65, "more than 16 parentheses and not"),
        ("(" * 1024, 17, "more than 16 parentheses and not"),
        (" or ".join(["kind=a"] * 65), 641, "more than 64 terms"),
        # The canonical form has a space before each or.
        ("or ".join(['kind="' + "a " * 20 + 'a"'] * 20), 1, "1036 characters with all spaces"),
    ],
)
def test_a_query_that_is_too_large_is_refused(text: str, column: int, problem: str) -> None:
    with pytest.raises(QueryError, match=re.escape(problem)) as caught:
        parse_query(text)
    assert caught.value.column == column
