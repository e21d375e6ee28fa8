"""What forms of offers, people, keys and tokens are about: made anew each time."""

from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.fleets import device_file, key_files
from support.four_parties import good
from support.platform_pages import DEVICES, PageWorld
from support.platforms import PASSWORD
from support.rollouts import GATEWAY

OFFER: Final = {
    "name": "boxes in Paris",
    "description": "Four of them.",
    "query": "kind=box",
    "audience": "dev",
    "call-heartbeat": "on",
    "endpoints": "local 7 in\r\ncontainer sensor 3 in out\r\n",
    "period_ms": "100",
    "share_per_cent": "10",
    "days": "30",
}
"""A form that can be sent."""


def house_address(world: PageWorld, path: str) -> tuple[str, dict[str, str]]:
    """The path and the fields of a form, about something that it can be done to."""
    match path.split("/")[1:]:
        case ["offers", *_]:
            return path, OFFER
        case ["organisation", "keys"]:
            return path, {"key_name": "new", "role": "owner", "public": new_key()[0]}
        case ["organisation", "keys", *_]:
            return path.replace("{fingerprint}", known_key(world)), {}
        case ["organisation", "people"]:
            return path, {"person": new_name(world), "right": "viewer"}
        case ["organisation", "people", *_]:
            return path.replace("{name}", somebody(world)), {"right": "viewer"}
        case ["account", "tokens"]:
            return path, {"name": "program", "scope-read": "on", "days": "1"}
        case ["enrolling", "profiles"]:
            return path, new_profile(world)
        case ["enrolling", "profiles", *_]:
            return path.replace("{number}", known_profile(world)), {}
        case ["enrolling", *_]:
            return path.replace(DEVICES[0], DEVICES[3]), {"gateway": GATEWAY, "endpoint": "x"}
    return path, {}


def new_profile(world: PageWorld) -> dict[str, str]:
    """A form with a profile that nobody has."""
    keys = "".join(f"{name}\n{pem}" for name, pem in key_files().items())
    text = f"# {new_name(world)}\n{device_file()}"
    return {"profile_name": "new", "device_file": text, "key_files": keys}


def known_profile(world: PageWorld) -> str:
    """The number of a profile that no device has."""
    more = f"# {new_name(world)}"
    return str(world.rollouts.devices.profile(more, name="spare"))


def new_key() -> tuple[str, str]:
    """The PEM of a public key that nobody has, and its fingerprint."""
    key = Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return pem, sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def known_key(world: PageWorld) -> str:
    """The fingerprint of a key that the owner has just registered."""
    pem, fingerprint = new_key()
    body = {"role": "owner", "name": "new", "public": pem}
    good(world.platform.client("boxes").post("/api/keys", json=body))
    return fingerprint


def somebody(world: PageWorld) -> str:
    """The name of a new member of the owner."""
    name = new_name(world)
    body = {"name": name, "password": PASSWORD, "right": "member"}
    good(world.platform.client("boxes").post("/api/people", json=body))
    return name


def new_name(world: PageWorld) -> str:
    """A name that nobody has."""
    return f"person-{world.platform.parts.random_bytes(8).hex()}"
