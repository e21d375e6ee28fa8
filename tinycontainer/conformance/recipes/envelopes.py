"""Makes the envelopes of cases from their recipes, signed with the test keys."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tinycontainer.files.fields import uid_from_text
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.suit.drafts import NewVersion, UpdateDraft, describe
from tinycontainer.suit.envelope.components import component_id
from tinycontainer.suit.envelope.decoder import decode_envelope
from tinycontainer.suit.envelope.encoder import (
    build_envelope,
    digest_of_wrapped,
    encode_manifest,
    encode_sequence,
    signed_bytes,
    with_signature,
)
from tinycontainer.suit.envelope.labels import Label, ManifestMember, Parameter, TextMember
from tinycontainer.suit.envelope.model import (
    Argument,
    CommandSequence,
    ComponentId,
    ParameterValue,
    SuitDigest,
    UpdateCommand,
    UpdateManifest,
)
from tinycontainer.suit.rules import derive_identity
from tinycontainer_tokens import cbor

from ..cases.case import Case, uid_of
from ..cases.updates import (
    ALL_COMPONENTS,
    SHARED,
    CommandRecipe,
    CommandTable,
    SignatureRecipe,
    UpdateRecipe,
    label_of,
    parameter_of,
)
from ..errors import CaseError
from .envelope_damages import DAMAGES_OF_ENVELOPES, DAMAGES_OF_MANIFESTS
from .keys import update_key_for_tests
from .workshop import Workshop

_CHECK: Final = 15
_ACT: Final = 2
"""Reporting policies of conditions and directives; no device looks at them."""

_CONDITIONS: Final = frozenset(
    {
        Label.VENDOR_IDENTIFIER,
        Label.CLASS_IDENTIFIER,
        Label.DEVICE_IDENTIFIER,
        Label.IMAGE_MATCH,
        Label.ABORT,
    }
)


@dataclass(frozen=True, slots=True)
class EnvelopeWorkshop:
    """Makes the envelopes of one case for one profile.

    Attributes:
        case: whose envelopes.
        bundles: its containers by their names.
    """

    case: Case
    bundles: Mapping[str, Bundle]

    def make(self, recipe: UpdateRecipe) -> bytes:
        """Make an envelope.

        Raises:
            CaseError: its recipe names something that does not exist.
        """
        self._require_damage(recipe)
        manifest = self._manifest(recipe)
        severed = _severed(recipe, manifest)
        digests = {label: digest_of_wrapped(content) for label, content in severed.items()}
        encoded = encode_manifest(replace(manifest, severed=digests))
        encoded = DAMAGES_OF_MANIFESTS.get(recipe.damage or "", _unchanged)(encoded)
        carried: dict[int, bytes] = {
            label: content
            for label, content in severed.items()
            if label.name.lower() not in recipe.lacks
        }
        content = build_envelope(encoded, self._payloads(recipe), carried)
        for signature in recipe.signatures:
            content = _sign(content, signature)
        return DAMAGES_OF_ENVELOPES.get(recipe.damage or "", _unchanged)(content)

    def _require_damage(self, recipe: UpdateRecipe) -> None:
        known = recipe.damage in DAMAGES_OF_MANIFESTS or recipe.damage in DAMAGES_OF_ENVELOPES
        if recipe.damage is not None and not known:
            raise CaseError(f"{self.case.id}: {recipe.name}: no damage {recipe.damage!r}")

    def _manifest(self, recipe: UpdateRecipe) -> UpdateManifest:
        manifest = describe(
            UpdateDraft(
                recipe.number,
                derive_identity(recipe.vendor, recipe.class_name, recipe.device),
                tuple(self._version(recipe, name) for name in recipe.containers),
                tuple(map(uid_from_text, recipe.removed)),
            )
        )
        manifest = install_one_by_one(manifest)
        sequences = dict(manifest.sequences)
        for name, commands in recipe.sequences.items():
            if name != SHARED:
                member = ManifestMember[name.replace("-", "_").upper()]
                sequences[member] = self._sequence(recipe, commands)
        shared = manifest.shared
        if SHARED in recipe.sequences:
            shared = self._sequence(recipe, recipe.sequences[SHARED])
        components = manifest.components
        if recipe.components is not None:
            components = tuple(map(_component, recipe.components))
        return replace(
            manifest,
            components=components,
            shared=shared,
            sequences={member: commands for member, commands in sequences.items() if commands},
        )

    def _version(self, recipe: UpdateRecipe, name: str) -> NewVersion:
        sections = self._sections(name)
        uid = uid_of(next(each for each in self.case.containers if each.name == name))
        return NewVersion(uid, sections, name in recipe.starts)

    def _payloads(self, recipe: UpdateRecipe) -> dict[str, bytes]:
        sections = [
            content for name in recipe.containers for content in self._sections(name).values()
        ]
        payloads = {f"#{index}": content for index, content in enumerate(sections)}
        payloads |= {name: self._section(text) for name, text in recipe.payloads.items()}
        return {name: each for name, each in payloads.items() if name not in recipe.without}

    def _sections(self, name: str) -> dict[UpdateSection, bytes]:
        if name not in self.bundles:
            raise CaseError(f"{self.case.id}: there is no container {name}")
        bundle = self.bundles[name]
        return {
            UpdateSection.METADATA: bundle.metadata,
            UpdateSection.DATA: bundle.data,
            UpdateSection.CODE: bundle.code,
        }

    def _section(self, text: str) -> bytes:
        name, _, section = text.partition(".")
        return self._sections(name)[UpdateSection(section)]

    # Commands.

    def _sequence(self, recipe: UpdateRecipe, commands: Iterable[CommandRecipe]) -> CommandSequence:
        return tuple(self._command(recipe, each) for each in commands)

    def _command(self, recipe: UpdateRecipe, command: CommandRecipe) -> UpdateCommand:
        if isinstance(command, str):
            return _plain_command(command)
        if command.try_each is None:
            return UpdateCommand(Label.OVERRIDE_PARAMETERS, self._parameters(recipe, command))
        sequences = [self._sequence(recipe, each) for each in command.try_each]
        return UpdateCommand(Label.TRY_EACH, tuple(each or None for each in sequences))

    def _parameters(
        self, recipe: UpdateRecipe, table: CommandTable
    ) -> Mapping[int, ParameterValue]:
        values: dict[int, ParameterValue] = _identifiers(recipe, table)
        if (measured := table.image or table.digest) is not None:
            content = self._section(measured)
            digest = hashlib.sha256(content).digest()
            values[Parameter.IMAGE_DIGEST] = SuitDigest(table.algorithm, digest)
            if table.image is not None:
                values[Parameter.IMAGE_SIZE] = len(content)
        if table.size is not None:
            values[Parameter.IMAGE_SIZE] = table.size
        if table.content is not None:
            values[Parameter.CONTENT] = self._section(table.content)
        if table.uri is not None:
            values[Parameter.URI] = table.uri
        return values | {parameter_of(name): each for name, each in table.outside.items()}


def _unchanged(content: bytes) -> bytes:
    return content


def _identifiers(recipe: UpdateRecipe, table: CommandTable) -> dict[int, ParameterValue]:
    """Identifiers that are set; those of class and device are derived from the vendor's."""
    vendor = table.vendor or recipe.vendor
    found = derive_identity(vendor, table.class_name or recipe.class_name, table.device)
    values: dict[int, ParameterValue] = {}
    if table.vendor is not None:
        values[Parameter.VENDOR_IDENTIFIER] = found.vendor_id
    if table.class_name is not None:
        values[Parameter.CLASS_IDENTIFIER] = found.class_id
    if found.device_id is not None:
        values[Parameter.DEVICE_IDENTIFIER] = found.device_id
    return values


