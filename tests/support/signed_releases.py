"""What two owners, two developers and others have signed at a platform, by their own account."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

import httpx

from support.four_parties import PARTY, FourParties, good
from support.platforms import BEGIN_S, PASSWORD, Platform
from support.renting import signed
from support.updates import draft, sign, version
from support.worlds import KEYS
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.people.organisation import (
    NewPerson,
    add_organisation,
    add_person,
)
from tinycontainer.suit.drafts import make_envelope
from tinycontainer_tokens import KeyMaterial, Profile, Role
from tinycontainer_tokens.key_files import to_public_pem

BEGIN: Final = int(BEGIN_S)
HOUR_S: Final = 3600
STUCK: Final = b"stuck"
"""Code of which no loop ends."""
BYSTANDER: Final = b"quiet"
"""A container of the devices' owner that the platform has no right to manage."""
YARDS: Final = KeyMaterial.from_private(b"\x61" * 32)
STUDIO: Final = KeyMaterial.from_private(b"\x62" * 32)
REPLACED: Final = KeyMaterial.from_private(b"\x63" * 32)
"""Of the developer, before it had another one."""
_ONE: Final = {"id": 1, "peer": "local", "peer_endpoint": 7, "direction": "in"}
_TWO: Final = {"id": 2, "peer": "local", "peer_endpoint": 8, "direction": "both"}
_CALLS: Final = {"heartbeat": 1, "open": 2, "close": 4, "read": 8, "write": 16}


@dataclass(frozen=True)
class SignedVersion:
    """A version that four parties have signed.

    Attributes:
        uid, number: which.
        sections: its bytes.
        mask_token: of its owner.
        mask: that the owner allowed.
        signers: the keys that signed it.
        audience: the one device that it is for; None for all.
        begin_s, end_s: when its owner allows it, in Unix seconds.
        code_end_s: until when its developer does.
        is_riot: whether its tokens count nothing.
    """

    uid: bytes
    number: int
    sections: Bundle
    mask_token: bytes
    mask: int
    signers: frozenset[bytes]
    audience: str | None = None
    begin_s: int = 0
    end_s: int = 1 << 62
    code_end_s: int = 1 << 62
    is_riot: bool = False

    @property
    def code_sha256(self) -> str:
        """Of its code."""
        return sha256(self.sections.code).hexdigest()


@dataclass(frozen=True)
class SignedWithdrawal:
    """A token by which an owner takes back its rights: one made for that, or a mask of nothing.

    Attributes:
        uid: of the container.
        number: no mask up to this one counts any more.
        token: its bytes.
        owner: the key that signed it.
        audience: the one device that it is for; None for all.
    """

    uid: bytes
    number: int
    token: bytes
    owner: bytes
    audience: str | None = None


@dataclass(frozen=True)
class SignedUpdate:
    """An envelope that infrastructure has signed.

    Attributes:
        number: of the update.
        uid: of its one container.
        version: that it brings; None if it removes the container.
        envelope: its bytes.
    """

    number: int
    uid: bytes
    version: SignedVersion | None
    envelope: bytes


@dataclass
class SigningLedger:
    """All that was signed; it is filled by those who signed, and by nobody else.

    Attributes:
        versions, withdrawals, updates: in the order in which they were signed.
        kept: contents that the platform has, with the organisation of each.
    """

    versions: list[SignedVersion] = field(default_factory=list)
    withdrawals: list[SignedWithdrawal] = field(default_factory=list)
    updates: list[SignedUpdate] = field(default_factory=list)
    kept: set[tuple[str, bytes]] = field(default_factory=set)


