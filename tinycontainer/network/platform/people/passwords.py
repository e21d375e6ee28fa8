"""Passwords: only their Argon2id hashes are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ..refusing import bad_request, failed

MIN_CHARACTERS: Final = 12
MAX_BYTES: Final = 128
_WAITING_EACH: Final = 4
"""How many may wait or be hashed, for each that is hashed at once."""


@dataclass(frozen=True, slots=True)
class PasswordCost:
    """What one guess costs.

    Attributes:
        passes: over the memory.
        memory_kib: that is filled.
        lanes: that are filled at once.
    """

    passes: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 1


class Passwords:
    """Hashes and checks passwords, few at once.

    Args:
        cost: of one hash.
        at_once: how many are made at once, because each takes much memory.
        unknown: a password that nobody has, drawn at random.
    """

    def __init__(self, cost: PasswordCost, at_once: int, unknown: bytes) -> None:
        self._hasher = PasswordHasher(cost.passes, cost.memory_kib, cost.lanes)
        self._places = BoundedSemaphore(at_once)
        # Whoever waits keeps a thread of the server from others, so few may.
        self._waiting = BoundedSemaphore(_WAITING_EACH * at_once)
        self._hash_of_nobody = self._hasher.hash(unknown)

    def hash(self, password: str) -> str:
        """The hash that is kept of a new password.

        Raises:
            PlatformRefused: it is too short or too long, or too many are hashed just now.
        """
        require_good(password)
        with self._place():
            return self._hasher.hash(password)

    def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether a password is the one of a hash.

        Args:
            password_hash: None for a name that nobody has: it takes the same time, and is wrong.
            password: of whoever wants to log in.

        Raises:
            PlatformRefused: too many are hashed just now.
        """
        with self._place():
            try:
                self._hasher.verify(password_hash or self._hash_of_nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None

    def renew(self, password_hash: str, password: str) -> str:
        """The hash of a right password, made anew if it has another cost than new ones.

        Else the time that a check takes would tell names that somebody has from others.

        Raises:
            PlatformRefused: too many are hashed just now.
        """
        if not self._hasher.check_needs_rehash(password_hash):
            return password_hash
        with self._place():
            return self._hasher.hash(password)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._waiting.acquire(blocking=False):
            raise failed("too many passwords are checked just now; try again")
        try:
            with self._places:
                yield
        finally:
            self._waiting.release()


def require_good(password: str) -> None:
    """Refuse a new password that is too short or too long.

    Raises:
        PlatformRefused: it is.
    """
    if len(password) < MIN_CHARACTERS:
        raise bad_request(f"password: has fewer than {MIN_CHARACTERS} characters")
    if len(password.encode(errors="surrogatepass")) > MAX_BYTES:
        raise bad_request(f"password: has more than {MAX_BYTES} bytes")
