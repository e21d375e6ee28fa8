"""What lookups find, and for whom."""

import time

import pytest
from support.agents import problem
from support.directories import LINKS, LOCAL, REMOTE, Registry, Who

from tinycontainer.network.agent.requests.message import Method
from tinycontainer.network.gateway.directory.link_format import parse_links
from tinycontainer.network.gateway.directory.lookups import MAX_FOUND

DRONE_BASE = "coap://[2001:db8::7]:5683"
TOY_BASE = "coap://[::1]:40000"
TOY_LINKS = b'</t>;rt="temperature";sz=7,<http://h/x>;rel="describedby";anchor="/t"'


@pytest.fixture
def registry() -> Registry:
    """A drone that sleeps, and a toy."""
    registry = Registry()
    registry.register("ep=drone&d=hall&et=box&sleep=60", LINKS, identity="drone", source=REMOTE)
    registry.register("ep=toy&et=bo%22x", TOY_LINKS)
    return registry


@pytest.mark.clause("TC-GW-11")
def test_endpoints_are_links_to_their_registrations(registry: Registry) -> None:
    drone, toy = registry.registration("drone"), registry.registration("toy")
    sleeps = ';sleep="60";awake="10";et="box"'
    assert registry.found("/rd-lookup/ep").split(",") == [
        f'</rd/{drone.location}>;ep="drone";d="hall";base="{DRONE_BASE}";rt="core.rd-ep"{sleeps}',
        f'</rd/{toy.location}>;ep="toy";base="{TOY_BASE}";rt="core.rd-ep";et="bo%22x"',
    ]


@pytest.mark.clause("TC-GW-11")
def test_links_need_no_base(registry: Registry) -> None:
    assert registry.found("/rd-lookup/res").split(",") == [
        f'<{DRONE_BASE}/tc>;rt="tc.device";anchor="{DRONE_BASE}"',
        f'<{DRONE_BASE}/tc/c>;rt="tc.containers tc.list";obs;ct=60;anchor="{DRONE_BASE}"',
        f'<{TOY_BASE}/t>;rt="temperature";sz=7;anchor="{TOY_BASE}"',
        f'<http://h/x>;rel="describedby";anchor="{TOY_BASE}/t"',
    ]


@pytest.mark.clause("TC-GW-11")
@pytest.mark.parametrize(
    ("query", "endpoints", "links"),
    [
        ("ep=drone", ["drone"], 2),
        ("ep=dr*", ["drone"], 2),
        ("ep=dr", [], 0),
        ("ep=*", ["drone", "toy"], 4),
        ("d=hall", ["drone"], 2),
        ("et=box&ep=drone", ["drone"], 2),
        ("et=box&ep=toy", [], 0),
        ("rt=core.rd-ep", ["drone", "toy"], 4),
        ("rt=temperature", ["toy"], 1),
        ("rt=temp*", ["toy"], 1),
        ("rt=temperature*&ep=drone", [], 0),
        ("rt=tc.list", ["drone"], 1),
        ("rt=tc.*", ["drone"], 2),
        ("rt=list", [], 0),
        ("rt=tc.containers tc.list", [], 0),
        ("ct=60&obs=", ["drone"], 1),
        ("sz=7", ["toy"], 1),
        ("sz=70", [], 0),
        ("rel=describedby", ["toy"], 1),
        (f"href={DRONE_BASE}/tc", ["drone"], 1),
        (f"href={DRONE_BASE}/tc*", ["drone"], 2),
        (f"href={DRONE_BASE[:20]}*", ["drone"], 2),
        ("href=/tc", [], 0),
        ("href=http://h/*", ["toy"], 1),
        ("href=/rd/*", ["drone", "toy"], 4),
        (f"anchor={TOY_BASE}/t", ["toy"], 1),
        (f"anchor={TOY_BASE}", ["toy"], 1),
        ("sleep=60", ["drone"], 2),
        ("sleep=60&rt=tc.device", ["drone"], 1),
        ("no=*", [], 0),
        ("*=*", [], 0),
    ],
)
def test_all_criteria_must_be_met(
    registry: Registry, query: str, endpoints: list[str], links: int
) -> None:
    found = parse_links(registry.found(f"/rd-lookup/ep?{query}").encode())
    assert [link.parameter("ep") for link in found] == endpoints
    assert len(parse_links(registry.found(f"/rd-lookup/res?{query}").encode())) == links


@pytest.mark.clause("TC-GW-11")
def test_a_criterion_finds_what_its_sender_has_escaped() -> None:
    registry = Registry()
    registry.register("ep=toy", b'</a>;title="\\t\\e\\a",</b>;title="no"')
    assert registry.found("/rd-lookup/res?title=tea").startswith(f"<{LOCAL}/a>")


