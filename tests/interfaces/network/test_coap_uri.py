"""URIs of CoAP, read strictly."""

import pytest

from tinycontainer.interfaces.network.coap_uri import CoapUri, parse_coap_uri


@pytest.mark.parametrize(
    ("text", "uri", "is_loopback"),
    [
        ("coap://[::1]:5683/reports", CoapUri("::1", "/reports"), True),
        ("coap://127.8.8.8", CoapUri("127.8.8.8", ""), True),
        ("coap://[2001:db8::7]/a/b", CoapUri("2001:db8::7", "/a/b"), False),
        ("coap://[fe80::1%25eth0]", CoapUri("fe80::1%25eth0", ""), False),
        ("coap://b\u00fccher.example:7", CoapUri("b\u00fccher.example", "", 7), False),
        ("coap://localhost/", CoapUri("localhost", "/"), False),
        ("coap://example.org/a@b", CoapUri("example.org", "/a@b"), False),
    ],
)
def test_a_uri_says_where_a_resource_is(text: str, uri: CoapUri, is_loopback: bool) -> None:
    found = parse_coap_uri(text)
    assert (found, found.is_loopback) == (uri, is_loopback)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[::1]",
        "coap://",
        "coap:///x",
        "coaps://[::1]",
        "http://[::1]",
        "coap://[::1",
        "coap://[::1]:0",
        "coap://[::1]:x",
        "coap://[::1]:65536",
        "coap://me@[::1]/x",
        "coap://[::1]/x?y",
        "coap://[::1]/x#y",
        "coap://a..b",
        f"coap://{'a' * 300}",
        f"coap://[::1]/{'a' * 2048}",
        "coap://[::1].example.org",
        "coap://[::1]x:5683",
        "coap://x[::1]",
        "coap://[127.0.0.1]",
        "coap://[v1.a]",
        "coap://*",
        "coap://a\\b",
        "coap://a%2eb",
        "coap://[::1]:+1",
        "coap://[::1]:\u0661",
        " coap://[::1]",
        "coap://[::1]\n",
        "coap://exam\tple.org",
        "coap://example.org\x00",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is no URI such as coap://"):
        parse_coap_uri(text)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("coap://[2001:DB8:0::7]", "coap://[2001:db8::7]:5683"),
        ("coap://[2001:db8::7]:5683/a", "coap://[2001:db8::7]:5683"),
        ("coap://127.0.0.1:1/", "coap://127.0.0.1:1"),
        ("coap://Example.ORG/a", "coap://example.org:5683"),
        ("coap://b\u00fccher.example:65535", "coap://xn--bcher-kva.example:65535"),
    ],
)
def test_uris_of_one_server_have_one_origin(text: str, origin: str) -> None:
    assert parse_coap_uri(text).origin == origin
    assert parse_coap_uri(f"{origin}/other").origin == origin


def test_another_port_or_host_is_another_origin() -> None:
    texts = ("coap://[::1]", "coap://[::1]:5684", "coap://[::2]", "coap://localhost")
    assert len({parse_coap_uri(text).origin for text in texts}) == len(texts)
