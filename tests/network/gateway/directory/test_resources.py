"""What the directory answers, request by request, and in which order it judges."""

import tracemalloc
from typing import Unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.agents import problem
from support.directories import DRONE, FORMAT_40, LINKS, LOCAL, REMOTE, START_S, Registry, Who

from tinycontainer.network.agent.requests.message import CoapRequest, Code, Method, Option
from tinycontainer.network.agent.requests.rates import Rates


def refusal(
    registry: Registry, method: Method, path: str, payload: bytes = b"", **who: Unpack[Who]
) -> str:
    """The code of a refusal that has changed nothing."""
    before = [*registry.directory]
    answer = registry.ask(method, path, payload, **who)
    code, _ = problem(answer)
    assert [*registry.directory] == before
    return code


@pytest.mark.clause("TC-GW-01")
def test_the_directory_can_be_discovered() -> None:
    registry = Registry()
    whole = (
        '</rd>;rt="core.rd";ct=40,</rd-lookup/ep>;rt="core.rd-lookup-ep";ct=40,'
        '</rd-lookup/res>;rt="core.rd-lookup-res";ct=40'
    )
    for query in ("", "?rt=core.rd*", "?ct=40", "?href=/rd*"):
        assert registry.found(f"/.well-known/core{query}", **DRONE) == whole
    assert registry.found("/.well-known/core?rt=core.rd") == '</rd>;rt="core.rd";ct=40'
    assert registry.found("/.well-known/core?rt=core.rd-lookup*").count("rt=") == 2
    assert registry.found("/.well-known/core?rt=temperature") == ""


@pytest.mark.clause("TC-GW-05")
def test_a_device_registers_with_all_that_it_says() -> None:
    registry = Registry()
    query = "ep=drone&d=hall&lt=3600&base=coap://[2001:db8::8]&sleep=300&awake=5&et=box&x=1&x=2"
    path = registry.register(query, LINKS, **DRONE)
    found = registry.registration("drone")
    assert path == f"/rd/{found.location}"
    assert (found.name, found.sector, found.identity) == ("drone", "hall", "drone")
    assert (found.base, found.is_base_given) == ("coap://[2001:db8::8]:5683", True)
    assert (found.lifetime_s, found.renewed_s) == (3600, START_S)
    assert (found.sleep_s, found.awake_s) == (300, 5)
    assert found.attributes == (("et", "box"), ("x", "1"), ("x", "2"))
    assert found.links == LINKS.decode()
    assert registry.changed == [found]


@pytest.mark.clause("TC-GW-05")
def test_a_device_that_says_only_its_name_gets_what_is_usual() -> None:
    registry = Registry()
    registry.register("ep=toy")
    found = registry.registration("toy")
    assert (found.base, found.is_base_given, found.lifetime_s) == (LOCAL, False, 90_000)
    assert (found.sector, found.identity, found.sleep_s, found.awake_s) == ("", "", 0, 0)
    registry.register("ep=toy&lt=4294967295&sleep=60&d=")
    found = registry.registration("toy")
    assert (found.lifetime_s, found.awake_s) == (90_000, 10)


@pytest.mark.clause("TC-GW-05")
def test_a_registration_replaces_the_last_one_and_keeps_its_location() -> None:
    registry = Registry()
    path = registry.register("ep=drone&et=box&sleep=9", LINKS, **DRONE)
    registry.now_s += 5
    assert registry.register("ep=drone", **DRONE) == path
    found = registry.registration("drone")
    assert (found.links, found.attributes, found.sleep_s) == ("", (), 0)
    assert found.renewed_s == START_S + 5


