"""A registration is within its bounds, or it is not made; who asks has one form."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.network.agent.requests.refusing import CoapRefused
from tinycontainer.network.gateway.directory.registrations import (
    MemoryRegistrationStore,
    Registration,
)
from tinycontainer.network.gateway.directory.requester import Requester, without_zone

SOUND = Registration("drone", "", "drone", "0123456789abcdef", "coap://[::1]:5683", 60, 1000.0)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": "a" * 64},
        {"name": "a/b"},
        {"sector": "é"},
        {"identity": "a\n"},
        {"location": "0123456789ABCDEF"},
        {"base": "coap://[0::1]:5683"},
        {"base": "coap://[::1]"},
        {"base": "http://[::1]:5683"},
        {"base": "coap://[::1]:5683/x"},
        {"lifetime_s": 0},
        {"lifetime_s": 90_001},
        {"renewed_s": float("nan")},
        {"renewed_s": float("inf")},
        {"renewed_s": -1.0},
        {"sleep_s": 86_401, "awake_s": 1},
        {"sleep_s": 1, "awake_s": 0},
        {"awake_s": 3601},
        {"attributes": (("a", "b"),) * 9},
        {"attributes": (("ep", "b"),)},
        {"attributes": (("a", "\x1b"),)},
        {"attributes": (("a", "é" * 65),)},
        {"links": "é" * 2049},
    ],
)
def test_a_registration_is_within_its_bounds(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the field is in the message
        replace(SOUND, **changed)


def test_a_registration_lives_until_it_expires() -> None:
    assert SOUND.expires_s == 1060.0
    assert (SOUND.is_live(1059.9), SOUND.is_live(1060.0)) == (True, False)


def test_the_store_in_memory_keeps_one_of_each_name_and_sector() -> None:
    store = MemoryRegistrationStore()
    store.keep_registration(SOUND)
    store.keep_registration(replace(SOUND, lifetime_s=7))
    store.keep_registration(replace(SOUND, sector="hall"))
    store.forget_registration("drone", "hall")
    store.forget_registration("nobody", "")
    assert store.registrations() == [replace(SOUND, lifetime_s=7)]


@pytest.mark.parametrize(
    ("source", "host"),
    [
        ("coap://[::ffff:127.0.0.1]:7", "127.0.0.1"),
        ("coap://127.0.0.1:7", "127.0.0.1"),
        ("coap://[0:0::1]:7", "[::1]"),
        ("coap://[FE80::1%eth0]:7", "[fe80::1%eth0]"),
    ],
)
def test_a_source_has_one_form(source: str, host: str) -> None:
    requester = Requester.of("", source)
    assert (requester.host, requester.source) == (host, f"coap://{host}:7")


@pytest.mark.parametrize("source", ["", "coap://host:7", "coaps://[::1]", "[::1]:7"])
def test_a_source_that_is_no_address_is_a_mistake_of_the_caller(source: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it comes from several parsers
        Requester.of("", source)


def test_others_do_not_see_the_zone_of_an_address() -> None:
    assert without_zone("coap://[fe80::1%eth0]:5683") == "coap://[fe80::1]:5683"
    assert without_zone("coap://[fe80::1]:5683") == "coap://[fe80::1]:5683"


REMOTE = Requester.of("drone", "coap://[2001:db8::7]:5683")
PROTECTED = Requester.of("drone", "coap://[::1]:40000")
OPEN = Requester.of("", "coap://127.0.0.1:40000")


@pytest.mark.clause("TC-GW-07")
@pytest.mark.parametrize(
    ("requester", "text", "base"),
    [
        (REMOTE, "coap://[2001:db8::8]", "coap://[2001:db8::8]:5683"),
        (REMOTE, "coap://192.0.2.1:7", "coap://192.0.2.1:7"),
        (REMOTE, "coap://[::ffff:192.0.2.1]:7", "coap://192.0.2.1:7"),
        (PROTECTED, "coap://127.0.0.9:7", "coap://127.0.0.9:7"),
        (OPEN, "coap://127.0.0.1:7", "coap://127.0.0.1:7"),
        (OPEN, "coap://[::ffff:127.0.0.1]:7", "coap://127.0.0.1:7"),
    ],
)
def test_a_base_of_one_device_is_taken(requester: Requester, text: str, base: str) -> None:
    assert requester.read_base(text) == base


@pytest.mark.clause("TC-GW-07")
@pytest.mark.parametrize(
    ("requester", "text"),
    [
        *((REMOTE, each) for each in (
            "", "x", "coap://", "coap://host", "coap://localhost:5683", "coaps://[2001:db8::8]",
            "http://[2001:db8::8]", "coap://u@192.0.2.1", "coap://u:p@192.0.2.1",
            "coap://192.0.2.1/", "coap://192.0.2.1/a", "coap://192.0.2.1?", "coap://192.0.2.1?a",
            "coap://192.0.2.1#", "coap://192.0.2.1#a", "coap://192.0.2.1:0",
            "coap://192.0.2.1:65536", "coap://192.0.2.1:x", "coap://[ff02::fd]", "coap://[::]",
            "coap://0.0.0.0", "coap://224.0.1.187", "coap://255.255.255.255", "coap://[fe80::1]",
            "coap://[fe80::1%1]", "coap://[2001:db8::8%1]", "coap://[::1]", "coap://127.0.0.1",
            "coap://[::ffff:127.0.0.1]", "coap://[::ffff:224.0.1.187]", "coap://127.1",
            "coap://2130706433", "coap://0x7f000001", "coap:192.0.2.1", " coap://192.0.2.1",
            "coap://192.0.2.1\n", "coap://192.0.2.1\\", "coap://192.0.2.1:" + "0" * 200 + "7",
        )),
        *((OPEN, each) for each in (
            "coap://127.0.0.2:7", "coap://[::1]:7", "coap://[2001:db8::8]", "coap://192.0.2.1",
        )),
    ],
)  # fmt: skip
def test_any_other_base_is_refused(requester: Requester, text: str) -> None:
    with pytest.raises(CoapRefused) as caught:
        requester.read_base(text)
    assert caught.value.code.dotted == "4.00"


@given(st.text() | st.text("coap:/[]0.f%?#@1").map(lambda rest: f"coap://{rest}"))
def test_a_base_is_read_or_refused_whatever_it_is(text: str) -> None:
    try:
        base = REMOTE.read_base(text)
    except CoapRefused:
        return
    assert REMOTE.read_base(base) == base
