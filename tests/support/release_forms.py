"""What the four parties fill in on the pages of a release, for tests that send the forms."""

from collections.abc import Mapping
from typing import Any, Final

from support.four_parties import BOX, CODE
from support.platform_pages import PageWorld
from support.sboms import TLS, document
from support.updates import draft, sign
from tinycontainer.suit.drafts import make_envelope

CONTENTS: Final = ("code", "data", "sbom", "envelope", "rights", "plan")
UPLOADS: Final = ("code", "data", "sbom", "envelope")
FIELDS: Final[Mapping[str, dict[str, str]]] = {
    "code": {"type": "wasm", "call-open": "on"},
    "rights": {"call-open": "on", "call-heartbeat": "on"},
    "plan": {
        "period_ms": "250", "id-0": "1", "peer-0": "local", "peer_endpoint-0": "7",
        "peer_uid-0": "", "direction-0": "in",
    },
}  # fmt: skip
PARTIES: Final = {"provider": "data", "infrastructure": "infra", "owner": "boxes"}


def file_of(content: str) -> bytes:
    """The bytes that a party brings."""
    if content == "envelope":
        uid = bytes.fromhex(BOX)
        return sign(make_envelope(draft(removed=[uid])))
    return {"code": CODE, "data": b"settings", "sbom": document(TLS)}[content]


def chosen(path: str) -> dict[str, Any]:
    """The file of a form, as `PageClient.send` takes it; nothing for forms without one."""
    content = path.rpartition("/")[2]
    return {"files": {"file": ("a file", file_of(content))}} if content in UPLOADS else {}


def release_form(world: PageWorld, path: str) -> tuple[str, dict[str, str]] | None:
    """Path and fields of a form by which somebody begins a release or brings something to one.

    Args:
        world: with the container ``box``.
        path: of the route, with the digits of the uid in it.
    """
    match path.split("/")[1:]:
        case ["applications"]:
            return path, {"new_uid": f"lamp-{next(world.releases)}", "name": "Lamp"}
        case ["releases", "begin"]:
            number = str(next(world.releases))
            fields = {"uid": BOX, "number": number, "profile": "rfc9052", "signs_endpoints": "on"}
            return path, {**fields, **PARTIES}
        case ["releases", _, _, "next"]:
            next(world.releases)  # it takes the number after the last one
            return path.replace("{number}", "1"), {}
        case ["releases", _, _, content, *_] if content in CONTENTS:
            number = str(next(world.releases))
            world.rollouts.parties.begin(int(number))
            return path.replace("{number}", number), FIELDS.get(content, {})
    return None
