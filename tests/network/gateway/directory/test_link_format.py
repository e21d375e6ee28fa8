"""Links are read strictly, within bounds, and written as they were."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.network.gateway.directory.link_format import (
    MAX_CONTENT_BYTES,
    MAX_LINKS,
    MAX_PARAMETERS,
    Link,
    LinkFormatError,
    parse_links,
    require_limited,
    write_links,
)

PUBLISHED = (
    b'</sensors>;ct=40;title="Sensor Index",</sensors/temp>;rt="temperature-c";if="sensor",'
    b"</sensors/light>;rt=light-lux;if=sensor,"
    b'<http://www.example.com/sensors/t123>;anchor="/sensors/temp";rel="describedby",'
    b'</t>;anchor="/sensors/temp";rel="alternate";obs'
)
NAMES = st.text("abcxyz0-.!|", min_size=1, max_size=6)
VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
LINKS = st.lists(
    st.builds(
        Link,
        st.text("abz/09-._~:?#[]@!$&'()*+,;=", max_size=12),
        st.lists(st.tuples(NAMES, st.none() | VALUES), max_size=4).map(tuple),
    ),
    max_size=5,
)


@pytest.mark.clause("TC-GW-06")
def test_what_the_rfc_shows_is_read() -> None:
    links = parse_links(PUBLISHED)
    assert [link.target for link in links][:2] == ["/sensors", "/sensors/temp"]
    assert links[0].parameters == (("ct", "40"), ("title", "Sensor Index"))
    assert links[2].values("rt") == ("light-lux",)
    assert links[4].parameters[-1] == ("obs", None)
    require_limited(links)
    assert parse_links(write_links(links).encode()) == links
    assert parse_links(b"") == ()


def test_lists_have_several_values_and_other_parameters_one() -> None:
    (link,) = parse_links(b'</a>;rt="a  b.c";ct="40 60";title="a b";x=1;x=2;obs')
    assert link.values("rt") == ("a", "b.c")
    assert link.values("ct") == ("40", "60")
    assert link.values("title") == ("a b",)
    assert link.values("x") == ("1", "2")
    assert link.values("obs") == ("",)
    assert link.values("no") == ()
    assert (link.parameter("x"), link.parameter("obs")) == ("1", None)


def test_quotes_and_backslashes_are_escaped() -> None:
    (link,) = parse_links(b'</a>;title="say \\"\\a\\\\\\""')
    assert link.parameter("title") == 'say "a\\"'
    assert write_links([link]) == '</a>;title="say \\"a\\\\\\""'
    assert write_links([Link("/a", (("title*", "UTF-8''%e2%82%ac"), ("ct", "40")))]) == (
        "</a>;title*=UTF-8''%e2%82%ac;ct=40"
    )


@pytest.mark.clause("TC-GW-06")
@pytest.mark.parametrize(
    ("content", "offset", "problem"),
    [
        (b"a", 0, "expected <"),
        (b"</a", 3, "expected >"),
        (b"</a b>", 3, "expected >"),
        (b'</a">', 3, "expected >"),
        (b"</a%2>", 3, "expected >"),
        (b"</a> ;rt=a", 4, "expected a comma, a semicolon or the end"),
        (b"</a>, </b>", 5, "expected <"),
        (b"</a>,", 5, "expected <"),
        (b"</a>;", 5, "expected the name of a parameter"),
        (b"</a>;rt", 5, "rt has a value that it cannot have"),
        (b'</a>;rt=" "', 5, "rt has a value that it cannot have"),
        (b"</a>;x=", 7, "expected a value"),
        (b'</a>;x="abc', 7, "a value in quotes does not end, or holds a control character"),
        (b'</a>;x="a\nc"', 7, "a value in quotes does not end, or holds a control character"),
        (b'</a>;x="a\xc2\x85"', 7, "a value in quotes does not end, or holds a control character"),
        (b'</a>;x="a\\', 7, "a value in quotes does not end, or holds a control character"),
        (b'</a>;sz="1"', 8, "sz has no quotes"),
        (b"</a>;sz=01", 5, "sz has a value that it cannot have"),
        (b"</a>;title*=x", 5, "title* has a value that it cannot have"),
        (b'</a>;title*="x"', 12, "title* has no quotes"),
        (b'</a>;anchor="a b"', 5, "anchor has a value that it cannot have"),
        (b"</a>;rt=a;rt=b", 10, "rt is there twice"),
        (b'</\xc3\xa9>;x="\xc3\xa9', 2, "expected >"),
        (b'</a>;x="\xc3\xa9",', 12, "expected <"),
        (b"</a\xff>", 3, "is not UTF-8"),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(
    content: bytes, offset: int, problem: str
) -> None:
    with pytest.raises(LinkFormatError) as caught:
        parse_links(content)
    assert (caught.value.offset, caught.value.problem) == (offset, problem)


@pytest.mark.clause("TC-GW-06")
def test_links_are_bounded() -> None:
    assert len(parse_links(b",".join([b"<>"] * MAX_LINKS))) == MAX_LINKS
    with pytest.raises(LinkFormatError, match="more than 64 links"):
        parse_links(b",".join([b"<>"] * (MAX_LINKS + 1)))
    assert len(parse_links(b"<>" + b";a" * MAX_PARAMETERS)[0].parameters) == MAX_PARAMETERS
    with pytest.raises(LinkFormatError, match="more than 16 parameters"):
        parse_links(b"<>" + b";a" * (MAX_PARAMETERS + 1))
    with pytest.raises(LinkFormatError, match="longer than 4096 bytes"):
        parse_links(b"<" + b"a" * MAX_CONTENT_BYTES)


@pytest.mark.clause("TC-GW-06")
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<a>", "a is neither a URI nor a path from the root"),
        (b"<>", "neither"),
        (b"<//host/a>", "neither"),
        (b"</a/../b>", "neither"),
        (b"</.>", "neither"),
        (b'</a>;anchor="b"', "b is neither"),
        (b'</a>;anchor="coap://h/b"', "/a is a path, and its anchor a URI"),
        (b"</a>" + b";x" * MAX_PARAMETERS, "16 parameters and no anchor"),
    ],
)
def test_links_that_could_be_resolved_in_two_ways_are_refused(content: bytes, problem: str) -> None:
    with pytest.raises(LinkFormatError, match=problem):
        require_limited(parse_links(content))


@pytest.mark.parametrize("content", [b"</a?x=/../>", b'<coap://h/a>;anchor="coap://h/b"', b"</a.>"])
def test_other_links_are_not(content: bytes) -> None:
    require_limited(parse_links(content))


@given(LINKS)
def test_what_is_written_is_read_as_it_was(links: list[Link]) -> None:
    assert parse_links(write_links(links).encode(), 1 << 20) == tuple(links)


@pytest.mark.parametrize(
    "link",
    [
        Link("/a b"),
        Link("/a>;x"),
        Link("/a", (("x y", "1"),)),
        Link("/a", (("x", "\n"),)),
        Link("/a", (("title*", "x,</b>"),)),
        Link("/a", (("", "x"),)),
    ],
)
def test_a_link_that_nobody_could_read_is_not_written(link: Link) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has another reason
        write_links([link])


def offset_of_refusal(content: bytes) -> int | None:
    """Where content is refused; None if it is read, and can then be written and read again."""
    try:
        links = parse_links(content)
    except LinkFormatError as error:
        return error.offset
    assert parse_links(write_links(links).encode(), 1000) == links
    return None


@given(st.binary(max_size=200))
def test_anything_is_read_or_refused_with_a_place_in_it(content: bytes) -> None:
    assert (offset_of_refusal(content) or 0) in range(len(content) + 1)


@given(st.text("<>/a;,=\"\\ %'*", max_size=60))
def test_what_looks_like_links_is_read_or_refused(text: str) -> None:
    assert (offset_of_refusal(text.encode()) or 0) in range(len(text) + 1)


@pytest.mark.clause("TC-GW-06")
@pytest.mark.parametrize(
    "content",
    [
        b"<" + b"%41" * 1365,
        b'<>;x="' + b"\\a" * 2045,
        b'<>;x="' + b"\\" * 4090,
        b"<>;x*=" + b"a'" * 2045,
        b"<>;x*=" + b"%41" * 1363,
        b"<>;rt=" + b"a" * 4090,
        b'<>;rt="' + b" " * 4088 + b'"',
        b"<" + b"/." * 2046 + b">",
    ],
)
def test_hostile_links_take_no_time(content: bytes) -> None:
    begin = time.process_time()
    for _ in range(10):
        with suppress(LinkFormatError):
            require_limited(parse_links(content))
    assert time.process_time() - begin < 0.5