@pytest.mark.clause("TC-GW-11")
def test_a_device_sees_itself_alone(registry: Registry) -> None:
    registry.register("ep=lamp", TOY_LINKS, identity="lamp", source=REMOTE)
    for name in ("drone", "lamp", "toy", "stranger"):
        who: Who = {"identity": name, "source": REMOTE}
        found = parse_links(registry.found("/rd-lookup/ep", **who).encode())
        assert [link.parameter("ep") for link in found] == [name] * (name in ("drone", "lamp"))
        assert registry.found("/rd-lookup/ep?ep=toy", **who) == ""
        res = registry.found("/rd-lookup/res", **who)
        assert (TOY_BASE in res, bool(res)) == (False, name in ("drone", "lamp"))


@pytest.mark.clause("TC-GW-11")
def test_what_has_expired_is_not_found(registry: Registry) -> None:
    registry.now_s += 90_000
    assert registry.found("/rd-lookup/ep") == registry.found("/rd-lookup/res") == ""


@pytest.mark.clause("TC-GW-11")
def test_zones_of_addresses_are_not_shown() -> None:
    registry = Registry()
    source = "coap://[fe80::7%eth0]:7"
    registry.register("ep=drone", b"</a>", identity="drone", source=source)
    assert registry.registration("drone").base == source
    for path in ("/rd-lookup/ep", "/rd-lookup/res"):
        found = registry.found(path, identity="drone", source=source)
        assert "coap://[fe80::7]:7" in found
        assert "eth0" not in found
    assert registry.found("/rd-lookup/res?href=coap://[fe80::7]:7/a") != ""


@pytest.mark.clause("TC-GW-11")
def test_pages_follow_one_another() -> None:
    registry = Registry()
    registry.register("ep=toy", b",".join(b"</%d>" % number for number in range(64)))
    found = [registry.found(f"/rd-lookup/res?count=10&page={page}") for page in range(8)]
    links = [link for page in found for link in parse_links(page.encode(), 1 << 16)]
    assert [link.target for link in links] == [f"{LOCAL}/{number}" for number in range(64)]
    assert (found[7], found[6].count("<")) == ("", 4)
    assert registry.found("/rd-lookup/res?count=3").count("<") == 3
    assert registry.found("/rd-lookup/ep?count=3&page=1") == ""


@pytest.mark.clause("TC-GW-11")
@pytest.mark.parametrize(
    "query",
    [
        *("page=1", "count=0", "count=257", "count=x", "ep", "=x"),
        *("count=1&page=-1", "count=1&page=100000"),
    ],
)
def test_a_search_that_cannot_be_read_is_refused(query: str) -> None:
    registry = Registry()
    for path in ("/rd-lookup/ep", "/rd-lookup/res"):
        assert problem(registry.ask(Method.GET, f"{path}?{query}")) == ("4.00", "bad-request")


@pytest.mark.clause("TC-GW-11")
def test_a_link_with_as_many_parameters_as_there_can_be_is_found() -> None:
    registry = Registry()
    registry.register("ep=toy", b"</a>" + b";x" * 15)
    registry.register("ep=kite", b"</a>" + b";x" * 15 + b';anchor="/b"')
    assert registry.found("/rd-lookup/res").count(";x") == 30
    names = "&".join(f"a{number}=%22" for number in range(8))
    registry.register(f"ep=kite&d=x&sleep=1&{names}")
    assert registry.found("/rd-lookup/ep?ep=kite").count("%22") == 8


@pytest.mark.clause("TC-GW-11")
def test_many_registrations_are_searched_in_bounded_time() -> None:
    registry = Registry(listed=frozenset(f"d{number}" for number in range(3000)))
    links = b",".join(b'</t%d>;rt="sensor.x";title="' % n + b"y" * 90 + b'"' for n in range(30))
    for number in range(3000):
        registry.register(f"ep=d{number}", links, identity=f"d{number}", source=REMOTE)
    begin = time.process_time()
    many = registry.ask(Method.GET, "/rd-lookup/ep")
    assert problem(many) == ("4.00", "bad-request")
    assert b"more than 256 links match" in many.payload
    assert registry.found(f"/rd-lookup/ep?count={MAX_FOUND}").count("<") == MAX_FOUND
    assert registry.found("/rd-lookup/res?rt=nothing*") == ""
    assert registry.found("/rd-lookup/res?ep=d2999&rt=sensor*").count("<") == 30
    hostile = registry.ask(Method.GET, "/rd-lookup/res?title=sensor*")
    assert b"too many links would have to be read" in hostile.payload
    assert time.process_time() - begin < 10
