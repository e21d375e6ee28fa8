"""Nobody ever overwrites, renews or ends the registration of another, and room is bounded."""

from dataclasses import dataclass, replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.directories import LOCAL, REMOTE, START_S, Registry

from tinycontainer.errors import TinyContainerError
from tinycontainer.network.agent.requests.message import Method
from tinycontainer.network.gateway.directory.registrations import (
    MemoryRegistrationStore,
    Registration,
)
from tinycontainer.network.gateway.directory.resources import DirectoryResources
from tinycontainer.network.gateway.directory.table import (
    GRACE_S,
    KEPT_EXPIRED_S,
    UNLISTED_PER_HOST,
    Directory,
)

LISTED: Final = ("drone", "lamp")
WHO: Final = (
    ("drone", "coap://[2001:db8::7]:5683"),
    ("drone", "coap://[2001:db8::9]:5683"),
    ("lamp", "coap://[2001:db8::7]:5683"),
    ("other", "coap://[2001:db8::7]:5683"),
    ("", "coap://[::1]:1000"),
    ("", "coap://[::1]:2000"),
    ("", "coap://127.0.0.1:1000"),
    ("", "coap://[2001:db8::7]:5683"),
)
"""Identities and sources; the last is not on this machine, and `other` is not listed."""

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(("register", "renew", "delete", "wait")),
        st.sampled_from(WHO),
        st.sampled_from(("drone", "lamp", "toy", "kite")),
        st.sampled_from((1, 60, 90_000, 200_000)),
    ),
    max_size=40,
)


@dataclass(frozen=True)
class Owned:
    """What the model knows of a name.

    Attributes:
        owner: identity, or host if it proved none.
        location: of its registration.
        expires_s: when it does.
        source: from where it was last heard.
    """

    owner: tuple[str, str]
    location: str
    expires_s: float
    source: str


def owner_of(who: tuple[str, str]) -> tuple[str, str]:
    identity, source = who
    return (identity, "") if identity else ("", source.rpartition(":")[0])


class Model:
    """The rules, as simply as they can be said."""

    def __init__(self) -> None:
        self.names: dict[str, Owned] = {}

    def may_have(self, who: tuple[str, str], name: str, now_s: float) -> bool:
        identity, source = who
        if name in LISTED or identity:
            return name == identity and name in LISTED
        before = self.names.get(name)
        is_own = before is None or before.owner == owner_of(who) or before.expires_s <= now_s
        return is_own and "2001" not in source

    def is_known(self, name: str, now_s: float) -> bool:
        found = self.names.get(name)
        lasts = name in LISTED or (found and now_s < found.expires_s + KEPT_EXPIRED_S)
        return bool(found and lasts)


@pytest.mark.clause("TC-GW-03", "TC-GW-04", "TC-GW-09")
@settings(max_examples=300)
@given(ACTIONS)
def test_nobody_touches_the_registration_of_another(
    actions: list[tuple[str, tuple[str, str], str, int]],
) -> None:
    registry, model = Registry(), Model()
    for action, who, name, seconds in actions:
        identity, source = who
        before, now_s = dict(model.names), registry.now_s
        known = before.get(name)
        is_own = model.is_known(name, now_s) and known and known.owner == owner_of(who)
        path = f"/rd/{known.location if known else 'f' * 16}"
        if action == "wait":
            registry.now_s += seconds
        elif action == "register":
            query = f"ep={name}&lt={seconds}"
            answer = registry.ask(Method.POST, f"/rd?{query}", identity=identity, source=source)
            may = model.may_have(who, name, now_s)
            assert (answer.code.dotted == "2.01") is may, (who, name, answer)
            if may:
                location = answer.options[1][1].decode()
                assert (known is not None and location == known.location) is bool(is_own)
                expires_s = now_s + min(seconds, 90_000)
                model.names[name] = Owned(owner_of(who), location, expires_s, source)
        elif action == "renew":
            answer = registry.ask(
                Method.POST, f"{path}?lt={seconds}", identity=identity, source=source
            )
            assert (answer.code.dotted == "2.04") is bool(is_own)
            if is_own and known:
                expires_s = now_s + min(seconds, 90_000)
                model.names[name] = replace(known, expires_s=expires_s, source=source)
        else:
            answer = registry.ask(Method.DELETE, path, identity=identity, source=source)
            assert (answer.code.dotted == "2.02") is bool(is_own)
            if is_own:
                del model.names[name]
        compare(registry, model)


