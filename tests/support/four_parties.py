"""What four parties do at a platform, each with a client and a key of its own."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import httpx

from support.platforms import Platform
from support.wasm.modules import loop
from support.worlds import KEYS
from tinycontainer.network.platform.releases.parts import ReleasePart
from tinycontainer_tokens import KeyMaterial, Profile, Role
from tinycontainer_tokens.issue import prove
from tinycontainer_tokens.key_files import to_public_pem

PARTY: Final[Mapping[Role, str]] = {
    Role.DEVELOPER: "dev",
    Role.PROVIDER: "data",
    Role.INFRASTRUCTURE: "infra",
    Role.OWNER: "boxes",
}
"""The organisation that has a role."""
BOX: Final = b"box".hex()
CODE: Final = loop("i32.const 0")
ENDPOINT: Final = {"id": 1, "peer": "local", "peer_endpoint": 7, "direction": "in"}
CONTENTS: Final = ("code", "data", "plan", "rights")


def good(answer: httpx.Response) -> Any:
    """What a request that was done has answered."""
    assert answer.status_code < 300, answer.text
    return answer.json()


@dataclass(frozen=True)
class FourParties:
    """Four parties, and an application of the first.

    Attributes:
        platform: where they meet.
        keys: of each role.
        uid: of the application, in hexadecimal digits.
    """

    platform: Platform
    keys: Mapping[Role, KeyMaterial] = field(default_factory=lambda: KEYS)
    uid: str = BOX

    def client(self, role: Role) -> httpx.Client:
        """The client of a party's admin."""
        return self.platform.client(PARTY[role])

    def prepare(self) -> None:
        """Make all keys known, and the application."""
        for role, key in self.keys.items():
            body = {"role": role.value, "name": "first", "public": to_public_pem(key).decode()}
            good(self.client(role).post("/api/keys", json=body))
        self.add_application()

    def add_application(self) -> None:
        """Make the application known."""
        developer = self.client(Role.DEVELOPER)
        good(developer.post("/api/applications", json={"uid": self.uid, "name": "Box"}))

    def begin(self, number: int = 1, **more: object) -> Any:
        """Begin a release."""
        body = {
            "uid": self.uid, "number": number, "provider": "data", "infrastructure": "infra",
            "owner": "boxes", **more,
        }  # fmt: skip
        return good(self.client(Role.DEVELOPER).post("/api/releases", json=body))

    def keep(self, role: Role, kind: str, content: bytes) -> str:
        """Keep an artefact: its hash."""
        digest = sha256(content).hexdigest()
        octets = {"Content-Type": "application/octet-stream"}
        path = f"/api/artefacts/{digest}?kind={kind}"
        good(self.client(role).put(path, content=content, headers=octets))
        return digest

    def add(self, content: str, number: int = 1, **more: Any) -> httpx.Response:
        """Add a content, as the party that it belongs to."""
        known: dict[str, tuple[Role, dict[str, Any]]] = {
            "code": (Role.DEVELOPER, {"type": "wasm"}),
            "data": (Role.PROVIDER, {}),
            "plan": (Role.INFRASTRUCTURE, {"timing": {"period_ms": 100}, "endpoints": [ENDPOINT]}),
            "rights": (Role.OWNER, {"syscalls": ["heartbeat"]}),
        }
        role, body = known[content]
        if content in ("code", "data") and "sha256" not in more:
            bytes_of = CODE if content == "code" else b"settings"
            more["sha256"] = self.keep(role, content, bytes_of)
        path = f"/api/releases/{self.uid}/{number}/{content}"
        return self.client(role).put(path, json={**body, **more})

    def show(self, role: Role = Role.OWNER, number: int = 1) -> Any:
        """The release as a party sees it."""
        return good(self.client(role).get(f"/api/releases/{self.uid}/{number}"))

    def ask_to_sign(self, part: str, number: int = 1, **more: Any) -> httpx.Response:
        """Ask what is to be signed."""
        role = more.get("role", ReleasePart.parse(part).role)
        fingerprint = sha256(self.keys[ReleasePart.parse(part).role].public).hexdigest()
        path = (
            f"/api/releases/{self.uid}/{number}/signing/{part}?key={more.get('key', fingerprint)}"
        )
        return self.client(role).get(path)

    def make_token(self, part: str, number: int = 1) -> bytes:
        """Sign what the platform says, as somebody who believes it."""
        asked = good(self.ask_to_sign(part, number))
        payload = base64.b64decode(asked["payload"])
        profile = Profile(asked["profile"])
        key = self.keys[ReleasePart.parse(part).role]
        return prove(payload, key, profile, tagged=profile is Profile.RFC9052).encode()

    def give(self, part: str, token: bytes, number: int = 1, **more: Any) -> httpx.Response:
        """Give a token to the platform."""
        role = more.get("role", ReleasePart.parse(part).role)
        path = f"/api/releases/{self.uid}/{number}/tokens/{part}"
        return self.client(role).put(path, json={"token": base64.b64encode(token).decode()})

    def sign(self, part: str, number: int = 1) -> Any:
        """Sign a part."""
        return good(self.give(part, self.make_token(part, number), number))

    def bundle(self, number: int = 1) -> bytes:
        """The container of a complete release."""
        return self.client(Role.OWNER).get(f"/api/releases/{self.uid}/{number}/bundle").content

    def complete(self, number: int = 1) -> Any:
        """Add and sign all of a release."""
        self.begin(number)
        for content in CONTENTS:
            good(self.add(content, number))
        for part in ("code", "data", "mask", "endpoint-1", "metadata"):
            shown = self.sign(part, number)
        return shown


def states(shown: Any) -> dict[str, str]:
    """How far each part of a release is."""
    return {each["name"]: each["state"] for each in shown["parts"]}
