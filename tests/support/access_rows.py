"""A platform with rows of five organisations, all who may ask it, and what they ask about."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any, Final

import httpx

from support.evident_rows import remember
from support.four_parties import BOX, CODE, ENDPOINT, FourParties, good
from support.platforms import ORGANISATIONS, PASSWORD, Platform
from support.renting_rows import NEW_OFFER, RentingRows
from support.rollout_rows import ENVELOPE, RolloutRows, Row
from support.sboms import TLS, Sboms, document
from support.worlds import KEYS
from tinycontainer.network.platform.actor import SCOPES, PersonRight, PlatformScope
from tinycontainer.network.platform.people.organisation import (
    NewPerson,
    add_organisation,
    add_person,
)
from tinycontainer.network.platform.releases.parts import ReleasePart
from tinycontainer_tokens import KeyMaterial, Role
from tinycontainer_tokens.key_files import to_public_pem

STRANGER: Final = "others"
"""The organisation that is party to nothing that the four have made."""
ALL: Final = (*ORGANISATIONS, STRANGER)
PARTS: Final = ("code", "data", "mask", "endpoint-1", "metadata")
DEVELOPERS: Final = ("dev", STRANGER)
OWNERS: Final = {"boxes": frozenset({"boxes", "infra"}), STRANGER: frozenset({STRANGER})}
"""Who sees the devices of each owner."""
_COOKIE: Final = "tinycontainer_session"
_ONE_S: Final = 1 / 24 / 3600
"""In days."""
_LISTS: Final = frozenset({"GET /api/rollouts", "GET /api/rentals"})
_NO_HASH: Final = "0" * 64
_OCTETS: Final = {"Content-Type": "application/octet-stream"}
SBOM: Final = document(TLS)
_BODIES: Final[Mapping[str, Any]] = {
    "code": {"sha256": sha256(CODE).hexdigest(), "type": "wasm"},
    "data": {"sha256": sha256(b"settings").hexdigest()},
    "plan": {"timing": {"period_ms": 100}, "endpoints": [ENDPOINT]},
    "rights": {"syscalls": ["heartbeat"]},
    "sbom": {"sha256": sha256(SBOM).hexdigest()},
    "judgement": {"query": ""},
    "envelope": {"sha256": sha256(ENVELOPE).hexdigest()},
}
"""Of what the parties have added already, and of a question."""


def secret_of(organisation: str) -> str:
    """A word that is in all names of an organisation which nobody else may see."""
    return f"only-{organisation}"


def own_uid(organisation: str) -> str:
    """The uid of an application of a developer, of which the four make no release."""
    return secret_of(organisation).encode().hex()


@dataclass(frozen=True)
class Caller:
    """Somebody who asks.

    Attributes:
        name: for the tests to tell it by.
        organisation: whose this one is; empty for nobody who is known.
        person: who it is.
        scopes: what it may do.
        is_session: whether somebody has logged in, and no token asks.
        headers: that it sends.
    """

    name: str
    organisation: str = ""
    person: str = ""
    scopes: frozenset[PlatformScope] = frozenset()
    is_session: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """What is asked about.

    Attributes:
        seen_by: organisations for which it is there; or people, if it belongs to one of them.
        values: for the places in the path and the query.
        body: of the request.
        content: of the request, if it is no JSON.
        headers: of the request.
    """

    seen_by: frozenset[str]
    values: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class World:
    """A platform with rows of all organisations, and all who ask it.

    Args:
        platform: with the four parties.
    """

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._numbers = count(100)
        self._digests: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._profiles: dict[str, int] = {}
        self._devices: dict[str, str] = {}
        self._client = platform.direct()
        self._add_stranger()
        four = FourParties(platform)
        four.prepare()
        four.complete()
        self._keep_tokens(four)
        for organisation in ALL:
            self._add_rows(organisation)
        self._add_fleets()
        body = {**self._new_release(own_uid(STRANGER)), "number": 1}
        good(platform.client(STRANGER).post("/api/releases", json=body))
        self._add_sboms(Sboms(four))
        four.keep(Role.INFRASTRUCTURE, "envelope", ENVELOPE)
        secrets = {each: secret_of(each) for each in ALL}
        self._renting = RentingRows(four, STRANGER, own_uid(STRANGER), secrets, self._numbers)
        self._rollouts = RolloutRows.of(four)
        self.callers = [*self._callers()]

    def _add_stranger(self) -> None:
        with self.platform.database.transaction() as session:
            found = add_organisation(session, STRANGER, [*Role], 0.0)
            hashed = self.platform.parts.passwords.hash(PASSWORD)
            new = NewPerson(f"{STRANGER}-admin", hashed, PersonRight.ADMIN)
            add_person(session, found, new, 9, 0.0)

    def _keep_tokens(self, four: FourParties) -> None:
        for part in PARTS:
            self._tokens[part] = base64.b64encode(four.make_token(part)).decode()

    def _add_rows(self, organisation: str) -> None:
        """A person, a key, an artefact, and of developers an application."""
        client, secret = self.platform.client(organisation), secret_of(organisation)
        body = {"name": f"{secret}-spare", "password": PASSWORD, "right": "viewer"}
        good(client.post("/api/people", json=body))
        self._digests[organisation] = sha256(secret.encode()).hexdigest()
        path = f"/api/artefacts/{self._digests[organisation]}?kind=data"
        good(client.put(path, content=secret.encode(), headers=_OCTETS))
        key = good(client.post("/api/keys", json=self._new_key(organisation)))
        self._keys[organisation] = key["fingerprint"]
        if organisation in DEVELOPERS:
            body = {"uid": own_uid(organisation), "name": secret}
            good(client.post("/api/applications", json=body))

    def _new_key(self, organisation: str) -> dict[str, str]:
        role = ORGANISATIONS.get(organisation, Role.OWNER)
        key = KeyMaterial.from_private(next(self._numbers).to_bytes(32, "big"))
        public = to_public_pem(key).decode()
        return {"role": role.value, "name": secret_of(organisation), "public": public}

    def _add_sboms(self, sboms: Sboms) -> None:
        """The same component in a release of the four and in one of the fifth, each on a device."""
        good(sboms.give(SBOM))
        content = document({**TLS, "name": secret_of(STRANGER)})
        digest = sha256(content).hexdigest()
        client, uid = self.platform.client(STRANGER), own_uid(STRANGER)
        path = f"/api/artefacts/{digest}?kind=sbom"
        good(client.put(path, content=content, headers=_OCTETS))
        good(client.put(f"/api/releases/{uid}/1/sbom", json={"sha256": digest}))
        sboms.report(self._devices["boxes"], 1)
        sboms.report(self._devices[STRANGER], 1, uid=uid)

    def log_in(self, person: str) -> dict[str, str]:
        """The headers of somebody who has logged in."""
        body = {"name": person, "password": PASSWORD}
        answer = self._client.post("/api/session", json=body)
        cookie = self._client.cookies[_COOKIE]
        self._client.cookies.clear()
        return {"Cookie": f"{_COOKIE}={cookie}", "X-CSRF-Token": good(answer)["csrf"]}

    def ask(self, operation: str, caller: Caller, about: Subject) -> httpx.Response:
        """Do an operation as somebody."""
        method, _, path = operation.partition(" ")
        answer = self._client.request(
            method,
            path.format(**about.values),
            params={
                name: about.values[name] for name in ("kind", "key", "purl") if name in about.values
            },
            json=about.body,
            content=about.content,
            headers={**caller.headers, **about.headers},
        )
        self._client.cookies.clear()
        return answer

    def _callers(self) -> Iterator[Caller]:
        yield Caller("nobody")
        for organisation in ALL:
            yield from self._callers_of(organisation)
        yield from self._former_callers()

    def _callers_of(self, organisation: str) -> Iterator[Caller]:
        admin = self.platform.client(organisation)
        for right in PersonRight:
            name = f"{organisation}-{right.value}"
            if right is not PersonRight.ADMIN:
                self._add_person(organisation, name, right)
            yield Caller(name, organisation, name, SCOPES[right], True, self.log_in(name))
        for scope in PlatformScope:
            name = f"a token of {organisation} that may {scope}"
            headers = self.platform.token(admin, scope)
            yield Caller(
                name, organisation, f"{organisation}-admin", frozenset({scope}), headers=headers
            )

    def _add_person(self, organisation: str, name: str, right: PersonRight) -> None:
        body = {"name": name, "password": PASSWORD, "right": right.value}
        good(self.platform.client(organisation).post("/api/people", json=body))

    def _former_callers(self) -> Iterator[Caller]:
        """Whoever was somebody once, and whoever became less."""
        platform, admin = self.platform, self.platform.client("dev")
        gone = platform.add_person("dev", "dev-gone", PersonRight.ADMIN)
        yield Caller(
            "a token of somebody who is disabled", headers=platform.token(gone, *PlatformScope)
        )
        yield Caller("somebody who is disabled", headers=self.log_in("dev-gone"))
        good(admin.patch("/api/people/dev-gone", json={"is_disabled": True}))
        late = platform.token(admin, *PlatformScope, days=_ONE_S)
        platform.clock.at_s += 2
        yield Caller("a token that has expired", headers=late)
        less = platform.add_person("dev", "dev-less", PersonRight.ADMIN)
        token = platform.token(less, *PlatformScope)
        good(admin.patch("/api/people/dev-less", json={"right": "viewer"}))
        name = "a token of somebody who became a viewer"
        yield Caller(name, "dev", "dev-less", SCOPES[PersonRight.VIEWER], headers=token)

    def subjects(self, operation: str, caller: Caller) -> Iterator[Subject]:
        """What is asked about with an operation; the last one is there for nobody, if it can be.

        Args:
            operation: method and path, as described.
            caller: who will ask.
        """
        own = frozenset({caller.organisation})
        match operation.split("/")[1:]:
            case ["api", "session"]:
                # A session is over afterwards, so it is another one of the same person.
                ends = caller.is_session and operation.startswith("DELETE")
                headers = self.log_in(caller.person) if ends else {"Cookie": ""}
                body = {"name": "dev-less", "password": PASSWORD}
                yield Subject(own, body=None if ends else body, headers=headers)
            case ["api", "tokens", "{id}"]:
                yield from self._about_a_token(caller)
            case ["api", "people", "{name}"]:
                for each in (*ALL, ""):
                    values = {"name": f"{secret_of(each)}-spare"}
                    yield Subject(frozenset({each}), values, body={"right": "viewer"})
            case ["api", "keys", "{fingerprint}"]:
                for each in (*ALL, ""):
                    values = {"fingerprint": self._keys.get(each, _NO_HASH)}
                    yield Subject(frozenset({each}), values)
            case ["api", "applications", "{uid}"]:
                yield Subject(frozenset(ORGANISATIONS), {"uid": BOX})
                for each in (*DEVELOPERS, ""):
                    yield Subject(frozenset({each}), {"uid": own_uid(each)})
            case ["api", "offers", _] | ["api", _, "{uid}", "withdrawals", *_]:
                yield from _subjects(self._renting.about(operation, caller.organisation))
            case ["api", "rentals", *_] if operation not in _LISTS:
                yield from _subjects(self._renting.about(operation, caller.organisation))
            case ["api", "devices", _, "containers" | "connection"]:
                yield from _subjects(self._rollouts.about(operation))
            case ["api", "rollouts", *_] if operation not in _LISTS:
                yield from _subjects(self._rollouts.about(operation))
            case ["api", "artefacts", "{sha256}"]:
                yield from self._about_artefacts(operation, own)
            case ["api", "components", *_]:
                yield Subject(own, {"purl": TLS["purl"]})
            case ["api", "devices", "{name}", *_]:
                yield from self._about_devices(operation)
            case ["api", "profiles", "{number}"]:
                yield from self._about_profiles(operation)
            case ["api", "releases"] if operation.startswith("POST"):
                for each in (*DEVELOPERS, ""):
                    yield Subject(frozenset({each}), body=self._new_release(own_uid(each)))
            case ["api", "releases", "{uid}", "{number}", *rest]:
                yield from self._about_a_release("/".join(rest), caller)
            case _:
                yield Subject(own, body=self._new_row(operation, caller))

    def _new_row(self, operation: str, caller: Caller) -> dict[str, Any] | None:
        """The body of what adds a row."""
        secret, number = secret_of(caller.organisation), next(self._numbers)
        match operation:
            case "POST /api/tokens":
                return {"name": secret, "scopes": ["read"]}
            case "POST /api/people":
                return {"name": f"{secret}-{number}", "password": PASSWORD, "right": "viewer"}
            case "POST /api/keys":
                return self._new_key(caller.organisation)
            case "POST /api/applications":
                return {"uid": number.to_bytes(4, "big").hex(), "name": secret}
            case "POST /api/devices":
                return self._new_device(caller.organisation)
            case "POST /api/profiles":
                return self._new_profile()
            case "POST /api/offers":
                return NEW_OFFER
        return None

    def _new_device(self, owner: str) -> dict[str, Any]:
        operator = STRANGER if owner == STRANGER else "infra"
        name = f"{secret_of(owner) if owner == STRANGER else 'box'}-{next(self._numbers)}"
        profile = self._profiles.get(owner, 1)
        return {"name": name, "infrastructure": operator, "kind": "box", "profile": profile}

    def _new_profile(self) -> dict[str, Any]:
        device_file = f'[device]\nname = "box-{next(self._numbers)}"\n'
        return {"name": "plain", "device_file": device_file}

    def _add_fleets(self) -> None:
        """A profile and a device of each owner."""
        for owner in OWNERS:
            client = self.platform.client(owner)
            self._profiles[owner] = good(client.post("/api/profiles", json=self._new_profile()))[
                "id"
            ]
            body = self._new_device(owner)
            self._devices[owner] = good(client.post("/api/devices", json=body))["name"]
            remember(self.platform, self._devices[owner], secret_of(owner))

    def _about_devices(self, operation: str) -> Iterator[Subject]:
        for owner, seen_by in OWNERS.items():
            name = self._devices[owner]
            if operation.startswith("DELETE"):
                new = self._new_device(owner)
                name = good(self.platform.client(owner).post("/api/devices", json=new))["name"]
            body = {"group": "north"} if operation.startswith("PATCH") else None
            yield Subject(seen_by, {"name": name}, body=body)
        yield Subject(frozenset(), {"name": "nobody"}, body={"group": "north"})

    def _about_profiles(self, operation: str) -> Iterator[Subject]:
        for owner, seen_by in OWNERS.items():
            number = self._profiles[owner]
            if operation.startswith("DELETE"):  # no device has it, so only its owner sees it
                body = self._new_profile()
                number = good(self.platform.client(owner).post("/api/profiles", json=body))["id"]
            only = frozenset({owner}) if operation.startswith("DELETE") else seen_by
            yield Subject(only, {"number": str(number)})
        yield Subject(frozenset(), {"number": "999999"})

    def _new_release(self, uid: str) -> dict[str, Any]:
        parties = dict.fromkeys(("provider", "infrastructure", "owner"), STRANGER)
        return {"uid": uid, "number": next(self._numbers), **parties}

    def _about_a_token(self, caller: Caller) -> Iterator[Subject]:
        for person in {caller.person or "dev-admin", "dev-admin", f"{STRANGER}-admin"}:
            headers = self.log_in(person)
            body = {"name": "x", "scopes": ["read"]}
            made = good(self._client.post("/api/tokens", json=body, headers=headers))
            yield Subject(frozenset({person}), {"id": str(made["id"])})
        yield Subject(frozenset(), {"id": "999999"})

    def _about_artefacts(self, operation: str, own: frozenset[str]) -> Iterator[Subject]:
        if operation.startswith("PUT"):
            content = f"{next(self._numbers)}".encode()
            values = {"sha256": sha256(content).hexdigest(), "kind": "data"}
            yield Subject(own, values, content=content, headers=_OCTETS)
            return
        for content in (CODE, b"settings", SBOM):
            yield Subject(frozenset(ORGANISATIONS), {"sha256": sha256(content).hexdigest()})
        for each in (*ALL, ""):
            yield Subject(frozenset({each}), {"sha256": self._digests.get(each, _NO_HASH)})

    def _about_a_release(self, rest: str, caller: Caller) -> Iterator[Subject]:
        """The one of the four, that of the fifth where it is not its own, and none."""
        for part in PARTS if "{part}" in rest else ("mask",):
            key = sha256(KEYS[ReleasePart.parse(part).role].public).hexdigest()
            body = {"token": self._tokens[part]} if rest.startswith("tokens") else _BODIES.get(rest)
            more = {"key": key} if rest.startswith("signing") else {}
            for seen_by, uid, number in (
                (frozenset(ORGANISATIONS), BOX, 1),
                (frozenset({STRANGER}), own_uid(STRANGER), 1),
                (frozenset[str](), BOX, 2),
            ):
                if STRANGER in seen_by and caller.organisation == STRANGER:
                    continue
                values = {"uid": uid, "number": str(number), "part": part, **more}
                yield Subject(seen_by, values, body=body)


def _subjects(rows: Iterable[Row]) -> Iterator[Subject]:
    for seen_by, values, body in rows:
        yield Subject(seen_by, values, body=body)