@pytest.mark.clause("TC-GW-05")
@pytest.mark.parametrize(
    "query",
    [
        *("", "lt=60", "ep", "ep=", "ep=a b", "ep=é", f"ep={'a' * 64}", "ep=../x", "ep=toy&ep=toy"),
        *("ep=toy&d=a/b", "ep=toy&d=a&d=a", f"ep=toy&d={'a' * 64}"),
        *("ep=toy&lt=0", "ep=toy&lt=4294967296", "ep=toy&lt=-1", "ep=toy&lt=1.5", "ep=toy&lt="),
        *("ep=toy&lt=٣", "ep=toy&lt=9&lt=9", "ep=toy&lt=" + "9" * 200, "ep=toy&lt=1_0"),
        *("ep=toy&sleep=86401", "ep=toy&awake=0&sleep=1", "ep=toy&awake=3601&sleep=1"),
        *("ep=toy&awake=5", "ep=toy&awake=5&sleep=0"),
        *("ep=toy&rt=x", "ep=toy&href=x", "ep=toy&title=a", "ep=toy&a*=x", "ep=toy&=x"),
        *("ep=toy&a=\x1b", f"ep=toy&a={'x' * 129}", f"ep=toy&{'a' * 33}", "ep=toy&a=\u202e"),
        "ep=toy&" + "&".join(f"a{number}" for number in range(9)),
        "ep=toy&" + "&".join("a" for _ in range(16)),
        f"ep=toy&a={'x' * 254}",
    ],
)
def test_a_parameter_out_of_its_bounds_is_refused(query: str) -> None:
    assert refusal(Registry(), Method.POST, f"/rd?{query}") == "4.00"


@pytest.mark.clause("TC-GW-03", "TC-GW-04")
@pytest.mark.parametrize(
    ("name", "identity", "source", "code"),
    [
        ("drone", "", LOCAL, "4.03"),
        ("drone", "lamp", REMOTE, "4.03"),
        ("toy", "drone", REMOTE, "4.03"),
        ("toy", "toy", REMOTE, "4.03"),
        ("drone", "", REMOTE, "4.01"),
        ("toy", "", REMOTE, "4.01"),
        ("toy", "", "coap://[::ffff:192.0.2.1]:7", "4.01"),
    ],
)
def test_a_name_is_for_who_has_proved_it(name: str, identity: str, source: str, code: str) -> None:
    path = f"/rd?ep={name}"
    assert refusal(Registry(), Method.POST, path, identity=identity, source=source) == code


@pytest.mark.clause("TC-GW-04")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        (Method.GET, "/.well-known/core"),
        (Method.POST, "/rd?ep=toy"),
        (Method.POST, "/rd/0011223344556677"),
        (Method.DELETE, "/rd/0011223344556677"),
        (Method.GET, "/rd-lookup/ep"),
        (Method.GET, "/rd-lookup/res?x"),
        (Method.PUT, "/no/such"),
    ],
)
def test_without_protection_nobody_learns_anything_unless_let_in_from_this_machine(
    method: Method, path: str
) -> None:
    assert refusal(Registry(lets_others=False), method, path) == "4.01"
    assert refusal(Registry(), method, path, source=REMOTE) == "4.01"


@pytest.mark.clause("TC-GW-04")
def test_another_port_of_the_same_host_renews_and_another_host_does_not() -> None:
    registry = Registry()
    path = registry.register("ep=toy&lt=60")
    for code, again, source in (
        ("4.03", "/rd?ep=toy", "coap://127.0.0.1:40000"),
        ("4.04", path, "coap://127.0.0.1:40000"),
    ):
        assert refusal(registry, Method.POST, again, source=source) == code
    assert refusal(registry, Method.DELETE, path, source="coap://127.0.0.1:1") == "4.04"
    assert refusal(registry, Method.DELETE, path, identity="drone", source=LOCAL) == "4.04"
    assert registry.register("ep=toy&lt=60", source="coap://[::1]:2") == path
    assert registry.registration("toy").base == "coap://[::1]:2"
    registry.now_s += 60
    assert registry.register("ep=toy", source="coap://127.0.0.1:7") != path
    assert refusal(registry, Method.POST, path) == "4.04"


