"""Makes the platform of the demo what it is: tokens, keys, profiles, devices and their gateway."""

from typing import Any, Final

from tinycontainer_tokens import Role

from .api import DemoClient
from .box_file import write_box_profile
from .desk import DemoDesk
from .judging import StoryBroken
from .people import DemoPerson, write_private
from .yard_files import HOLDER

GATEWAY: Final = "yard"
"""Of all boxes, at the platform."""
NEW: Final = "new"
"""Label ``keys`` of boxes that know the keys of today."""
OLD: Final = "old"
"""The same, of boxes that know a former key of the developer."""
PLATFORM_FILE: Final = "platform.toml"
_SCOPES: Final = ("read", "publish", "sign", "deploy", "administer")


def log_in(client: DemoClient, person: DemoPerson) -> str:
    """Log in with a password, make a token for programs, write it down, and log out: the token.

    Raises:
        StoryBroken: it is refused.
        OSError: the token cannot be written.
    """
    password = person.password_file.read_text().strip()
    opened = client.ask("POST", "/api/session", {"name": person.name, "password": password})
    if opened.status != 201:
        raise StoryBroken(f"{person.name} cannot log in: {opened.status}: {opened.detail}")
    cookie = opened.set_cookie.partition(";")[0]
    session = {"Cookie": cookie, "X-CSRF-Token": opened.value["csrf"]}
    wanted = {"name": "demo", "scopes": _SCOPES, "days": 30}
    made = client.ask("POST", "/api/tokens", wanted, session)
    if made.status != 201:
        raise StoryBroken(f"{person.name} gets no token: {made.status}: {made.detail}")
    token = str(made.value["token"])
    write_private(person.token_file, f"{token}\n".encode())
    client.ask("DELETE", "/api/session", headers=session)
    return token


def join(desk: DemoDesk) -> None:
    """Let everybody give a public key, the owner its boxes, and the infrastructure its gateway.

    Args:
        desk: of people who have tokens.

    Raises:
        StoryBroken: something is refused.
        OSError: a public key cannot be read.
    """
    for role, person in desk.people.items():
        key = {"role": role, "name": "first key", "public": person.public_file.read_text()}
        desk.client(role).do("POST", "/api/keys", key)
    owner, infrastructure = desk.client(Role.OWNER), desk.client(Role.INFRASTRUCTURE)
    profiles = {NEW: _add_profile(desk, NEW), OLD: _add_profile(desk, OLD)}
    for name, labels in desk.boxes.items():
        box = {
            "name": name,
            "infrastructure": desk.people[Role.INFRASTRUCTURE].organisation,
            "kind": "box",
            "labels": labels,
            "profile": profiles[labels["keys"]],
            "evidence_key": desk.yard.evidence_public_file(name).read_text(),
        }
        owner.do("POST", "/api/devices", box)
        connection = {"gateway": GATEWAY, "endpoint": name}
        infrastructure.do("PUT", f"/api/devices/{name}/connection", connection)


def platform_toml(port: int, gateway_uri: str, organisation: str, token: str) -> str:
    """The text of the platform's file.

    Args:
        port: of its HTTP.
        gateway_uri: of the gateway of all boxes.
        organisation: whose gateway it is.
        token: file of its token.
    """
    return f"""\
# The platform of the demo: `tinycontainerctl platform serve` serves it from here.

[http]
bind = "127.0.0.1:{port}"
# To try it: pages sign with a key file that one chooses. `platform sign` needs no such trust.
sign_in_page = true

# What a device runs is looked at more often than usual, so that one need not wait to see it.
[limits]
look_s = 3

# The token is that of {HOLDER} in the gateway's file.
[[gateways]]
name = "{GATEWAY}"
organisation = "{organisation}"
uri = "{gateway_uri}"
token = "{token}"
"""


def _add_profile(desk: DemoDesk, keys: str) -> int:
    key_files = {
        f"keys/{role}.pub": pem.decode() for role, pem in known_keys(desk.people, keys).items()
    }
    profile = {
        "name": f"box with {keys} keys",
        "device_file": write_box_profile(desk.people),
        "key_files": key_files,
    }
    added: Any = desk.client(Role.OWNER).do("POST", "/api/profiles", profile)
    return int(added["id"])


def known_keys(people: dict[Role, DemoPerson], keys: str) -> dict[Role, bytes]:
    """The public keys that a box believes, in PEM, by role.

    Args:
        people: of the demo.
        keys: its label: `NEW` or `OLD`.
    """
    known = {role: each.public_file for role, each in people.items()}
    if keys == OLD:
        known[Role.DEVELOPER] = people[Role.DEVELOPER].former_public_file
    return {role: path.read_bytes() for role, path in known.items()}