def compare(registry: Registry, model: Model) -> None:
    """All that the directory knows is what the model does, and a new start changes nothing."""
    now_s = registry.now_s
    expected = {
        name: (each.location, each.expires_s, each.source)
        for name, each in model.names.items()
        if model.is_known(name, now_s)
    }
    again = replace(registry, store=copy_of(registry.store.registrations()))
    for directory in (registry.directory, again.directory):
        found = {each.name: (each.location, each.expires_s, each.base) for each in directory}
        assert found == expected
        assert len(directory) == len(expected)
        assert len(directory._names) == len(directory._by_name)
        assert all(
            (directory.find(name) is not None) is (name in expected) for name in ("drone", "toy")
        )


def copy_of(registrations: list[Registration]) -> MemoryRegistrationStore:
    store = MemoryRegistrationStore()
    for each in registrations:
        store.keep_registration(each)
    return store


@pytest.mark.clause("TC-GW-09")
def test_an_expired_device_of_the_configuration_stays_known_and_can_renew() -> None:
    registry = Registry()
    path = registry.register("ep=drone&lt=60", identity="drone", source=REMOTE)
    registry.now_s += 10 * KEPT_EXPIRED_S
    assert not registry.registration("drone").is_live(registry.now_s)
    assert registry.found("/rd-lookup/ep") == ""
    assert registry.ask(Method.POST, path, identity="drone", source=REMOTE).code.dotted == "2.04"
    assert registry.registration("drone").is_live(registry.now_s)


@pytest.mark.clause("TC-GW-09")
def test_another_can_be_renewed_for_a_day_after_it_has_expired() -> None:
    registry = Registry()
    path = registry.register("ep=toy&lt=60")
    registry.now_s += 60 + KEPT_EXPIRED_S - 1
    assert registry.ask(Method.POST, path).code.dotted == "2.04"
    registry.now_s += 60 + KEPT_EXPIRED_S
    assert registry.ask(Method.POST, path).code.dotted == "4.04"
    assert registry.directory.find("toy") is None
    assert registry.register("ep=toy") != path


@pytest.mark.clause("TC-GW-10")
def test_a_host_has_room_for_so_many_names_that_are_not_listed() -> None:
    registry = Registry()
    for number in range(UNLISTED_PER_HOST):
        registry.register(f"ep=toy{number}&lt={60 + number}")
    full = registry.ask(Method.POST, "/rd?ep=more")
    assert (full.code.dotted, full.options) == ("5.03", ((14, b"\x3c"),))
    registry.register("ep=toy7")
    registry.register("ep=more", source="coap://127.0.0.1:9")
    registry.register("ep=drone", identity="drone", source=REMOTE)
    registry.now_s += 60 + GRACE_S - 1
    assert registry.ask(Method.POST, "/rd?ep=more2").code.dotted == "5.03"
    registry.now_s += 1
    registry.register("ep=more2")
    assert registry.directory.find("toy0") is None
    assert len(registry.directory) == UNLISTED_PER_HOST + 2


@pytest.mark.clause("TC-GW-10")
def test_listed_devices_always_have_room() -> None:
    registry = Registry(most=5)
    for number in range(3):
        registry.register(f"ep=toy{number}&lt=60", source=f"coap://127.0.0.{number + 1}:7")
    assert registry.ask(Method.POST, "/rd?ep=more").code.dotted == "5.03"
    for name in LISTED:
        registry.register(f"ep={name}", identity=name, source=REMOTE)
    assert len(registry.directory) == 5
    registry.now_s += 60 + GRACE_S
    registry.register("ep=more")
    assert sorted(each.name for each in registry.directory) == ["drone", "lamp", "more", *left(3)]
    none = Registry(most=2)
    assert none.ask(Method.POST, "/rd?ep=more").code.dotted == "5.03"
    with pytest.raises(ValueError, match="2 devices are listed; 1 can be registered"):
        Registry(most=1)


def left(toys: int) -> list[str]:
    return [f"toy{number}" for number in range(toys) if number > 0]


@pytest.mark.clause("TC-GW-10")
def test_a_name_that_changes_hosts_counts_for_the_new_one() -> None:
    registry = Registry()
    for number in range(UNLISTED_PER_HOST):
        registry.register(f"ep=toy{number}")
    registry.register("ep=last&lt=1", source="coap://127.0.0.1:9")
    registry.now_s += 1
    assert registry.ask(Method.POST, "/rd?ep=last").code.dotted == "5.03"
    assert registry.registration("last").host == "127.0.0.1"


@pytest.mark.clause("TC-GW-10")
def test_a_name_that_is_taken_over_needs_no_room_of_its_own() -> None:
    registry = Registry(most=3)
    registry.register("ep=toy&lt=60")
    registry.now_s += 60
    registry.register("ep=toy", source="coap://127.0.0.1:7")
    assert len(registry.directory) == 1