@pytest.mark.clause("TC-GW-06")
def test_links_are_named_as_such_and_bounded() -> None:
    registry = Registry()
    path = "/rd?ep=toy"
    for options in ((), ((12, b"\0"),), ((12, b""),), ((12, b"\x3c"),)):
        answer = registry.ask(Method.POST, path, LINKS, options=options)
        assert problem(answer) == ("4.15", "format")
    answer = registry.ask(Method.POST, path, b"<" + b"a" * 4096)
    assert (problem(answer), answer.options) == (("4.13", "too-large"), ((60, b"\x10\0"),))
    assert refusal(registry, Method.POST, path, b"</a") == "4.00"
    assert refusal(registry, Method.POST, path, b"<a>") == "4.00"
    assert b"byte 3: expected >" in registry.ask(Method.POST, path, b"</a").payload
    assert len(registry.directory) == 0
    registry.register("ep=toy", b"</" + b"a" * 4093 + b">")


@pytest.mark.clause("TC-GW-07")
def test_a_base_is_given_by_who_may() -> None:
    registry = Registry()
    given = "ep=drone&base=coap://[2001:db8::8]:7"
    registry.register(given, **DRONE)
    assert registry.registration("drone").base == "coap://[2001:db8::8]:7"
    registry.register("ep=toy&base=coap://[::1]:7")
    assert registry.registration("toy").base == "coap://[::1]:7"
    for base in ("coap://127.0.0.1:7", "coap://192.0.2.1", "coap://[::1]/a", ""):
        assert refusal(registry, Method.POST, f"/rd?ep=kite&base={base}") == "4.00"
    assert refusal(registry, Method.POST, "/rd?ep=drone&base=coap://[::1]", **DRONE) == "4.00"


@pytest.mark.clause("TC-GW-08")
def test_a_renewal_changes_what_it_names_and_the_source() -> None:
    registry = Registry()
    query = "ep=drone&d=hall&lt=60&sleep=300&awake=5&et=box&x=1&x=2"
    path = registry.register(query, LINKS, **DRONE)
    before = registry.registration("drone")
    registry.now_s += 30
    moved = "coap://[2001:db8::99]:6000"
    answer = registry.ask(Method.POST, path, identity="drone", source=moved)
    assert (answer.code, answer.payload) == (Code.CHANGED, b"")
    after = registry.registration("drone")
    assert (after.base, after.renewed_s) == (moved, START_S + 30)
    kept = ("name", "sector", "identity", "location", "lifetime_s", "sleep_s", "awake_s", "links")
    assert [getattr(after, each) for each in (*kept, "attributes")] == [
        getattr(before, each) for each in (*kept, "attributes")
    ]
    query = "ep=drone&d=hall&lt=70&sleep=20&x=3&y=4&base=coap://[2001:db8::8]"
    assert registry.ask(Method.POST, f"{path}?{query}", **DRONE).code is Code.CHANGED
    after = registry.registration("drone")
    assert (after.lifetime_s, after.sleep_s, after.awake_s) == (70, 20, 5)
    assert after.attributes == (("et", "box"), ("x", "3"), ("y", "4"))
    registry.ask(Method.POST, path, identity="drone", source=moved)
    assert registry.registration("drone").base == "coap://[2001:db8::8]:5683"
    registry.ask(Method.POST, f"{path}?sleep=0", **DRONE)
    assert registry.registration("drone").awake_s == 0


@pytest.mark.clause("TC-GW-08")
@pytest.mark.parametrize(
    "query", ["ep=lamp", "d=roof", "lt=0", "base=x", "awake=3", "a1&a2&a3&a4&a5&a6&a7&a8", "rt=x"]
)
def test_a_renewal_with_what_cannot_be_is_refused(query: str) -> None:
    registry = Registry()
    path = registry.register("ep=drone&et=box", **DRONE)
    assert refusal(registry, Method.POST, f"{path}?{query}", **DRONE) == "4.00"


