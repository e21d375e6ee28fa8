"""URIs of CoAP, read strictly."""

import pytest

from tinycontainer.interfaces.network.coap_uri import CoapUri, parse_coap_uri


@pytest.mark.parametrize(
    ("text", "uri", "is_loopback"),
    [
        ("coap://[::1]:5683/reports", CoapUri("::1", "/reports"), True),
        ("coap://127.8.8.8", CoapUri("127.8.8.8", ""), True),
        ("coap://[2001:db8::7]/a/b", CoapUri("2001:db8::7", "/a/b"), False),
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
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is no URI such as coap://"):
        parse_coap_uri(text)
