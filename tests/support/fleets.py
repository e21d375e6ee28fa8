"""Devices of an owner at a platform, and what they accept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from support.four_parties import BOX, FourParties, good
from support.worlds import FOREIGN, KEYS
from tinycontainer_tokens import KeyMaterial, Role
from tinycontainer_tokens.key_files import to_public_pem

BEGINNING: Final = '[device]\nname = "box"\n'


def key_files(keys: Mapping[Role, KeyMaterial] = KEYS) -> dict[str, str]:
    """Public key files, one for each role."""
    return {f"keys/{role.value}.pub": to_public_pem(key).decode() for role, key in keys.items()}


def device_file(more: str = "", keys: Mapping[Role, KeyMaterial] = KEYS) -> str:
    """A device file that believes one key in each role; what is added comes before the keys."""
    entries = [
        f'[[trust.keys]]\nrole = "{role.value}"\nfile = "keys/{role.value}.pub"\n' for role in keys
    ]
    return "\n".join([BEGINNING, more, *entries])


WITHOUT_DEVELOPER: Final = {**KEYS, Role.DEVELOPER: FOREIGN}
"""Keys of a device that does not know the developer's."""


@dataclass(frozen=True)
class Fleet:
    """Devices of the organisation ``boxes``, which ``infra`` operates.

    Attributes:
        parties: the organisations, and the application.
    """

    parties: FourParties

    def client(self, role: Role = Role.OWNER) -> httpx.Client:
        """The client of a party's admin."""
        return self.parties.client(role)

    def give_profile(
        self, text: str, files: Mapping[str, str], role: Role = Role.OWNER, name: str = "plain"
    ) -> httpx.Response:
        """Give a profile to the platform."""
        body = {"name": name, "device_file": text, "key_files": dict(files)}
        return self.client(role).post("/api/profiles", json=body)

    def profile(
        self, more: str = "", keys: Mapping[Role, KeyMaterial] = KEYS, name: str = "plain"
    ) -> int:
        """Add a profile: its id."""
        answer = self.give_profile(device_file(more, keys), key_files(keys), name=name)
        return int(good(answer)["id"])

    def give_device(self, name: str, profile: int, role: Role = Role.OWNER, **more: Any) -> Any:
        """Give a device to the platform."""
        body = {"name": name, "infrastructure": "infra", "kind": "box", "profile": profile, **more}
        return self.client(role).post("/api/devices", json=body)

    def devices(self, names: list[str], profile: int, **more: Any) -> None:
        """Add some devices."""
        for name in names:
            good(self.give_device(name, profile, **more))

    def judge(
        self, query: str = "", role: Role = Role.OWNER, number: int = 1, **more: Any
    ) -> httpx.Response:
        """Ask which devices would take a release."""
        path = f"/api/releases/{BOX}/{number}/judgement"
        return self.client(role).post(path, json={"query": query, **more})

    def names(self, query: str = "", role: Role = Role.OWNER, after: str = "") -> list[str]:
        """The devices of a page."""
        found = self.client(role).get("/api/devices", params={"query": query, "after": after})
        return [each["name"] for each in good(found)["devices"]]
