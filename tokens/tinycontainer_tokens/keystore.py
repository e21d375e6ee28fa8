"""The set of keys that a device trusts, and the rules that such a set obeys."""

from collections.abc import Iterable, Iterator

from .errors import KeyFileError
from .keys import KeyEntry
from .kinds import Algorithm, Profile, Role


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
            and entry.material.algorithm is algorithm
            and (entry.uids is None or uid in entry.uids)
            and (kid is None or entry.material.kid is None or entry.material.kid == kid)
        )


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
