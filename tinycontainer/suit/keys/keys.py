"""Keys of those who make updates: what each is for, and the set that a device believes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tinycontainer_tokens import Algorithm, KeyFileError, KeyMaterial, KeyStore
from tinycontainer_tokens.keys import MAX_KID_BYTES, Verifier

from . import p256


class UpdateAlgorithm(StrEnum):
    """How an update is signed; all four are a COSE_Sign1 with a signature of 64 bytes."""

    ES256 = "ES256"
    """ECDSA with SHA-256 (RFC 9053), here on P-256 alone."""
    ESP256 = "ESP256"
    """The same signature under the name of RFC 9864 that leaves no choice of a curve."""
    EDDSA = "EdDSA"
    """Ed25519 (RFC 9053); of the curves that the name allows the only one."""
    ED25519 = "Ed25519"
    """The same signature under the name of RFC 9864."""

    @property
    def cose_number(self) -> int:
        """Its alg in a COSE header."""
        return _COSE_NUMBER[self]

    @property
    def is_p256(self) -> bool:
        """Whether its keys are on P-256; otherwise they are of Ed25519."""
        return self in _NAMES_OF_P256

    @classmethod
    def of_number(cls, number: int | None) -> "UpdateAlgorithm | None":
        """The algorithm of an alg; None if updates are not signed with it."""
        return next((each for each in cls if each.cose_number == number), None)


_COSE_NUMBER: Final = MappingProxyType(
    {
        UpdateAlgorithm.ES256: -7,
        UpdateAlgorithm.ESP256: -9,
        UpdateAlgorithm.EDDSA: -8,
        UpdateAlgorithm.ED25519: -19,
    }
)
_NAMES_OF_P256: Final = (UpdateAlgorithm.ES256, UpdateAlgorithm.ESP256)
_NAMES_OF_ED25519: Final = (UpdateAlgorithm.EDDSA, UpdateAlgorithm.ED25519)


@dataclass(frozen=True, slots=True)
class UpdateKey:
    """One key. What is secret never shows in its representation.

    Attributes:
        algorithm: what the key signs with.
        public: of Ed25519 the raw key of 32 bytes, of P-256 the uncompressed point of 65.
        secret: the private half, 32 bytes; None if only the public half is known.
        kid: key id of 1 to 64 bytes, if the key has one.
        is_alg_fixed: whether the key is for its algorithm alone; otherwise it is also for the
            other name of the same signature.
        may_sign, may_verify: what the key is for, of what it can do.
        verifier: what verifies with it.

    Raises:
        KeyFileError: a half has another length or is none of its curve, the halves do not belong
            together, or the key id has another length.
    """

    algorithm: UpdateAlgorithm
    public: bytes
    secret: bytes | None = field(default=None, repr=False)
    kid: bytes | None = None
    is_alg_fixed: bool = False
    may_sign: bool = True
    may_verify: bool = True
    verifier: Verifier = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.kid is not None and not 1 <= len(self.kid) <= MAX_KID_BYTES:
            raise KeyFileError(f"a key id has 1 to {MAX_KID_BYTES} bytes, not {len(self.kid)}")
        verifier = self._check_p256() if self.algorithm.is_p256 else self._material().verifier
        object.__setattr__(self, "verifier", verifier)

    @classmethod
    def from_private(cls, algorithm: UpdateAlgorithm, secret: bytes) -> "UpdateKey":
        """A key from its 32 private bytes.

        Raises:
            KeyFileError: they are not private bytes of this algorithm.
        """
        if algorithm.is_p256:
            return cls(algorithm, p256.public_of(secret), secret)
        return cls(algorithm, KeyMaterial.from_private(secret).public, secret)

    @classmethod
    def generate(
        cls, algorithm: UpdateAlgorithm, random_bytes: Callable[[int], bytes]
    ) -> "UpdateKey":
        """A new key.

        Args:
            algorithm: what it signs with.
            random_bytes: makes a number of bytes that nobody can guess.
        """
        secret = random_bytes(32)
        while algorithm.is_p256 and not p256.is_private(secret):  # one time in 2^32
            secret = random_bytes(32)
        return cls.from_private(algorithm, secret)

    def allows(self, algorithm: UpdateAlgorithm) -> bool:
        """Whether the key is for updates that are signed with an algorithm."""
        if algorithm is self.algorithm:
            return True
        return not self.is_alg_fixed and algorithm.is_p256 is self.algorithm.is_p256

    def restrict_to(self, algorithm: UpdateAlgorithm) -> "UpdateKey":
        """The same key, for one algorithm alone.

        Raises:
            KeyFileError: the key is not for that algorithm.
        """
        if not self.allows(algorithm):
            names = " or ".join(each for each in UpdateAlgorithm if self.allows(each))
            raise KeyFileError(f"this key is for {names}, not for {algorithm}")
        return replace(self, algorithm=algorithm, is_alg_fixed=True)

    def public_half(self) -> "UpdateKey":
        """The same key without its private half, and without what key_ops said of that half."""
        return replace(self, secret=None, may_sign=True, may_verify=True)

    def has_signed(self, covered: bytes, proof: bytes) -> bool:
        """Whether a signature over these bytes was made with the private half.

        Args:
            covered: the bytes that it covers.
            proof: 64 bytes; of any other length it does not hold.
        """
        return self.verifier.has_signed(covered, proof)

    def sign(self, covered: bytes) -> bytes:
        """Sign bytes: 64 bytes.

        Raises:
            KeyFileError: the private half is not known, or key_ops does not allow to sign with it.
        """
        if self.secret is None:
            raise KeyFileError("this is a public key; signing needs the private one")
        if not self.may_sign:
            raise KeyFileError("key_ops does not allow to sign with this key")
        if self.algorithm.is_p256:
            return p256.sign(self.secret, covered)
        return Ed25519PrivateKey.from_private_bytes(self.secret).sign(covered)

    def identities(self) -> frozenset[bytes]:
        """The bytes by which another use of this key is recognised, in any other role or form.

        Of a point of P-256 it is x: who can sign for one of the two points with it, can for both.
        """
        if not self.algorithm.is_p256:
            return self._material().identities()
        return frozenset({_x_of(self.public), self.secret or b""} - {b""})

    def _material(self) -> KeyMaterial:
        return KeyMaterial(Algorithm.EDDSA, self.public, self.secret)

    def _check_p256(self) -> Verifier:
        verifier = p256.make_verifier(self.public)
        if self.secret is not None and p256.public_of(self.secret) != self.public:
            raise KeyFileError("the private and the public half of this key do not belong together")
        return verifier


@dataclass(frozen=True, slots=True)
class UpdateKeyEntry:
    """A key, and what a device believes it for.

    Attributes:
        key: the key; a device needs its public half only.
        uids: containers that it may update; None for all.
    """

    key: UpdateKey
    uids: frozenset[bytes] | None = None

    def serves(self, uid: bytes) -> bool:
        """Whether the key may update a container."""
        return self.uids is None or uid in self.uids


class UpdateKeys:
    """An immutable set of update keys.

    Args:
        entries: the keys.
        token_keys: those that the device believes for tokens.

    Raises:
        KeyFileError: one key is there twice, under any algorithm and in any form; or its bytes are
            also those of a key for tokens.
    """

    def __init__(
        self, entries: Iterable[UpdateKeyEntry] = (), token_keys: KeyStore | None = None
    ) -> None:
        self._entries = tuple(entries)
        _refuse_twins(self._entries)
        for token_entry in token_keys or ():
            if self.has(token_entry.material):
                raise KeyFileError(
                    f"one key is for updates and for tokens of the role {token_entry.role};"
                    " give each its own"
                )

    def __iter__(self) -> Iterator[UpdateKeyEntry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def has(self, material: KeyMaterial) -> bool:
        """Whether the bytes of a key for something else are those of one of these, in any form."""
        identities = _identities_of(material)
        return any(entry.key.identities() & identities for entry in self._entries)

    def candidates(
        self, algorithm: UpdateAlgorithm, kid: bytes | None
    ) -> tuple[UpdateKeyEntry, ...]:
        """The entries that may verify an update, in the order they were given.

        A key id narrows the choice only where both update and key have one. Which containers the
        key may update is another question: `UpdateKeyEntry.serves`.
        """
        return tuple(
            entry
            for entry in self._entries
            if entry.key.may_verify
            and entry.key.allows(algorithm)
            and (kid is None or entry.key.kid is None or entry.key.kid == kid)
        )


def _refuse_twins(entries: tuple[UpdateKeyEntry, ...]) -> None:
    first_use: dict[bytes, int] = {}
    for number, entry in enumerate(entries):
        for identity in entry.key.identities():
            first = first_use.setdefault(identity, number)
            if first != number:
                raise KeyFileError(
                    f"keys {first} and {number} are one key; name it once, with all its uids"
                )


def _identities_of(material: KeyMaterial) -> frozenset[bytes]:
    """Those of another key, and of the update key that its secret bytes would make on P-256."""
    if material.secret is None:
        return material.identities()
    try:
        return material.identities() | {_x_of(p256.public_of(material.secret))}
    except KeyFileError:
        return material.identities()


def _x_of(point: bytes) -> bytes:
    return point[1 : 1 + p256.COORDINATE_BYTES]
