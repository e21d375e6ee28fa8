"""What is asked about offers, rentals and withdrawals, and for which organisations it is there."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from support.four_parties import BOX, CODE, FourParties, good
from support.platforms import ORGANISATIONS
from support.renting import HOUR_S, LIMITS, PLAN, Renting, signed
from support.worlds import KEYS
from tinycontainer.network.platform.signer.tokens import key_sha256
from tinycontainer_tokens import Claims, Kind, Profile, Role
from tinycontainer_tokens.claims import encode

Row = tuple[frozenset[str], Mapping[str, str], Any]
"""Who sees it, the values of the path, and the body."""

NEW_OFFER: Final = {"name": "x", "query": "", "limits": LIMITS}
"""The body of what makes an offer that all see."""
_NOBODY: Final = frozenset[str]()
_NONE: Final = "999999"
_FOUR: Final = frozenset({"dev", "boxes"})
_PARTIES: Final = frozenset({"dev", "boxes", "infra"})


@dataclass
class RentingRows:
    """Offers of two owners, and rentals of both as often as they are used up.

    Attributes:
        parties: the four.
        stranger: the organisation that is all parties of its own application.
        uid: of that, in hexadecimal digits.
        secrets: by organisation, a word that nobody else may see.
        numbers: of releases, rising.
    """

    parties: FourParties
    stranger: str
    uid: str
    secrets: Mapping[str, str]
    numbers: Iterator[int]
    _offers: dict[str, int] = field(default_factory=dict)
    _releases: dict[str, int] = field(default_factory=dict)
    _rentals: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for owner, audience in (("boxes", "dev"), (self.stranger, self.stranger)):
            is_own = owner == self.stranger
            name = self.secrets[owner] if is_own else "boxes"
            query = f'label.of="{self.secrets[owner]}"'
            body = {"name": name, "query": query, "limits": LIMITS, "audience": [audience]}
            made = self.parties.platform.client(owner).post("/api/offers", json=body)
            self._offers[owner] = good(made)["id"]

    def about(self, operation: str, organisation: str) -> Iterator[Row]:
        """What an organisation asks about with an operation.

        Args:
            operation: method and path, as described.
            organisation: who asks.
        """
        match operation.split("/")[2:]:
            case ["offers", *_]:
                yield from self._about_offers()
            case ["rentals"]:
                yield from self._about_asking()
            case ["rentals", *_]:
                yield from self._about_rentals(operation)
            case _:
                yield from self._about_withdrawals(organisation)

    def _about_offers(self) -> Iterator[Row]:
        """That of each owner, and none."""
        for owner, seen_by in (("boxes", _FOUR), (self.stranger, frozenset({self.stranger}))):
            yield seen_by, {"number": str(self._offers[owner])}, {"is_open": True}
        yield _NOBODY, {"number": _NONE}, {"is_open": True}

    def _about_asking(self) -> Iterator[Row]:
        """A release of each developer that is under no rental."""
        yield _FOUR, {}, self._asking("boxes", self._free_release("boxes"))
        own = self._asking(self.stranger, self._free_release(self.stranger))
        yield frozenset({self.stranger}), {}, own
        yield _NOBODY, {}, {**own, "offer": int(_NONE)}

    def _about_rentals(self, purpose: str) -> Iterator[Row]:
        """A rental of each owner that is still asked for, and none."""
        yield _PARTIES, {"number": str(self._asked("boxes", purpose))}, None
        own = self._asked(self.stranger, purpose)
        yield frozenset({self.stranger}), {"number": str(own)}, None
        yield _NOBODY, {"number": _NONE}, None

    def _about_withdrawals(self, organisation: str) -> Iterator[Row]:
        """The application of the four, that of the fifth where it is not its own, and none."""
        key = key_sha256(KEYS[Role.OWNER]).hex()
        for seen_by, uid in (
            (frozenset(ORGANISATIONS), BOX),
            (frozenset({self.stranger}), self.uid),
            (_NOBODY, "00"),
        ):
            if seen_by != {organisation}:
                yield seen_by, {"uid": uid, "key": key}, {"token": self._withdrawing(uid)}

    def _withdrawing(self, uid: str) -> str:
        sequence = (1 << 32) + next(self.numbers)
        said = Claims(mask=b"\0", uid=bytes.fromhex(uid), sequence=sequence, kind=Kind.MASK)
        return base64.b64encode(signed(encode(said, Kind.MASK, Profile.RFC9052))).decode()

    def _asking(self, owner: str, number: int) -> dict[str, Any]:
        uid = BOX if owner == "boxes" else self.uid
        begin_s = int(self.parties.platform.clock())
        times = {"from_s": begin_s, "until_s": begin_s + HOUR_S}
        return {"offer": self._offers[owner], "uid": uid, "number": number, **times}

    def _asked(self, owner: str, purpose: str) -> int:
        client = self.parties.platform.client(owner)
        known = self._rentals.get((owner, purpose))
        if known is not None and good(client.get(f"/api/rentals/{known}"))["state"] == "asked":
            return known
        developer = "dev" if owner == "boxes" else owner
        body = self._asking(owner, self._free_release(owner))
        made = good(self.parties.platform.client(developer).post("/api/rentals", json=body))
        self._rentals[(owner, purpose)] = made["id"]
        return int(made["id"])

    def _free_release(self, owner: str) -> int:
        """A release that no rental is asked for."""
        client, known = self.parties.platform.client(owner), self._releases.get(owner)
        listed = good(client.get("/api/rentals"))["rentals"]
        if known is None or known in [each["number"] for each in listed]:
            number = next(self.numbers)
            if owner == "boxes":
                known = Renting(self.parties).release(number)
            else:
                known = self._own_release(number)
            self._releases[owner] = known
        return known

    def _own_release(self, number: int) -> int:
        """A release of the fifth, which is all of its parties."""
        client, path = self.parties.platform.client(self.stranger), f"/api/releases/{self.uid}"
        roles = dict.fromkeys(("provider", "infrastructure", "owner"), self.stranger)
        body = {"uid": self.uid, "number": number, **roles}
        good(client.post("/api/releases", json=body))
        digest = sha256(CODE).hexdigest()
        octets = {"Content-Type": "application/octet-stream"}
        good(client.put(f"/api/artefacts/{digest}?kind=code", content=CODE, headers=octets))
        good(client.put(f"{path}/{number}/code", json={"sha256": digest}))
        good(client.put(f"{path}/{number}/plan", json=PLAN))
        return number
