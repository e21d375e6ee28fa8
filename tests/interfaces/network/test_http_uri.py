"""URIs of devices at a gateway, and what a gateway refers to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.interfaces.network.http_uri import HttpUri, parse_http_uri


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://gateway/devices/box1", HttpUri("https", "gateway", 443, "/devices/box1")),
        ("HTTPS://GateWay:8443/a", HttpUri("https", "gateway", 8443, "/a")),
        ("http://[::1]:8080/devices/box1/", HttpUri("http", "::1", 8080, "/devices/box1/")),
        ("http://127.0.0.1/%41", HttpUri("http", "127.0.0.1", 80, "/%41")),
        ("https://gateway", HttpUri("https", "gateway", 443, "")),
    ],
)
def test_a_uri_is_read(text: str, found: HttpUri) -> None:
    assert parse_http_uri(text) == found


@pytest.mark.parametrize(
    ("uri", "name", "is_loopback"),
    [
        ("https://gateway/devices/box1", "box1", False),
        ("http://[::1]/devices/box1/", "box1", True),
        ("http://127.0.0.9", "", True),
        ("http://localhost/a", "a", False),
    ],
)
def test_a_device_has_a_name_and_a_host_is_of_this_machine_if_an_address_says_so(
    uri: str, name: str, is_loopback: bool
) -> None:
    found = parse_http_uri(uri)
    assert (found.name, found.is_loopback) == (name, is_loopback)


@pytest.mark.clause("TC-GW-57")
@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("/jobs/1", "/jobs/1"),
        ("jobs/1", "/devices/jobs/1"),
        ("../jobs/1", "/jobs/1"),
        ("https://gateway/jobs/1", "/jobs/1"),
        ("https://gateway:443/jobs/1", "/jobs/1"),
        ("//gateway/jobs/1", "/jobs/1"),
    ],
)
def test_a_reference_of_the_same_server_is_resolved(reference: str, path: str) -> None:
    assert parse_http_uri("https://gateway/devices/box1").resolve(reference).path == path


@pytest.mark.clause("TC-GW-57")
@pytest.mark.parametrize(
    "reference",
    [
        "http://gateway/jobs/1",
        "https://gateway:8443/jobs/1",
        "https://other/jobs/1",
        "//other/jobs/1",
        "https://user@gateway/jobs/1",
        "/jobs/1?a",
        "/jobs/1#a",
        "/jobs/\x01",
        "/jobs/ 1",
        "javascript:alert(1)",
        "/" + "a" * 3000,
        "https://[::1",
        "",
    ],
)
def test_a_reference_of_another_server_or_of_none_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="is "):
        parse_http_uri("https://gateway/devices/box1").resolve(reference)


@given(st.text(max_size=40))
def test_whatever_is_referred_to_stays_at_the_server(reference: str) -> None:
    device = parse_http_uri("https://[2001:db8::7]:8443/devices/box1")
    try:
        found = device.resolve(reference)
    except ValueError:
        return
    assert (found.scheme, found.host, found.port) == ("https", "2001:db8::7", 8443)
    assert found.path.isascii()
    assert found.path.isprintable()
