"""Keys of the tests' own, which stand in for the keys that a device file names.

Nobody has to have the private keys of a device to test a container for it. For each key of the
device file the device believes one more, of the same role, profile, algorithm and containers; a
test's container is signed with these, and judged as at any load.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tinycontainer.files.device_file import KeyTable, TrustTable
from tinycontainer.files.fields import uid_from_text
from tinycontainer.metadata import Bundle
from tinycontainer.tools.packing import packing
from tinycontainer.tools.packing.manifest import Manifest
from tinycontainer_tokens import Algorithm, KeyEntry, KeyMaterial, Profile, Role

SECRET_BYTES = 32


class StandInKeys:
    """Makes keys when they are first needed, and keeps them: a session needs them once.

    Args:
        random_bytes: source of randomness; returns as many bytes as asked for.
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._keys: dict[tuple[Role, Algorithm, str], KeyMaterial] = {}

    def entries(self, trust: TrustTable) -> Iterator[KeyEntry]:
        """What a device believes beside the keys of its file: stand-ins, and the peers' keys."""
        for table in trust.keys:
            uids = None if table.uids is None else frozenset(map(uid_from_text, table.uids))
            material = self._key(table.role, table.algorithm)
            yield KeyEntry(table.role, table.profile, material, uids)
        for role in Role:
            yield KeyEntry(role, trust.profiles[0], self._peer_key(role))

    def pack(self, manifest: Manifest, trust: TrustTable) -> Bundle:
        """Pack a container for a device.

        It is signed if the device has a key for each role that may sign for it, or if the device
        demands tokens all the same; then its load is refused, as that of any stranger is.

        Args:
            manifest: the container.
            trust: the trust of the device's file.

        Raises:
            MetadataError: a value of the manifest is out of its range.
        """
        blueprint = manifest.blueprint
        fitting = {
            table.role: table
            for table in trust.keys
            if table.profile is blueprint.profile and _may_sign(table, blueprint.container.uid)
        }
        if trust.allow_unsigned and len(fitting) < len(Role):
            return packing.pack_unsigned(blueprint, manifest.code, manifest.data)
        keys = {
            role: self._key(role, fitting[role].algorithm if role in fitting else Algorithm.EDDSA)
            for role in Role
        }
        return packing.pack(blueprint, manifest.code, manifest.data, keys)

    def pack_peer(self, blueprint: packing.Blueprint, code: bytes, trust: TrustTable) -> Bundle:
        """Pack a container that the test plays; any device on the bench believes it."""
        profile = trust.profiles[0]
        if profile is Profile.RIOT_2024:  # whose metadata has no priority
            blueprint = replace(blueprint, container=replace(blueprint.container, priority=None))
        signed = replace(blueprint, profile=profile, sign_endpoints=trust.require_endpoint_tokens)
        return packing.pack(signed, code, b"", {role: self._peer_key(role) for role in Role})

    def _key(self, role: Role, algorithm: Algorithm, whose: str = "") -> KeyMaterial:
        place = (role, algorithm, whose)
        if place not in self._keys:
            secret = self._random_bytes(SECRET_BYTES)
            if algorithm is Algorithm.HMAC_256:
                self._keys[place] = KeyMaterial(algorithm, b"", secret)
            else:
                self._keys[place] = KeyMaterial.from_private(secret).restrict_to(algorithm)
        return self._keys[place]

    def _peer_key(self, role: Role) -> KeyMaterial:
        return self._key(role, Algorithm.EDDSA, "peer")


def present_keys(trust: TrustTable, exists: Callable[[str], bool]) -> Sequence[KeyTable]:
    """The keys of a device file whose files are there.

    Args:
        trust: the trust of the device's file.
        exists: whether a file that it names is there.
    """
    return [table for table in trust.keys if exists(table.file)]


def _may_sign(table: KeyTable, uid: bytes) -> bool:
    return table.uids is None or uid in map(uid_from_text, table.uids)