@dataclass(frozen=True)
class Signers(FourParties):
    """Four parties, some of them with another organisation, who note what they sign.

    Attributes:
        names: of the organisations, by role.
        ledger: what was signed.
    """

    names: Mapping[Role, str] = field(default_factory=lambda: PARTY)
    ledger: SigningLedger = field(default_factory=SigningLedger)

    def client(self, role: Role) -> httpx.Client:
        """The client of a party's admin."""
        return self.platform.client(self.names[role])

    def keep(self, role: Role, kind: str, content: bytes) -> str:
        """Keep an artefact, unless the platform has it: its hash."""
        known = (self.names[role], content)
        if known in self.ledger.kept:
            return sha256(content).hexdigest()
        self.ledger.kept.add(known)
        return super().keep(role, kind, content)

    def release(
        self,
        number: int,
        calls: str,
        *,
        code: bytes = b"code",
        data: bytes = b"settings",
        endpoints: tuple[Mapping[str, object], ...] = (_ONE,),
        owner_terms: Mapping[str, Any] | None = None,
        code_terms: Mapping[str, Any] | None = None,
        profile: Profile = Profile.RFC9052,
    ) -> SignedVersion:
        """Make a release, and let all sign it."""
        terms, is_riot = owner_terms or {}, profile is Profile.RIOT_2024
        self.begin(
            number, owner=self.names[Role.OWNER], profile=profile.value, signs_endpoints=not is_riot
        )
        kept = self.keep(Role.DEVELOPER, "code", code)
        good(self.add("code", number, sha256=kept, terms=code_terms or {}))
        good(self.add("data", number, sha256=self.keep(Role.PROVIDER, "data", data)))
        plan = {"timing": {}, "security": {"loop_period_ms": 50}, "endpoints": list(endpoints)}
        good(self.add("plan", number, **plan))
        good(self.add("rights", number, syscalls=calls.split(), terms=terms))
        places = () if is_riot else tuple(f"endpoint-{each['id']}" for each in endpoints)
        tokens = {part: self.make_token(part, number) for part in ("code", "data", "mask", *places)}
        for part, token in tokens.items():
            good(self.give(part, token, number))
        self.sign("metadata", number)
        made = SignedVersion(
            bytes.fromhex(self.uid),
            number,
            Bundle.decode(self.bundle(number), 1 << 20),
            tokens["mask"],
            sum(_CALLS[each] for each in calls.split()),
            frozenset(key.public for key in self.keys.values()),
            terms.get("audience"),
            terms.get("not_before", 0),
            terms.get("expires", 1 << 62),
            (code_terms or {}).get("expires", 1 << 62),
            is_riot,
        )
        self.ledger.versions.append(made)
        if not made.mask and not is_riot:
            self._note_withdrawal(number, tokens["mask"], made.audience)
        return made

    def withdraw(self) -> int:
        """Take back all rights, through the platform: up to which number."""
        owner = self.keys[Role.OWNER]
        path = f"/api/applications/{self.uid}/withdrawals"
        key = sha256(owner.public).hexdigest()
        asked = good(self.client(Role.OWNER).get(f"{path}/signing", params={"key": key}))
        token = signed(base64.b64decode(asked["payload"]), owner)
        body = {"token": base64.b64encode(token).decode()}
        good(self.client(Role.OWNER).post(path, json=body))
        self._note_withdrawal(asked["number"], token, None)
        return int(asked["number"])

    def update(self, number: int, brings: SignedVersion | None, *, fetched: bool = False) -> None:
        """Sign an envelope for a version, or for none, and give it to the platform.

        Args:
            number: of the update.
            brings: the version; None for one that removes the container.
            fetched: whether the device has to fetch the code.
        """
        uid = bytes.fromhex(self.uid)
        uris = {UpdateSection.CODE: "coap://[::1]:5684/code"} if fetched else None
        new = () if brings is None else (version(brings.sections, uid, starts=True, uris=uris),)
        gone = (uid,) if brings is None else ()
        envelope = sign(make_envelope(draft(*new, number=number, removed=gone)))
        self.keep(Role.INFRASTRUCTURE, "envelope", envelope)
        self.ledger.updates.append(SignedUpdate(number, uid, brings, envelope))

    def replace_key(self, role: Role, key: KeyMaterial) -> "Signers":
        """Withdraw a key at the platform, and use another one."""
        old = sha256(self.keys[role].public).hexdigest()
        good(self.client(role).delete(f"/api/keys/{old}"))
        return replace(self, keys={**self.keys, role: key})

    def make_key_known(self, role: Role) -> None:
        """Give the public half of a party's key to the platform."""
        public = to_public_pem(self.keys[role]).decode()
        body = {"role": role.value, "name": f"{role.value} key", "public": public}
        good(self.client(role).post("/api/keys", json=body))

    def _note_withdrawal(self, number: int, token: bytes, audience: str | None) -> None:
        owner = self.keys[Role.OWNER].public
        uid = bytes.fromhex(self.uid)
        self.ledger.withdrawals.append(SignedWithdrawal(uid, number, token, owner, audience))