@pytest.mark.clause("TC-GW-10")
def test_a_flood_of_names_and_hosts_stays_within_bounds() -> None:
    registry = Registry(most=300)
    for number in range(3000):
        registry.now_s += 1
        source = f"coap://127.0.{number % 256}.{number % 7}:{number + 1}"
        registry.ask(Method.POST, f"/rd?ep=toy{number}&lt=10", b"</a>", source=source)
    assert len(registry.store.registrations()) <= 298
    assert len([*registry.directory]) <= 298
    assert len(registry.directory._names) == len(registry.directory._by_name)


@pytest.mark.clause("TC-GW-09")
def test_a_start_lets_in_what_the_configuration_of_today_would() -> None:
    registry = Registry()
    registry.register("ep=drone", identity="drone", source=REMOTE)
    registry.register("ep=lamp", identity="lamp", source=REMOTE)
    registry.register("ep=toy")
    store = registry.store
    # `toy` was registered by anybody before it was listed, and `lamp` is listed no longer.
    later = Registry(listed=frozenset({"drone", "toy"}), store=store)
    assert [each.name for each in later.directory] == ["drone"]
    assert [each.name for each in store.registrations()] == ["drone"]
    later = Registry(listed=frozenset({"drone"}), store=store)
    later.register("ep=kite")
    later = Registry(listed=frozenset({"drone"}), lets_others=False, store=store)
    assert [each.name for each in later.directory] == ["drone"]


def test_a_start_takes_the_newest_of_what_cannot_stand_together() -> None:
    registry = Registry()
    registry.register("ep=toy&d=hall")
    one = registry.registration("toy")
    newest = replace(one, sector="", renewed_s=one.renewed_s + 1)
    store = copy_of([one, newest, replace(one, name="kite")])
    later = Registry(store=store)
    later.now_s += 1
    assert [*later.directory] == [replace(newest, renewed_s=START_S)]
    assert store.registrations() == [newest]
    few = Registry(
        store=copy_of([replace(one, name=f"t{n}", location=f"{n:016x}") for n in range(9)]), most=6
    )
    assert len(few.directory) == len(few.store.registrations()) == 4


@pytest.mark.clause("TC-GW-09")
def test_a_clock_that_was_set_back_does_not_prolong_a_lifetime() -> None:
    registry = Registry()
    registry.register("ep=drone&lt=60", identity="drone", source=REMOTE)
    later = Registry(store=registry.store, now_s=START_S - 5000)
    assert later.registration("drone").expires_s == START_S - 5000 + 60


def test_changes_are_announced_once_they_are_made() -> None:
    seen: list[tuple[str, bool, str]] = []
    registry = Registry()
    registry.directory = Directory(
        registry.listed, True, registry.store, lambda: 5.0, lambda count: b"\1" * count,
        lambda each, change: seen.append(
            (each.location, registry.directory.find(each.name) == each, change.name)
        ),
    )  # fmt: skip
    registry.resources = replace_directory(registry)
    path = registry.register("ep=toy")
    registry.ask(Method.POST, path)
    registry.ask(Method.POST, "/rd?ep=drone")
    registry.ask(Method.DELETE, path)
    registry.register("ep=toy")
    registry.register("ep=toy")
    changes = ["MADE", "RENEWED", "DELETED", "MADE", "MADE"]
    assert seen == [("01" * 8, change != "DELETED", change) for change in changes]
    assert registry.ask(Method.POST, "/rd?ep=kite").code.dotted == "5.03"


def replace_directory(registry: Registry) -> DirectoryResources:
    return DirectoryResources(registry.directory, registry.resources._rates)


class BrokenStore(MemoryRegistrationStore):
    """A store that has stopped working."""

    is_broken = False

    def keep_registration(self, registration: Registration) -> None:
        if self.is_broken:
            raise TinyContainerError("the disk is full")
        super().keep_registration(registration)

    def forget_registration(self, name: str, sector: str) -> None:
        if self.is_broken:
            raise TinyContainerError("the disk is full")
        super().forget_registration(name, sector)


def test_what_cannot_be_kept_has_not_happened() -> None:
    store = BrokenStore()
    registry = Registry(store=store)
    path = registry.register("ep=toy&lt=60")
    before = registry.registration("toy")
    store.is_broken = True
    registry.now_s += 10
    for method, asked in (
        (Method.POST, "/rd?ep=toy"),
        (Method.POST, "/rd?ep=kite"),
        (Method.POST, path),
        (Method.DELETE, path),
    ):
        assert registry.ask(method, asked).code.dotted == "5.00"
    assert [*registry.directory] == [before]
    assert len(registry.changed) == 1


@pytest.mark.clause("TC-GW-05")
def test_a_name_moves_to_another_sector_with_its_location() -> None:
    registry = Registry()
    path = registry.register("ep=toy&d=hall")
    assert registry.register("ep=toy&d=roof") == path
    assert [each.sector for each in registry.store.registrations()] == ["roof"]
    assert registry.registration("toy").base == LOCAL
