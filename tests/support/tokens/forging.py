"""Packs containers in which one token is wrong: its signer, its uid, its kind, or its bytes."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from support.worlds import KEYS
from tinycontainer.interfaces.syscalls import mask_to_bytes
from tinycontainer.metadata import Bundle, Endpoint, encode, encode_endpoint
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions
from tinycontainer_tokens import Claims, KeyMaterial, Kind, Profile, issue
from tinycontainer_tokens.kinds import SIGNING_ROLE


@dataclass(frozen=True)
class Forger:
    """Packs as the tools do, but makes one token differently.

    Attributes:
        place: which token is wrong.
        key: the key that signs it; None: the right one.
        uid: the container that it names; None: the right one.
        kind: the kind that it claims; None: the right one.
        options: its other claims; None: those of the plan.
        change: changes its bytes after signing.
    """

    place: Kind
    key: KeyMaterial | None = None
    uid: bytes | None = None
    kind: Kind | None = None
    options: TokenOptions | None = None
    change: Callable[[bytes], bytes] | None = None

    def pack(self, plan: Blueprint, data: bytes = b"", code: bytes | None = None) -> Bundle:
        """The bundle; by default its code is the uid, as in a `World`. Endpoints are signed."""
        code = plan.container.uid if code is None else code
        security = replace(
            plan.security,
            code_token=self._content(plan, Kind.CODE, code),
            data_token=self._content(plan, Kind.DATA, data),
            metadata_token=self._content(plan, Kind.METADATA, b""),
        )
        draft = encode(
            replace(plan.container, syscall_mask_token=self._mask(plan)),
            tuple(self._signed(plan, endpoint) for endpoint in plan.endpoints),
            security,
        )
        prefix = draft[: len(draft) - len(security.metadata_token)]
        return Bundle(prefix + self._content(plan, Kind.METADATA, prefix), data, code)

    def _signed(self, plan: Blueprint, endpoint: Endpoint) -> Endpoint:
        covered = encode_endpoint(endpoint, with_token=False)
        return replace(endpoint, token=self._content(plan, Kind.ENDPOINT, covered))

    def _content(self, plan: Blueprint, place: Kind, content: bytes) -> bytes:
        return self._token(plan, place, Claims(sha256=hashlib.sha256(content).digest()))

    def _mask(self, plan: Blueprint) -> bytes:
        return self._token(plan, Kind.MASK, Claims(mask=mask_to_bytes(plan.mask)))

    def _token(self, plan: Blueprint, place: Kind, claims: Claims) -> bytes:
        honest = Forger(place)
        liar = self if place is self.place else honest
        options = liar.options or plan.options
        if plan.profile is Profile.RFC9052:
            claims = replace(
                claims,
                uid=liar.uid or plan.container.uid,
                kind=liar.kind or place,
                sequence=options.sequence,
                audience=options.audience,
                not_before_s=options.not_before_s,
                expires_s=options.expires_s,
                issued_s=options.issued_s,
            )
        key = liar.key or KEYS[SIGNING_ROLE[place]]
        token = issue(claims, place, key, plan.profile)
        return token if liar.change is None else liar.change(token)


def flipped(bit: int) -> Callable[[bytes], bytes]:
    """Make a change that flips one bit, counted from the highest bit of the first byte."""

    def change(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[bit // 8] ^= 0x80 >> bit % 8
        return bytes(changed)

    return change
