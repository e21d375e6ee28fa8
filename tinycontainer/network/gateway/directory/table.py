"""Who is registered: one registration for each name, and nobody touches that of another.

A name that the configuration lists belongs to the device that proves it. Others have no proof: they
are let in from this machine only, if at all, and each is bound to the host that it came from
(TC-GW-03, TC-GW-04).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from tinycontainer.network.agent.requests.message import Code, Option, to_uint
from tinycontainer.network.agent.requests.refusing import CoapRefused, bad_request

from .parameters import Parameters, merge_attributes
from .registrations import MAX_LIFETIME_S, Registration, RegistrationChange, RegistrationStore
from .requester import Requester

DEFAULT_AWAKE_S: Final = 10
MAX_REGISTRATIONS: Final = 10_000
UNLISTED_PER_HOST: Final = 64
KEPT_EXPIRED_S: Final = 86_400
"""How long an unlisted registration can still be renewed after it has expired."""
GRACE_S: Final = 60
"""The same when its room is needed."""

_LOCATION_BYTES: Final = 8
_DRAWS: Final = 4
_FULL_S: Final = 60


class Directory:
    """The registrations.

    Args:
        listed: names of the devices in the configuration. For each there is always room.
        lets_others: whether others may register, without protection, from this machine.
        store: keeps registrations for the next start.
        now_s: Unix time in seconds.
        random_bytes: draws so many of them.
        when_changed: gets a registration, and what has become of it; after a deletion `find` does
            not find its name.
        most: registrations that are kept.

    Raises:
        ValueError: more names are listed than registrations can be kept.
        TinyContainerError: the store cannot be read or written.
    """

    def __init__(
        self,
        listed: frozenset[str],
        lets_others: bool,
        store: RegistrationStore,
        now_s: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        when_changed: Callable[[Registration, RegistrationChange], None],
        most: int = MAX_REGISTRATIONS,
    ) -> None:
        if len(listed) > most:
            raise ValueError(f"{len(listed)} devices are listed; {most} can be registered")
        self._listed = listed
        self._lets_others = lets_others
        self._store = store
        self._now_s = now_s
        self._random_bytes = random_bytes
        self._when_changed = when_changed
        self._most_unlisted = most - len(listed)
        self._by_name: dict[str, Registration] = {}
        self._names: dict[str, str] = {}  # by location
        self._at_hosts: dict[str, set[str]] = {}  # names
        self._load()

    # Looking.

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Registration]:
        now_s = self._now_s()
        known = [each for each in self._by_name.values() if self._is_known(each, now_s)]
        return iter(known)

    def find(self, name: str) -> Registration | None:
        """The registration of a name, also an expired one; None if there is none.

        A device of the configuration stays known until it deletes its registration; others until
        a day after they have expired.
        """
        found = self._by_name.get(name)
        return found if found is not None and self._is_known(found, self._now_s()) else None

    def live(self, name: str | None = None) -> list[Registration]:
        """Those that have not expired; with a name, that one at most."""
        now_s = self._now_s()
        some = [*self._by_name.values()] if name is None else [self._by_name.get(name)]
        return [each for each in some if each is not None and each.is_live(now_s)]

    def has_host(self, host: str) -> bool:
        """Whether a live registration has a base of this host, which is written without brackets.

        Strangers can have this looked up, so it does not look at all registrations.
        """
        now_s = self._now_s()
        names = self._at_hosts.get(host, ())
        return any(self._by_name[name].is_live(now_s) for name in names)

    # Changing.

    def require_admitted(self, requester: Requester) -> None:
        """Refuse whoever may ask for nothing at all.

        Raises:
            CoapRefused: it has proved no identity, and others are not let in, or not from there.
        """
        if requester.identity or (self._lets_others and requester.is_loopback):
            return
        raise CoapRefused(Code.UNAUTHORIZED, "unauthorized", "only protected requests are answered")

    def register(self, requester: Requester, parameters: Parameters, links: str) -> Registration:
        """Register an endpoint, or replace its registration: the location stays.

        Args:
            requester: who asks.
            parameters: what it says of itself.
            links: its links, checked.

        Raises:
            CoapRefused: it may not have this name, there is no room, or a parameter is wrong.
            TinyContainerError: it cannot be kept; nothing has changed.
        """
        name = parameters.name
        if name is None:
            raise bad_request("ep: is missing")
        self._require_right(requester, name)
        now_s = self._now_s()
        before = self._by_name.get(name)
        is_own = before is not None and before.is_of(requester) and self._is_known(before, now_s)
        if before is not None and not is_own and before.is_live(now_s):
            raise _forbidden("this name is registered by another host")
        kept = before.location if before is not None and is_own else None
        location = kept or self._draw_location()
        registration = _registration_of(requester, parameters, links, location, now_s)
        if not is_own:
            self._make_room(registration, now_s)
        self._keep(registration, before)
        self._when_changed(registration, RegistrationChange.MADE)
        return registration

    def renew(self, requester: Requester, location: str, parameters: Parameters) -> Registration:
        """Renew a registration; only what is named changes, and the source if it is the base.

        Raises:
            CoapRefused: the requester has no such registration, or a parameter is wrong.
            TinyContainerError: it cannot be kept; nothing has changed.
        """
        before = self._require_own(requester, location)
        if parameters.name not in (None, before.name):
            raise bad_request("ep: another name needs a registration of its own")
        if parameters.sector not in (None, before.sector):
            raise bad_request("d: another sector needs a new registration")
        base = _base_of(requester, parameters)
        old_base = before.base if before.is_base_given else requester.source
        sleep_s = before.sleep_s if parameters.sleep_s is None else parameters.sleep_s
        registration = replace(
            before,
            base=base or old_base,
            is_base_given=before.is_base_given or base is not None,
            lifetime_s=_lifetime_of(parameters) or before.lifetime_s,
            renewed_s=self._now_s(),
            sleep_s=sleep_s,
            awake_s=_awake_of(parameters, sleep_s, before.awake_s),
            attributes=merge_attributes(before.attributes, parameters.attributes),
        )
        self._keep(registration, before)
        self._when_changed(registration, RegistrationChange.RENEWED)
        return registration

    def delete(self, requester: Requester, location: str) -> None:
        """Delete a registration.

        Raises:
            CoapRefused: the requester has no such registration.
            TinyContainerError: the store fails; nothing has changed.
        """
        registration = self._require_own(requester, location)
        self._forget(registration)
        self._when_changed(registration, RegistrationChange.DELETED)

    # What is allowed.

    def _require_right(self, requester: Requester, name: str) -> None:
        self.require_admitted(requester)
        if not requester.identity and name in self._listed:
            raise _forbidden("this is the name of a device that has to prove it")
        if requester.identity and (name != requester.identity or name not in self._listed):
            raise _forbidden("a device registers its own name only")

    def _require_own(self, requester: Requester, location: str) -> Registration:
        """Their own, or nothing: who guesses does not learn what there is of others."""
        self.require_admitted(requester)
        found = self.find(self._names.get(location, ""))
        if found is None or not found.is_of(requester):
            raise CoapRefused(Code.NOT_FOUND, "not-found", "there is no such registration")
        return found

    def _is_known(self, registration: Registration, now_s: float) -> bool:
        is_listed = registration.name in self._listed
        return is_listed or now_s < registration.expires_s + KEPT_EXPIRED_S

    def _is_admissible(self, registration: Registration) -> bool:
        """Whether the configuration of today would let it in."""
        if registration.name in self._listed:
            return registration.identity == registration.name
        return self._lets_others and not registration.identity

    # Room.

    def _make_room(self, registration: Registration, now_s: float) -> None:
        """Make room for an unlisted name, from what expired first; a listed one has its own."""
        if registration.name in self._listed:
            return
        same_host = [each for each in self._others(registration) if each.host == registration.host]
        self._shrink(same_host, UNLISTED_PER_HOST, now_s)
        self._shrink([*self._others(registration)], self._most_unlisted, now_s)

    def _others(self, registration: Registration) -> Iterator[Registration]:
        """All other unlisted registrations."""
        for each in self._by_name.values():
            if each.name not in self._listed and each.name != registration.name:
                yield each

    def _shrink(self, crowd: list[Registration], most: int, now_s: float) -> None:
        """Leave less than so many, without those that can still be needed."""
        spare = max(0, len(crowd) - most + 1)
        crowd.sort(key=lambda each: each.expires_s)
        over = [each for each in crowd[:spare] if now_s >= each.expires_s + GRACE_S]
        if len(over) < spare or most < 1:
            raise _full()
        for each in over:
            self._forget(each)

    def _draw_location(self) -> str:
        for _ in range(_DRAWS):
            location = self._random_bytes(_LOCATION_BYTES).hex()
            if location not in self._names:
                return location
        raise _full()  # no source of chance does this; one that is broken must not take a place

    # Keeping.

    def _load(self) -> None:
        now_s = self._now_s()
        kept = sorted(self._store.registrations(), key=lambda each: each.renewed_s, reverse=True)
        unlisted = 0
        for each in kept:
            is_new = each.name not in self._by_name and each.location not in self._names
            is_listed = each.name in self._listed
            has_room = is_listed or unlisted < self._most_unlisted
            is_sound = self._is_admissible(each) and self._is_known(each, now_s)
            if not (is_new and has_room and is_sound):
                self._store.forget_registration(each.name, each.sector)
                continue
            unlisted += not is_listed
            # A clock that was set back does not prolong it.
            self._put(replace(each, renewed_s=min(each.renewed_s, now_s)))

    def _keep(self, registration: Registration, before: Registration | None) -> None:
        self._store.keep_registration(registration)
        if before is not None:
            if before.sector != registration.sector:
                self._store.forget_registration(before.name, before.sector)
            self._names.pop(before.location, None)
        self._put(registration)

    def _put(self, registration: Registration) -> None:
        before = self._by_name.get(registration.name)
        if before is not None:
            self._leave_host(before)
        self._at_hosts.setdefault(registration.host.strip("[]"), set()).add(registration.name)
        self._by_name[registration.name] = registration
        self._names[registration.location] = registration.name

    def _forget(self, registration: Registration) -> None:
        self._store.forget_registration(registration.name, registration.sector)
        del self._by_name[registration.name]
        del self._names[registration.location]
        self._leave_host(registration)

    def _leave_host(self, registration: Registration) -> None:
        host = registration.host.strip("[]")
        names = self._at_hosts[host]
        names.discard(registration.name)
        if not names:
            del self._at_hosts[host]


def _registration_of(
    requester: Requester, parameters: Parameters, links: str, location: str, now_s: float
) -> Registration:
    """A new registration, with what is usual where nothing is said."""
    sleep_s = parameters.sleep_s or 0
    return Registration(
        parameters.name or "",
        parameters.sector or "",
        requester.identity,
        location,
        _base_of(requester, parameters) or requester.source,
        _lifetime_of(parameters) or MAX_LIFETIME_S,
        now_s,
        sleep_s,
        _awake_of(parameters, sleep_s, 0),
        parameters.attributes,
        links,
        parameters.base is not None,
    )


def _base_of(requester: Requester, parameters: Parameters) -> str | None:
    return None if parameters.base is None else requester.read_base(parameters.base)


def _lifetime_of(parameters: Parameters) -> int | None:
    lifetime_s = parameters.lifetime_s
    return None if lifetime_s is None else min(lifetime_s, MAX_LIFETIME_S)


def _awake_of(parameters: Parameters, sleep_s: int, before_s: int) -> int:
    if not sleep_s:
        if parameters.awake_s is not None:
            raise bad_request("awake: says nothing without sleep")
        return 0
    return parameters.awake_s or before_s or DEFAULT_AWAKE_S


def _forbidden(problem: str) -> CoapRefused:
    return CoapRefused(Code.FORBIDDEN, "forbidden", problem)


def _full() -> CoapRefused:
    waits = ((Option.MAX_AGE, to_uint(_FULL_S)),)
    return CoapRefused(Code.UNAVAILABLE, "full", "there is no room for another name", waits)