def sign_much(platform: Platform) -> SigningLedger:
    """Let two owners and two developers sign releases, withdrawals and updates.

    Args:
        platform: with its four organisations.

    Returns:
        What was signed, in that order.
    """
    add_party(platform, "yards", Role.OWNER)
    add_party(platform, "studio", Role.DEVELOPER)
    ledger = SigningLedger()
    former = Signers(platform, {**KEYS, Role.DEVELOPER: REPLACED}, b"b".hex(), PARTY, ledger)
    former.prepare()
    former.release(1, "heartbeat open", code=b"former")
    of_b = former.replace_key(Role.DEVELOPER, KEYS[Role.DEVELOPER])
    of_b.make_key_known(Role.DEVELOPER)
    of_a, quiet, of_d = (replace(of_b, uid=uid.hex()) for uid in (b"a", BYSTANDER, b"d"))
    for each in (of_a, quiet, of_d):
        each.add_application()
    _sign_a(of_a)
    _sign_b(of_b)
    quiet.release(1, "heartbeat", code=b"quiet")
    of_d.release(1, "heartbeat", endpoints=(), profile=Profile.RIOT_2024)
    of_d.release(2, "heartbeat open", endpoints=(), profile=Profile.RIOT_2024, code=b"other")
    of_d.release(3, "heartbeat", code=b"newest")
    of_d.withdraw()
    of_c = replace(
        of_b,
        keys={**KEYS, Role.DEVELOPER: STUDIO},
        uid=b"c".hex(),
        names={**PARTY, Role.DEVELOPER: "studio"},
    )
    of_c.make_key_known(Role.DEVELOPER)
    of_c.add_application()
    of_c.release(1, "heartbeat", code=b"studio")
    return ledger


def _sign_a(boxes: Signers) -> None:
    yards = replace(
        boxes,
        keys={**boxes.keys, Role.OWNER: YARDS},
        names={**boxes.names, Role.OWNER: "yards"},
    )
    yards.make_key_known(Role.OWNER)
    boxes.release(1, "heartbeat")
    boxes.release(2, "heartbeat open write", endpoints=(_ONE, _TWO))
    boxes.release(3, "heartbeat", code=b"code3", owner_terms={"expires": BEGIN + HOUR_S})
    yards.release(4, "heartbeat open close read write", endpoints=(_ONE, _TWO), code=b"yards")
    boxes.release(5, "", data=b"nothing")
    boxes.release(6, "heartbeat open", owner_terms={"audience": "box-2"})
    boxes.release(7, "heartbeat read", owner_terms={"not_before": BEGIN + 2 * HOUR_S})
    boxes.release(8, "heartbeat", code=STUCK)
    boxes.release(9, "heartbeat open", endpoints=(), profile=Profile.RIOT_2024)
    number = max(boxes.withdraw(), yards.withdraw())
    yards.release(number + 1, "heartbeat", code=b"yards")
    boxes.release(number + 2, "heartbeat open", code_terms={"expires": BEGIN + HOUR_S})
    boxes.release(number + 3, "heartbeat write", code=b"code3", endpoints=(_TWO,))
    last = boxes.withdraw()
    boxes.release(last + 1, "heartbeat", code=b"last")
    boxes.release(last + 2, "heartbeat close", code=b"last")


def _sign_b(boxes: Signers) -> None:
    second = boxes.release(2, "heartbeat", code=b"code3", data=b"nothing")
    boxes.update(1, second)
    boxes.update(2, None)
    third = boxes.release(3, "heartbeat open", endpoints=(_ONE, _TWO))
    boxes.update(3, third)
    number = boxes.withdraw()
    boxes.update(4, boxes.release(number + 1, "heartbeat write", endpoints=(_TWO,)))
    boxes.update(5, third, fetched=True)


def add_party(platform: Platform, name: str, role: Role) -> None:
    """Add an organisation with its admin."""
    with platform.database.transaction() as session:
        organisation = add_organisation(session, name, [role], platform.clock())
        hashed = platform.parts.passwords.hash(PASSWORD)
        new = NewPerson(f"{name}-admin", hashed, PersonRight.ADMIN)
        add_person(session, organisation, new, 100, platform.clock())
