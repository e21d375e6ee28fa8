"""Texts that nest too deeply are refused by our own count, not by the stack of the interpreter."""

import json
import sys
import tomllib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.errors import DeviceFileError
from tinycontainer.files.toml_file import Table, parse_toml
from tinycontainer.interfaces.nesting import (
    MAX_NESTING,
    NestedTooDeeply,
    require_shallow_text,
    require_shallow_values,
)
from tinycontainer.jsonl import parse_object

DEEP = "[" * 60_000


@pytest.fixture
def _no_recursion_limit() -> Iterator[None]:
    """The interpreter itself would refuse nothing: its own limit is far away."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    yield
    sys.setrecursionlimit(limit)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.clause("TC-TOOL-09", "TC-LOAD-14")
def test_the_bound_is_met_exactly() -> None:
    require_shallow_text(nested(MAX_NESTING))
    with pytest.raises(NestedTooDeeply):
        require_shallow_text(nested(MAX_NESTING + 1))


def test_width_is_not_depth() -> None:
    require_shallow_text("[" + "[],{}," * 10_000 + "]")
    require_shallow_values([[]] * 10_000)


@pytest.mark.parametrize(
    "text",
    [
        f'a = "{DEEP}"',
        f'a = "\\"{DEEP}"',
        f"a = '{DEEP}'",
        f"a = '\\' # {DEEP}",
        f'a = """ "{DEEP}"" """',
        "a = [" + "1.5, " * 10_000 + "]",
        "a = '" + "." * 10_000 + "'",
        f"a = '''\n{DEEP}'''",
        f"a = 1 # {DEEP}",
    ],
)
def test_brackets_in_strings_and_comments_do_not_count(text: str) -> None:
    tomllib.loads(text)
    require_shallow_text(text)


@pytest.mark.usefixtures("_no_recursion_limit")
@pytest.mark.parametrize(
    "text",
    [
        f"a = {DEEP}",
        "a = " + "{a=" * 20_000,
        "a" + ".a" * 20_000 + " = 1",
        "[a" + ".a" * 20_000 + "]",
        "a" + '."a"' * 10_000 + " = 1",
        "a = {b" + " . b" * 10_000 + " = 1}",
        "a.b.c.d = 1\n[" + ".".join(["a.b"] * 40) + "]",
        f'a = [ """x"""", {DEEP}',
        f"a = [ '''x'''', {DEEP}",
        f'a = "" \nb = {DEEP}',
        f"a = '\\'\nb = {DEEP}",
    ],
)
def test_deep_toml_is_refused_whatever_the_interpreter_allows(text: str) -> None:
    with pytest.raises(DeviceFileError, match="x: is nested too deeply"):
        parse_toml(text.encode(), Table, "x")


@pytest.mark.usefixtures("_no_recursion_limit")
@pytest.mark.parametrize("text", [DEEP, '{"a":' * 10_000, f'{{"\\"": {DEEP}', "[" * 65])
def test_deep_json_is_refused_whatever_the_interpreter_allows(text: str) -> None:
    with pytest.raises(ValueError, match="is nested too deeply"):
        parse_object(text.encode() + b"\n")


json_values = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\\n#x'),
    lambda child: (
        st.lists(child, max_size=3) | st.dictionaries(st.text('[]"#\\'), child, max_size=3)
    ),
)


@given(json_values, st.integers(0, 2 * MAX_NESTING))
def test_text_and_values_are_judged_alike(value: object, more: int) -> None:
    for _each in range(more):
        value = [value]
    assert is_refused(lambda: require_shallow_text(json.dumps(value))) == is_refused(
        lambda: require_shallow_values(value)
    )


def is_refused(check: Callable[[], None]) -> bool:
    try:
        check()
    except NestedTooDeeply:
        return True
    return False