def _plain_command(text: str) -> UpdateCommand:
    label = label_of(text)
    if label is Label.SET_COMPONENT_INDEX:
        return UpdateCommand(label, _indices(text.split(" ")[1:]))
    return UpdateCommand(label, _CHECK if label in _CONDITIONS else _ACT)


def _indices(words: list[str]) -> Argument:
    if words == [ALL_COMPONENTS]:
        return True
    indices = tuple(map(int, words))
    return indices[0] if len(indices) == 1 else indices


def _component(text: str) -> ComponentId:
    """A component identifier; a section that is none of a container is written as it is."""
    uid, _, section = text.rpartition(" ")
    if section in list(UpdateSection):
        return component_id(uid_from_text(uid), UpdateSection(section))
    return cbor.encode(uid_from_text(uid)), cbor.encode(section)


def _severed(recipe: UpdateRecipe, manifest: UpdateManifest) -> dict[ManifestMember, bytes]:
    """The encoded members that lie outside of the manifest."""
    severed: dict[ManifestMember, bytes] = {}
    if recipe.severed:
        install = manifest.sequences[ManifestMember.INSTALL]
        severed[ManifestMember.INSTALL] = encode_sequence(install)
    if recipe.text is not None:
        text = {"en": {int(TextMember.UPDATE_DESCRIPTION): recipe.text}}
        severed[ManifestMember.TEXT] = cbor.encode(text)
    return severed


def _sign(content: bytes, recipe: SignatureRecipe) -> bytes:
    key = update_key_for_tests(recipe.key)
    header: dict[int, cbor.Encodable] = {1: recipe.alg or key.algorithm.cose_number}
    if recipe.kid is not None:
        header[4] = bytes.fromhex(recipe.kid)
    protected = cbor.encode(header)
    proof = key.sign(signed_bytes(decode_envelope(content), protected))
    return with_signature(content, protected, proof)


def install_one_by_one(manifest: UpdateManifest) -> UpdateManifest:
    """The same, but install has the uri of each component, and fetches one after the other.

    So a recipe can replace one of them, and vectors stay what they are when the tool writes less.

    Args:
        manifest: as the tool makes it.
    """
    if ManifestMember.INSTALL not in manifest.sequences:
        return manifest
    shared: list[UpdateCommand] = []
    install: list[UpdateCommand] = []
    for command in manifest.shared:
        values = dict(command.argument) if isinstance(command.argument, Mapping) else {}
        uri = values.pop(Parameter.URI, None)
        shared.append(replace(command, argument=values) if values else command)
        if uri is not None:
            install += [
                UpdateCommand(Label.SET_COMPONENT_INDEX, len(install) // 4),
                UpdateCommand(Label.OVERRIDE_PARAMETERS, {Parameter.URI: uri}),
                UpdateCommand(Label.FETCH, _ACT),
                UpdateCommand(Label.IMAGE_MATCH, _CHECK),
            ]
    sequences = {**manifest.sequences, ManifestMember.INSTALL: tuple(install)}
    return replace(manifest, shared=tuple(shared), sequences=sequences)


def make_envelopes(case: Case, modules: Mapping[str, bytes]) -> dict[str, bytes]:
    """Make all envelopes of a case, in all its profiles. Returns their content by file name.

    Raises:
        CaseError: a recipe names something that does not exist.
    """
    made = {}
    for profile in case.profiles if case.updates else ():
        workshop = Workshop(case, profile, modules)
        bundles = {each.name: workshop.make(each) for each in case.containers}
        for recipe in case.updates:
            envelope = EnvelopeWorkshop(case, bundles).make(recipe)
            made[case.envelope_name(recipe.name, profile)] = envelope
    return made
