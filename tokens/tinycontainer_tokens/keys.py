"""Keys: their material, the entries that bind it to a role, and the set that a device trusts."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .ed25519_points import ED25519_BYTES, find_point_problem
from .errors import KeyFileError
from .kinds import Algorithm, Profile, Role

MAX_KID_BYTES = 64
"""Longest key id."""

HMAC_BYTES = 32
SIGNATURE_BYTES = 64


class Verifier:
    """The public half of a key, and the signatures that it has found to hold.

    Whether a signature holds depends on the key, the bytes and the signature alone, so it holds for
    every device and at every time (ADR 19). What a device concludes from it is never kept. Threads
    can share a verifier.

    Args:
        check: raises `InvalidSignature` unless a signature of 64 bytes over these bytes holds.
    """

    MAX_KNOWN = 256
    """Signatures that are kept, 32 bytes of each; then it begins again with none."""

    __slots__ = ("_check", "_known")

    def __init__(self, check: Callable[[bytes, bytes], None]) -> None:
        self._check = check
        self._known: set[bytes] = set()

    def has_signed(self, covered: bytes, signature: bytes) -> bool:
        """Whether a signature over these bytes was made with the private half.

        Args:
            covered: the bytes that it covers.
            signature: 64 bytes; of any other length it does not hold.
        """
        if len(signature) != SIGNATURE_BYTES:  # otherwise two pairs could have one digest
            return False
        digest = hashlib.sha256(signature + covered).digest()
        if digest in self._known:
            return True
        try:
            self._check(signature, covered)
        except InvalidSignature:
            return False
        if len(self._known) >= self.MAX_KNOWN:
            self._known.clear()
        self._known.add(digest)
        return True


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """One key. What is secret never shows in its representation.

    Attributes:
        algorithm: what the key signs with.
        public: raw Ed25519 public key of 32 bytes; empty for HMAC.
        secret: raw Ed25519 private key, or HMAC key, of 32 bytes; None if only the
            public half is known.
        kid: key id of 1 to 64 bytes, if the key has one.
        is_alg_fixed: whether an ``EdDSA`` key is for alg -8 alone. Otherwise it is for -19 too:
            both are signatures with Ed25519. Any other key is for its own alg alone.
        may_sign, may_verify: what the key is for, of what it can do.
        verifier: what verifies with an Ed25519 key; None for HMAC.
    """

    algorithm: Algorithm
    public: bytes
    secret: bytes | None = field(default=None, repr=False)
    kid: bytes | None = None
    is_alg_fixed: bool = False
    may_sign: bool = True
    may_verify: bool = True
    verifier: Verifier | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.kid is not None and not 1 <= len(self.kid) <= MAX_KID_BYTES:
            raise KeyFileError(f"a key id has 1 to {MAX_KID_BYTES} bytes, not {len(self.kid)}")
        if self.algorithm is Algorithm.HMAC_256:
            size = len(self.secret or b"")
            if self.public or size != HMAC_BYTES:
                raise KeyFileError(f"an HMAC key has {HMAC_BYTES} bytes, not {size}")
            object.__setattr__(self, "verifier", None)
            return
        if len(self.public) != ED25519_BYTES:
            raise KeyFileError(f"an Ed25519 key has {ED25519_BYTES} bytes, not {len(self.public)}")
        problem = find_point_problem(self.public)
        if problem is not None:
            raise KeyFileError(problem)
        if self.secret is not None and _public_half(self.secret) != self.public:
            raise KeyFileError("the private and the public half of this key do not belong together")
        check = Ed25519PublicKey.from_public_bytes(self.public).verify
        object.__setattr__(self, "verifier", Verifier(check))

    @classmethod
    def from_private(cls, secret: bytes, kid: bytes | None = None) -> "KeyMaterial":
        """An Ed25519 key from its 32 private bytes.

        Raises:
            KeyFileError: not 32 bytes.
        """
        return cls(Algorithm.EDDSA, _public_half(secret), secret, kid)

    @property
    def is_symmetric(self) -> bool:
        """Whether who verifies with this key can also sign with it."""
        return self.algorithm is Algorithm.HMAC_256

    def allows(self, algorithm: Algorithm, profile: Profile) -> bool:
        """Whether the key is for tokens that are made with an algorithm.

        A token of ``riot-2024`` names none, so there only the kind of proof counts.
        """
        if self.is_symmetric or algorithm is Algorithm.HMAC_256:
            return self.algorithm is algorithm
        if profile is Profile.RIOT_2024 or self.algorithm is algorithm:
            return True
        return self.algorithm is Algorithm.EDDSA and not self.is_alg_fixed

    def restrict_to(self, algorithm: Algorithm) -> "KeyMaterial":
        """The same key, for one algorithm alone, which it signs with.

        Raises:
            KeyFileError: the key is not for that algorithm.
        """
        if not self.allows(algorithm, Profile.RFC9052):
            raise KeyFileError(f"this key is for {self.algorithm}, not for {algorithm}")
        return replace(self, algorithm=algorithm, is_alg_fixed=algorithm is Algorithm.EDDSA)

    def public_half(self) -> "KeyMaterial":
        """The same key without its secret half, and without what key_ops said of that half.

        Raises:
            KeyFileError: an HMAC key has no public half.
        """
        if self.algorithm is Algorithm.HMAC_256:
            raise KeyFileError("an HMAC key has no public half")
        if self.secret is None and self.may_sign and self.may_verify:
            return self
        return replace(self, secret=None, may_sign=True, may_verify=True)

    @property
    def hmac_key(self) -> bytes:
        """The bytes of an HMAC key.

        Raises:
            KeyFileError: it is no HMAC key.
        """
        if self.algorithm is not Algorithm.HMAC_256 or self.secret is None:
            raise KeyFileError("this is no HMAC key")
        return self.secret

    def identities(self) -> frozenset[bytes]:
        """The bytes by which another use of this key is recognised, in any other role or form."""
        known = {self.public or b"", self.secret or b""}
        if self.secret is not None:
            known.add(_public_half(self.secret))
        return frozenset(known - {b""})


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key in a role: what a device trusts it for.

    Attributes:
        role: whose key it is.
        profile: the one profile that it signs.
        material: the key.
        uids: containers that it may sign for; None for all.
    """

    role: Role
    profile: Profile
    material: KeyMaterial
    uids: frozenset[bytes] | None = None