@pytest.mark.clause("TC-GW-08")
def test_a_renewal_has_no_payload_and_nothing_can_be_read() -> None:
    registry = Registry()
    path = registry.register("ep=drone", LINKS, **DRONE)
    assert refusal(registry, Method.POST, path, LINKS, **DRONE) == "4.00"
    assert refusal(registry, Method.DELETE, path, LINKS, **DRONE) == "4.00"
    assert refusal(registry, Method.GET, path, **DRONE) == "4.05"
    assert refusal(registry, Method.PUT, path, **DRONE) == "4.05"
    assert registry.ask(Method.DELETE, path, **DRONE).code is Code.DELETED
    assert registry.directory.find("drone") is None
    assert refusal(registry, Method.DELETE, path, **DRONE) == "4.04"
    assert registry.changed[-1].name == "drone"


@pytest.mark.clause("TC-GW-08")
def test_the_location_of_another_is_like_none() -> None:
    registry = Registry()
    path = registry.register("ep=drone", **DRONE)
    lamp: Who = {"identity": "lamp", "source": REMOTE}
    stranger: Who = {"source": LOCAL}
    for who in (lamp, stranger):
        for method in (Method.POST, Method.DELETE):
            answers = [
                registry.ask(method, each, **who) for each in (path, "/rd/" + "f" * 16, "/rd/drone")
            ]
            assert {problem(each) for each in answers} == {("4.04", "not-found")}
            assert len({each.payload for each in answers}) == 1
    assert len(registry.directory) == 1


@pytest.mark.clause("TC-GW-13")
def test_simple_registration_is_not_offered() -> None:
    registry = Registry()
    answer = registry.ask(Method.POST, "/.well-known/rd?ep=toy")
    assert problem(answer) == ("4.04", "not-found")
    assert b"simple registration is not offered" in answer.payload
    assert registry.changed == []


@pytest.mark.clause("TC-GW-02")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        (Method.GET, "/.well-known/core"),
        (Method.POST, "/rd?ep=toy"),
        (Method.POST, "/rd/0011223344556677"),
        (Method.DELETE, "/rd/0011223344556677"),
        (Method.GET, "/rd-lookup/ep"),
        (Method.GET, "/rd-lookup/res"),
    ],
)
def test_unknown_critical_and_repeated_options_are_bad(method: Method, path: str) -> None:
    registry = Registry()
    block = ((int(Option.BLOCK1), b"\x0e"),)
    for options in (((9, b""),), ((65001, b"\1"),), block, ((1, b""),), FORMAT_40 * 2):
        assert problem(registry.ask(method, path, options=options)) == ("4.02", "bad-option")
    twice = ((int(Option.ACCEPT), b"\x28"),) * 2
    assert problem(registry.ask(method, path, options=twice)) == ("4.02", "bad-option")
    fine = ((3, b"host"), (7, b"\7"), (2050, b"x"), (2050, b"x"), (6, b""), (17, b"\x28"))
    assert registry.ask(method, path, options=fine).code.dotted != "4.02"


@pytest.mark.clause("TC-GW-02")
@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        (Method.GET, "/rd", "4.05"),
        (Method.PUT, "/rd?ep=toy", "4.05"),
        (Method.POST, "/rd-lookup/ep", "4.05"),
        (Method.DELETE, "/rd-lookup/res", "4.05"),
        (Method.POST, "/.well-known/core", "4.05"),
        (Method.GET, "/", "4.04"),
        (Method.POST, "/rd/", "4.04"),
        (Method.GET, "/rd-lookup", "4.04"),
        (Method.GET, "/rd-lookup/gp", "4.04"),
        (Method.POST, "/rd/a/b", "4.04"),
        (Method.POST, "/a/b/c/d/e/f/g/h/i", "4.00"),
        (Method.POST, f"/{'a' * 256}", "4.00"),
        (Method.GET, "/rd-lookup/ep?" + "&".join("a=1" for _ in range(17)), "4.00"),
        (Method.GET, f"/rd-lookup/ep?a={'a' * 254}", "4.00"),
    ],
)
def test_what_is_not_there_is_not_found(method: Method, path: str, code: str) -> None:
    assert refusal(Registry(), method, path) == code


