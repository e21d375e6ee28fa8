"""Queries: what they mean, how they are written, and that no text does any harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.tools.rollouts import (
    AllOf,
    AnyOf,
    Candidate,
    Not,
    Query,
    QueryComparison,
    QueryError,
    TextTerm,
    VersionTerm,
    parse_query,
)

BOX = Candidate("box-17", "box", "north", {"site": "lyon", "owner": 'A "B" \\ c*'}, 3)
NEW = Candidate("pole-2", "pole", "", {}, None)

VALUES = st.one_of(
    st.from_regex(r"[A-Za-z0-9._-]{1,8}\*?", fullmatch=True),
    st.sampled_from(["*", "and", "not", '""', '"a b"*', r'"\"\\*"', '"é"', '"not"*']),
)
FIELDS = st.sampled_from(["name", "kind", "group", "label.site", "label.and", "label.a-b.c_d"])
TEXT_TERMS = st.builds("{}{}{}".format, FIELDS, st.sampled_from(["=", " != "]), VALUES)
VERSION_TERMS = st.builds(
    "version{}{}".format, st.sampled_from(list(QueryComparison)), st.integers(0, 5)
)
QUERIES = st.recursive(
    TEXT_TERMS | VERSION_TERMS | st.sampled_from(["version=none", "version!=none"]),
    lambda inner: st.one_of(
        st.builds("not {}".format, inner),
        st.builds("({})".format, inner),
        st.builds("{} and {}".format, inner, inner),
        st.builds("({})or({})".format, inner, inner),
        st.builds("{}  or  {}".format, inner, inner),
    ),
    max_leaves=12,
)
ALMOST_QUERIES = st.lists(
    st.sampled_from([*'()=!<>*"\\ \n\x1b', "and ", "or ", "not ", "version", "name=a ", "1", "é"]),
    max_size=60,
).map("".join)


@pytest.mark.parametrize(
    ("text", "means_box", "means_new"),
    [
        ("", True, True),
        ("   ", True, True),
        ("kind=box", True, False),
        ("kind!=box", False, True),
        ("name=box-*", True, False),
        ("name!=box-*", False, True),
        ('group=""', False, True),
        ("label.site=lyon", True, False),
        ("label.site!=lyon", False, True),
        ("label.site=*", True, False),
        ("label.site!=*", False, True),
        (r'label.owner="A \"B\" \\ c*"', True, False),
        (r'label.owner="A \"B"*', True, False),
        ('label.owner="A *"', False, False),
        ("version=3", True, False),
        ("version=003", True, False),
        ("version!=3", False, True),
        ("version<3", False, False),
        ("version<=3", True, False),
        ("version>3", False, False),
        ("version >= 3", True, False),
        ("version=none", False, True),
        ("version!=none", True, False),
        ("not version<3", True, True),
        ("kind=pole or kind=box and group=south", False, True),
        ("(kind=pole or kind=box) and group=north", True, False),
        ("not kind=pole and group=north", True, False),
        ("kind=box and label.site!=paris and not (version<3 or label.old=yes)", True, False),
    ],
)
def test_a_query_means_the_devices_that_it_describes(
    text: str, means_box: bool, means_new: bool
) -> None:
    query = parse_query(text)
    assert (query.matches(BOX), query.matches(NEW)) == (means_box, means_new)


def test_a_query_is_a_tree_that_others_can_translate() -> None:
    old = VersionTerm(QueryComparison.LESS, 3)
    assert parse_query("(kind=box and (name=a*)) and not (version<3 or version=none)") == AllOf(
        (
            TextTerm("kind", QueryComparison.EQUAL, "box"),
            TextTerm("name", QueryComparison.EQUAL, "a", is_prefix=True),
            Not(AnyOf((old, VersionTerm(QueryComparison.EQUAL, None)))),
        )
    )


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("  ", ""),
        ('((kind="box"))', "kind=box"),
        ("not(kind = box)and(name=a)", "not kind=box and name=a"),
        ("name=a or (name=b or name=c and name=d)", "name=a or name=b or name=c and name=d"),
        ("name=a and(name=b or name=c)", "name=a and (name=b or name=c)"),
        ("not (name=a and name=b)", "not (name=a and name=b)"),
        ('name=""*', "name=*"),
        (r'name="\"\\ *"', r'name="\"\\ *"'),
        ("version=007", "version=7"),
    ],
)
def test_a_query_is_written_in_one_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_query(text)) == canonical


@given(QUERIES)
def test_the_canonical_form_parses_to_the_same_tree(text: str) -> None:
    query = parse_query(text)
    assert parse_query(str(query)) == query
    assert str(parse_query(str(query))) == str(query)
    assert str(query).isprintable()


def parsed(text: str) -> Query | QueryError:
    try:
        return parse_query(text)
    except QueryError as error:
        return error


@given(st.one_of(st.text(), ALMOST_QUERIES, QUERIES.map(lambda text: text[1:])))
def test_any_text_is_a_query_or_has_one_clear_error(text: str) -> None:
    found = parsed(text)
    if not isinstance(found, QueryError):
        assert parse_query(str(found)) == found
        return
    assert 1 <= found.column <= len(text) + 1
    assert str(found).isascii()
    assert str(found).isprintable()
    assert len(str(found)) < 250


@pytest.mark.parametrize("piece", ['"', '\\"', '"\\', "(", "not ", "name=a or ", "*", "a", "é"])
def test_a_long_text_of_one_piece_is_refused(piece: str) -> None:
    for text in ((piece * 1024)[:1024], piece * 1_000_000):
        assert isinstance(parsed(text), QueryError)


def test_a_field_that_no_device_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no field 'version'"):
        BOX.text_of("version")
