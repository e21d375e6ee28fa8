"""Makes the tokens by which an owner takes back every right of a container."""

from typing import Any

from support.worlds import KEYS
from tinycontainer.tools.packing.packing import Signer, TokenOptions
from tinycontainer_tokens import KeyMaterial, Profile, Role


def withdrawal(
    uid: str,
    sequence: int = 2,
    *,
    mask: int = 0,
    key: KeyMaterial = KEYS[Role.OWNER],
    **claims: Any,
) -> bytes:
    """A mask token that allows no call, as the owner signs it unless something else is said."""
    options = TokenOptions(sequence=sequence, **claims)
    return Signer(key, uid.encode(), Profile.RFC9052, options).sign_mask(mask)


def riot_withdrawal() -> bytes:
    """The same in the profile of the firmware, which knows no sequences."""
    return Signer(KEYS[Role.OWNER], b"", Profile.RIOT_2024, TokenOptions()).sign_mask(0)