@pytest.mark.clause("TC-GW-02")
def test_lookups_take_no_payload_and_answer_in_one_format() -> None:
    registry = Registry()
    for path in ("/rd-lookup/ep", "/rd-lookup/res", "/.well-known/core"):
        assert refusal(registry, Method.GET, path, b"x") == "4.00"
        accept = ((int(Option.ACCEPT), b"\x3c"),)
        assert problem(registry.ask(Method.GET, path, options=accept)) == ("4.06", "format")


@pytest.mark.clause("TC-GW-02")
def test_who_asks_too_often_is_refused_and_others_are_answered() -> None:
    registry = Registry(rates=Rates(lambda: 0.0, per_s=2, burst=3))
    for source in (LOCAL, "coap://[::1]:2", "coap://[::1]:3"):
        assert registry.ask(Method.GET, "/rd-lookup/ep", source=source).code is Code.CONTENT
    answer = registry.ask(Method.GET, "/no", source="coap://[::1]:4")
    assert (problem(answer), answer.options) == (
        ("4.29", "too-many-requests"),
        ((Option.MAX_AGE, b"\1"),),
    )
    for _ in range(3):
        assert registry.ask(Method.GET, "/rd-lookup/ep", **DRONE).code is Code.CONTENT
    assert registry.ask(Method.GET, "/no", **DRONE).code.dotted == "4.29"
    # A stranger costs nobody anything.
    assert registry.ask(Method.GET, "/no", source=REMOTE).code.dotted == "4.01"


TEXT = st.text(max_size=20)
REQUESTS = st.builds(
    CoapRequest,
    st.just(b"p"),
    st.sampled_from(Method),
    st.lists(
        st.sampled_from(("rd", "rd-lookup", "ep", "res", ".well-known", "core", "")) | TEXT,
        max_size=4,
    ).map(tuple),
    st.lists(
        st.sampled_from(
            ("ep=toy", "ep=drone", "lt=60", "d=x", "sleep=3", "count=2", "page=1", "rt=*", "href=")
        )
        | TEXT,
        max_size=5,
    ).map(tuple),
    st.lists(
        st.tuples(st.sampled_from((12, 17, 23, 27, 60, 6)), st.binary(max_size=4)), max_size=3
    ).map(tuple),
    st.sampled_from((b"", LINKS)) | st.binary(max_size=40),
)


@given(st.lists(REQUESTS, max_size=12))
def test_every_request_is_answered_whatever_it_is(requests: list[CoapRequest]) -> None:
    registry = Registry()
    registry.register("ep=drone&et=box", LINKS, **DRONE)
    before = registry.registration("drone")
    for request in requests:
        answer = registry.resources.handle(request, "", LOCAL)
        assert answer.code is not Code.INTERNAL_ERROR
        if answer.code.dotted[0] == "4":
            problem(answer)
    assert registry.directory.find("drone") == before


@pytest.mark.clause("TC-GW-10")
def test_a_flood_of_requests_leaves_no_memory_behind() -> None:
    registry = Registry()
    for number in range(64):
        registry.register(f"ep=toy{number}", LINKS)
    held_bytes = []
    tracemalloc.start()
    for number in range(200):
        registry.ask(Method.POST, f"/rd?ep=more{number}&a{number}=x", LINKS)
        registry.ask(Method.GET, f"/rd-lookup/ep?b{number}=tc")
        registry.ask(Method.POST, f"/rd/{number:016x}")
        held_bytes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held_bytes[-1] - held_bytes[50] < 1 << 14