class KeyStore:
    """An immutable set of key entries.

    Raises:
        KeyFileError: one key's bytes are in two roles, which is allowed only where every use of
            them is ``riot-2024``, as the firmware has a single key; or half of an Ed25519 key is
            used as an HMAC key, though its public half is no secret. Clause TC-TOK-02.
    """

    def __init__(self, entries: Iterable[KeyEntry] = ()) -> None:
        self._entries = tuple(entries)
        _refuse_shared_keys(self._entries)
        _refuse_halves_as_secret(self._entries)

    def __iter__(self) -> Iterator[KeyEntry]:
        return iter(self._entries)

    def candidates(
        self, role: Role, profile: Profile, algorithm: Algorithm, uid: bytes, kid: bytes | None
    ) -> tuple[KeyEntry, ...]:
        """The entries that may verify a token, in the order they were given.

        A key id narrows the choice only where both token and key have one.
        """
        return tuple(
            entry
            for entry in self._entries
            if entry.role is role
            and entry.profile is profile
            and entry.material.may_verify
            and entry.material.allows(algorithm, profile)
            and (entry.uids is None or uid in entry.uids)
            and (kid is None or entry.material.kid is None or entry.material.kid == kid)
        )


def _public_half(secret: bytes) -> bytes:
    if len(secret) != ED25519_BYTES:
        raise KeyFileError(f"an Ed25519 private key has {ED25519_BYTES} bytes, not {len(secret)}")
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def _refuse_shared_keys(entries: tuple[KeyEntry, ...]) -> None:
    uses: dict[bytes, list[KeyEntry]] = {}
    for entry in entries:
        for identity in entry.material.identities():
            uses.setdefault(identity, []).append(entry)
    for shared in uses.values():
        roles = {entry.role for entry in shared}
        profiles = {entry.profile for entry in shared}
        if len(roles) > 1 and profiles != {Profile.RIOT_2024}:
            raise KeyFileError(
                f"one key has the roles {' and '.join(sorted(roles))}; give each role its own"
            )


def _refuse_halves_as_secret(entries: tuple[KeyEntry, ...]) -> None:
    public = {entry.material.public for entry in entries if entry.material.public}
    for entry in entries:
        if entry.material.algorithm is Algorithm.HMAC_256 and entry.material.identities() & public:
            raise KeyFileError(
                f"the HMAC key of the role {entry.role} is half of an Ed25519 key that is known"
            )
