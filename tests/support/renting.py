"""An owner that offers its devices at a platform, and a developer that asks for them."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import httpx

from support.four_parties import BOX, ENDPOINT, FourParties, good
from support.worlds import KEYS
from tinycontainer.network.platform.renting.checking import rental_problem
from tinycontainer.network.platform.tables.catalogue import ReleaseRow
from tinycontainer_tokens import KeyMaterial, Profile, Role
from tinycontainer_tokens.issue import prove

LIMITS: Final[Mapping[str, Any]] = {
    "syscalls": ["heartbeat"],
    "endpoints": [{"peer": "local", "peer_endpoint": 7, "directions": ["in"]}],
    "period_ms": 100,
    "share_per_cent": 10,
    "days": 30,
}
PLAN: Final[Mapping[str, Any]] = {
    "timing": {"period_ms": 100},
    "security": {"loop_max_duration_ms": 10},
    "endpoints": [ENDPOINT],
}
"""Of a release that asks for all that there is."""
HOUR_S: Final = 3600


@dataclass(frozen=True)
class Renting:
    """The owner ``boxes`` and the developer ``dev``.

    Attributes:
        parties: the organisations, and the application.
    """

    parties: FourParties

    @property
    def now_s(self) -> int:
        """The time of the platform."""
        return int(self.parties.platform.clock())

    def client(self, role: Role) -> httpx.Client:
        """The client of a party's admin."""
        return self.parties.client(role)

    def make_offer(self, role: Role = Role.OWNER, **more: Any) -> httpx.Response:
        """Offer all devices."""
        limits = {**LIMITS, **more.pop("limits", {})}
        body = {"name": "boxes in Paris", "query": "", "limits": limits, **more}
        return self.client(role).post("/api/offers", json=body)

    def offer(self, **more: Any) -> int:
        """An offer of all devices: its number."""
        return int(good(self.make_offer(**more))["id"])

    def release(self, number: int = 1, plan: Mapping[str, Any] = PLAN, **begun: Any) -> int:
        """A release with code, data and plan: its number."""
        self.parties.begin(number, **begun)
        good(self.parties.add("code", number, syscalls=["heartbeat"]))
        good(self.parties.add("data", number))
        good(self.parties.add("plan", number, **plan))
        return number

    def ask(
        self, offer: int, number: int = 1, role: Role = Role.DEVELOPER, /, **more: Any
    ) -> httpx.Response:
        """Ask for an hour from now on."""
        times = {"from_s": self.now_s, "until_s": self.now_s + HOUR_S}
        body = {"offer": offer, "uid": BOX, "number": number, **times, **more}
        return self.client(role).post("/api/rentals", json=body)

    def asked(self, number: int = 1, **more: Any) -> int:
        """A rental of a new release that is asked for: its number."""
        return int(good(self.ask(self.offer(), self.release(number), **more))["id"])

    def granted(self, number: int = 1, **more: Any) -> int:
        """A rental that was granted: its number."""
        rental = self.asked(number, **more)
        good(self.decide(rental, "grant"))
        return rental

    def decide(self, rental: int, what: str, role: Role = Role.OWNER) -> httpx.Response:
        """Grant, refuse or take back a rental."""
        return self.client(role).post(f"/api/rentals/{rental}/{what}")

    def show(self, rental: int, role: Role = Role.OWNER) -> Any:
        """A rental as a party sees it."""
        return good(self.client(role).get(f"/api/rentals/{rental}"))

    def sign_all(self, number: int = 1) -> Any:
        """Let all sign a release."""
        for part in ("code", "data", "mask", "endpoint-1", "metadata"):
            shown = self.parties.sign(part, number)
        return shown

    def problem(self, number: int = 1) -> str | None:
        """Why a release may not be rolled out now."""
        with self.parties.platform.database.reading() as session:
            row = session.query(ReleaseRow).filter(ReleaseRow.number == number).one()
            return rental_problem(session, row, self.parties.platform.clock())

    def ask_to_withdraw(self, role: Role = Role.OWNER, **more: Any) -> httpx.Response:
        """Ask what is to be signed to take back all rights."""
        key = sha256(KEYS[Role.OWNER].public).hexdigest()
        path = f"/api/applications/{more.pop('uid', BOX)}/withdrawals/signing"
        return self.client(role).get(path, params={"key": key, **more})

    def withdrawing_token(self, key: KeyMaterial = KEYS[Role.OWNER], **more: Any) -> bytes:
        """Sign what the platform says, as somebody who believes it."""
        return signed(base64.b64decode(good(self.ask_to_withdraw(**more))["payload"]), key)

    def withdraw(
        self, token: bytes | None = None, role: Role = Role.OWNER, uid: str = BOX
    ) -> httpx.Response:
        """Take back all rights."""
        given = self.withdrawing_token() if token is None else token
        body = {"token": base64.b64encode(given).decode()}
        return self.client(role).post(f"/api/applications/{uid}/withdrawals", json=body)


def signed(payload: bytes, key: KeyMaterial = KEYS[Role.OWNER]) -> bytes:
    """A token of claims."""
    return prove(payload, key, Profile.RFC9052, tagged=True).encode()
