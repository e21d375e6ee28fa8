"""Makes updates for a test, signs them, and applies them to the device of a `World`."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from support.worlds import KEYS, World
from tinycontainer.interfaces.updating import UpdateIdentity, UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.suit.drafts import NewVersion, UpdateDraft, make_envelope
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey, UpdateKeyEntry, UpdateKeys
from tinycontainer.suit.rules import UpdateRules, derive_identity
from tinycontainer.suit.signing import sign_envelope
from tinycontainer.suit.updater import Updater
from tinycontainer.tools.packing.packing import Blueprint, pack

IDENTITY = derive_identity("example.com", "box", "box1")
CLASS = replace(IDENTITY, device_id=None)
"""The identity of all devices of the class."""

KEY = UpdateKey.from_private(UpdateAlgorithm.ESP256, b"\x51" * 32)
OTHER = UpdateKey.from_private(UpdateAlgorithm.ED25519, b"\x52" * 32)


def sections(plan: Blueprint, code: str | None = None, data: bytes = b"") -> Bundle:
    """A signed bundle; its code is the name of its program, by default its uid."""
    name = plan.container.uid if code is None else code.encode()
    return pack(plan, name, data, KEYS)


def version(
    bundle: Bundle,
    uid: bytes,
    *,
    starts: bool = False,
    uris: Mapping[UpdateSection, str] | None = None,
) -> NewVersion:
    """A bundle as the next version of a container."""
    contents = (bundle.metadata, bundle.data, bundle.code)
    return NewVersion(uid, dict(zip(UpdateSection, contents, strict=True)), starts, uris or {})


def plan_version(plan: Blueprint, code: str | None = None, *, starts: bool = False) -> NewVersion:
    """A container as the next version of itself."""
    return version(sections(plan, code), plan.container.uid, starts=starts)


def draft(
    *containers: NewVersion,
    number: int = 1,
    identity: UpdateIdentity = CLASS,
    removed: Iterable[bytes] = (),
) -> UpdateDraft:
    """An update of containers."""
    return UpdateDraft(number, identity, containers, tuple(removed))


def sign(envelope: bytes, *keys: UpdateKey) -> bytes:
    """An envelope with the signatures of keys, by default of the test key."""
    for key in keys or (KEY,):
        envelope = sign_envelope(envelope, key)
    return envelope


def signed(*containers: NewVersion, number: int = 1, **more: object) -> bytes:
    """A signed envelope that brings containers."""
    return sign(make_envelope(draft(*containers, number=number, **more)))  # type: ignore[arg-type]


def rules(*entries: UpdateKeyEntry, origins: tuple[str, ...] = ()) -> UpdateRules:
    """Rules that believe the test key, or other ones."""
    believed = entries or (UpdateKeyEntry(KEY.public_half()),)
    return UpdateRules(IDENTITY, UpdateKeys(believed), origins)


def updater(world: World, found: UpdateRules | None = None) -> Updater:
    """What updates a device."""
    return Updater(found or rules(), world.device)
