"""Makes the containers of cases from their recipes, signed with the test keys.

The bundles are committed; `python -m tinycontainer.conformance.recipes DIRECTORY` makes them again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.syscalls import Syscall, mask_to_bytes
from tinycontainer.metadata import (
    Bundle,
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    PeerType,
    Security,
    encode,
    encode_endpoint,
)
from tinycontainer_tokens import (
    Algorithm,
    Claims,
    KeyMaterial,
    Kind,
    Profile,
    Role,
    issue,
)
from tinycontainer_tokens.kinds import SIGNING_ROLE

from ..cases.case import Case, ContainerRecipe, EndpointRecipe, uid_of
from ..errors import CaseError
from .damages import DAMAGES_OF_BUNDLES, DAMAGES_OF_ENCODING, DAMAGES_OF_METADATA
from .keys import STRANGER, key_for_tests, key_of_role

BUNDLES_DIRECTORY: Final = "bundles"
ENVELOPES_DIRECTORY: Final = "envelopes"
CONTAINERS_DIRECTORY: Final = "containers"
MAX_CODE_BYTES: Final = 1 << 16
_MARK: Final = b"@SCRIPT@"
_PUPPETS: Final = {Profile.RFC9052: "puppet.wasm", Profile.RIOT_2024: "puppet-firmware.wasm"}


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes the containers of one case for one profile.

    Attributes:
        case: whose containers.
        profile: format of the tokens, unless a recipe names another.
        modules: files of the directory ``containers`` by name: code and models.
    """

    case: Case
    profile: Profile
    modules: Mapping[str, bytes]

    def make_file(self, recipe: ContainerRecipe) -> bytes:
        """Make the content of a container's file. Raises CaseError as `make` does."""
        encoded = self.make(recipe).encode()
        change = DAMAGES_OF_ENCODING.get(recipe.damage or "")
        return encoded if change is None else change(encoded)

    def make(self, recipe: ContainerRecipe) -> Bundle:
        """Make the bundle of a container.

        Raises:
            CaseError: its recipe names something that does not exist.
        """
        if recipe.profile not in (None, self.profile):
            return replace(self, profile=recipe.profile).make(recipe)
        code = self._code(recipe)
        data = self._data(recipe)
        metadata = self._metadata(recipe, code, data)
        bundle = Bundle(metadata, data, code)
        elsewhere = (DAMAGES_OF_METADATA, DAMAGES_OF_ENCODING)
        if recipe.damage is None or any(recipe.damage in each for each in elsewhere):
            return bundle
        if recipe.damage not in DAMAGES_OF_BUNDLES:
            raise CaseError(f"{self.case.id}: {recipe.name}: no damage {recipe.damage!r}")
        return DAMAGES_OF_BUNDLES[recipe.damage](bundle)

    def _code(self, recipe: ContainerRecipe) -> bytes:
        if recipe.code is not None:
            return self._module(recipe.code)
        module = self.modules[_PUPPETS[self.profile]]
        script = recipe.script.encode()
        at = module.index(_MARK)
        # The puppet has room for the longest script; zeros end a shorter one.
        script_bytes = max(len(_MARK), len(script))
        return module[:at] + script.ljust(script_bytes, b"\0") + module[at + script_bytes :]

    def _data(self, recipe: ContainerRecipe) -> bytes:
        if recipe.data_file is not None:
            return self._module(recipe.data_file)
        return recipe.data.encode()

    def _module(self, name: str) -> bytes:
        if name not in self.modules:
            raise CaseError(f"{self.case.id}: there is no file {name} of a container")
        return self.modules[name]

    def _metadata(self, recipe: ContainerRecipe, code: bytes, data: bytes) -> bytes:
        endpoints = tuple(self._endpoint(recipe, each) for each in recipe.endpoints)
        if recipe.tokens.unsigned:
            return encode(self._container(recipe, b""), endpoints, self._security(recipe))
        security = replace(
            self._security(recipe),
            code_token=self._sign_content(recipe, Kind.CODE, code),
            data_token=self._sign_content(recipe, Kind.DATA, data),
            metadata_token=self._sign_content(recipe, Kind.METADATA, b""),
        )
        container = self._container(recipe, self._mask_token(recipe))
        # The metadata token is last and covers all bytes before it (TC-TOK-16), its own length
        # included: a draft with a token of the same length gives these bytes.
        draft = encode(container, endpoints, security)
        prefix = draft[: len(draft) - len(security.metadata_token)]
        if recipe.damage is not None and recipe.damage in DAMAGES_OF_METADATA:
            prefix = DAMAGES_OF_METADATA[recipe.damage](prefix, len(security.metadata_token))
        return prefix + self._sign_content(recipe, Kind.METADATA, prefix)

    def _container(self, recipe: ContainerRecipe, mask_token: bytes) -> ContainerMap:
        return ContainerMap(
            uid=uid_of(recipe),
            type=ContainerType(recipe.type),
            syscall_mask_token=mask_token,
            exec_time_ms=recipe.timing.exec,
            period_ms=recipe.timing.key_period,
            period_max_ms=recipe.timing.period_max,
            lifetime_loops=recipe.timing.key_lifetime,
            priority=recipe.priority,
        )

    def _security(self, recipe: ContainerRecipe) -> Security:
        timing = recipe.timing
        return Security(timing.start, timing.period, timing.loop, timing.lifetime, timing.stop)

    def _endpoint(self, recipe: ContainerRecipe, each: EndpointRecipe) -> Endpoint:
        kind = PeerType.CONTAINER if each.container is not None else PeerType.LOCAL
        endpoint = Endpoint(
            each.id,
            PeerType.REMOTE if each.remote else kind,
            each.peer,
            Direction[each.direction.upper()],
            None if each.container is None else each.container.encode(),
        )
        if not recipe.tokens.sign_endpoints:
            return endpoint
        covered = encode_endpoint(endpoint, with_token=False)
        return replace(endpoint, token=self._sign_content(recipe, Kind.ENDPOINT, covered))

    def _mask_token(self, recipe: ContainerRecipe) -> bytes:
        if recipe.tokens.mask_of is not None:
            other = next(c for c in self.case.containers if c.name == recipe.tokens.mask_of)
            return self._mask_token(other)
        mask = mask_to_bytes(sum(Syscall[call.upper()].bit for call in recipe.calls))
        if recipe.tokens.mask_bytes is not None:
            mask = bytes.fromhex(recipe.tokens.mask_bytes)
        return self._sign(recipe, Kind.MASK, Claims(mask=mask))

    def _sign_content(self, recipe: ContainerRecipe, kind: Kind, content: bytes) -> bytes:
        return self._sign(recipe, kind, Claims(sha256=hashlib.sha256(content).digest()))

    def _sign(self, recipe: ContainerRecipe, place: Kind, claims: Claims) -> bytes:
        tokens = recipe.tokens
        if self.profile is Profile.RFC9052:
            claimed = tokens.kind.get(place.name.lower(), place.name)
            claims = replace(
                claims,
                uid=uid_of(recipe),
                kind=Kind[claimed.upper()],
                sequence=tokens.sequence,
                audience=tokens.audience,
                expires_s=tokens.expires.get(place.name.lower(), tokens.expires_s),
                not_before_s=tokens.not_before_s,
            )
        return issue(claims, place, self._key(recipe, SIGNING_ROLE[place]), self.profile)

    def _key(self, recipe: ContainerRecipe, role: Role) -> KeyMaterial:
        tokens = recipe.tokens
        if role in tokens.strangers:
            return key_for_tests(STRANGER)
        if tokens.swapped and role is tokens.swapped[0]:
            role = tokens.swapped[1]
        key = key_of_role(role, self.profile, hmac=role in tokens.hmac)
        return key.restrict_to(Algorithm.ED25519) if role in tokens.ed25519 else key


def make_bundles(case: Case, modules: Mapping[str, bytes]) -> dict[str, bytes]:
    """Make all bundles of a case, in all its profiles. Returns their content by file name."""
    made = {}
    for profile in case.profiles:
        workshop = Workshop(case, profile, modules)
        for recipe in case.bundled():
            name = case.bundle_name(recipe, profile)
            made[name] = workshop.make_file(recipe)
    return made


def read_modules(directory: Path) -> dict[str, bytes]:
    """Code and models of the directory ``containers``, by file name."""
    paths = [
        path
        for path in sorted((directory / CONTAINERS_DIRECTORY).iterdir())
        if path.suffix in (".wasm", ".rbf", ".tflite")
    ]
    return {path.name: read_bounded(path, MAX_CODE_BYTES) for path in paths}
