"""The processor: carries out the commands of an accepted manifest, and says what it makes of whom.

It changes nothing. It stages what each component is to hold, checks every condition, and ends with
the changes that the device is asked for. The order of the sequences: payload-fetch, install,
validate, invoke, each after the shared one; or uninstall.

A component is taken only after an image-match of its own has succeeded on exactly these bytes,
whatever the manifest says: integrated payloads are not covered by the signature. And it is taken
only after conditions on vendor and class have succeeded for it. Clauses TC-UPD-13 to TC-UPD-19.
"""

import hashlib
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from tinycontainer.errors import MetadataError, UpdateReason, UpdateRefused
from tinycontainer.interfaces.updating import (
    ContainerChange,
    Updatable,
    UpdateIdentity,
    UpdateSection,
)
from tinycontainer.metadata import decode as decode_metadata
from tinycontainer.text import show

from .envelope.components import parse_component
from .envelope.labels import Label, ManifestMember, Parameter
from .envelope.model import CommandSequence, ParameterValue, SuitDigest, UpdateCommand
from .rules import UpdateRules
from .verification import Examined

_ORDER: Final = (
    ManifestMember.PAYLOAD_FETCH,
    ManifestMember.INSTALL,
    ManifestMember.VALIDATE,
    ManifestMember.INVOKE,
    ManifestMember.UNINSTALL,
)


MAX_FETCHES: Final = 200
"""The most payloads that one update has fetched from elsewhere."""


@dataclass(frozen=True, slots=True)
class PayloadRequest:
    """A payload that has to be fetched from elsewhere.

    Attributes:
        uri: where it is, at an origin that the device may fetch from.
        most_bytes: longest payload that is of use.
    """

    uri: str
    most_bytes: int


Processing: TypeAlias = Generator[PayloadRequest, "bytes | None", tuple[ContainerChange, ...]]
"""Asks for payloads, is sent each (None if there is none to be had), returns the changes."""


@dataclass(slots=True)
class _Component:
    """One component while the manifest is processed.

    Attributes:
        uid, section: which it is.
        parameters: what was set for it.
        staged: what it is to hold; None if it is what is installed.
        matched: whether an image-match has succeeded on what it is to hold.
        meant: which of the conditions on vendor and class have succeeded.
        starts, unlinked: whether it was invoked, or unlinked.
    """

    uid: bytes
    section: UpdateSection
    parameters: dict[int, ParameterValue] = field(default_factory=dict)
    staged: bytes | None = None
    matched: bool = False
    meant: frozenset[Label] = frozenset()
    starts: bool = False
    unlinked: bool = False

    @property
    def name(self) -> str:
        return f"{show(self.uid)} {self.section}"

    def stage(self, content: bytes) -> None:
        self.staged, self.matched = content, False

    def copy(self) -> "_Component":
        return replace(self, parameters=dict(self.parameters))


def process(examined: Examined, rules: UpdateRules, target: Updatable) -> Processing:
    """Carry out an accepted manifest, up to the moment at which the device would change.

    Args:
        examined: what was accepted.
        rules: for which devices an update has to be, and from where it may be fetched.
        target: says what is installed, and what fits.

    Returns:
        One change for each container, in the order of the manifest.

    Raises:
        UpdateRefused: a condition does not hold, a payload is missing or too long, or a component
            was not matched.
    """
    return _Processor(examined, rules, target).run()


class _Processor:
    def __init__(self, examined: Examined, rules: UpdateRules, target: Updatable) -> None:
        self._examined = examined
        self._rules = rules
        self._target = target
        self._components = [
            _Component(*parse_component(each)) for each in examined.manifest.components
        ]
        self._selected: tuple[int, ...] = ()
        self._digests: dict[bytes, bytes] = {}
        self._fetches_left = MAX_FETCHES

    def run(self) -> Processing:
        manifest = self._examined.manifest
        for member in _ORDER:
            if member in manifest.sequences:
                yield from self._run(manifest.shared)
                yield from self._run(manifest.sequences[member])
        self._require_meant()
        if ManifestMember.UNINSTALL in manifest.sequences:
            return tuple(self._deletions())
        return tuple(self._versions())

    # Commands.

    def _run(self, commands: CommandSequence) -> Generator[PayloadRequest, "bytes | None", None]:
        for command in commands:
            match command.label:
                case Label.SET_COMPONENT_INDEX:
                    self._select(command)
                case Label.TRY_EACH:
                    yield from self._try_each(command)
                case Label.FETCH:
                    for component in self._current():
                        yield from self._fetch(command, component)
                case _:
                    for component in self._current():
                        self._carry_out(command, component)

    def _carry_out(self, command: UpdateCommand, component: _Component) -> None:
        match command.label:
            case Label.OVERRIDE_PARAMETERS if isinstance(command.argument, Mapping):
                component.parameters |= command.argument
            case Label.VENDOR_IDENTIFIER | Label.CLASS_IDENTIFIER | Label.DEVICE_IDENTIFIER:
                self._check_identity(command, component)
            case Label.IMAGE_MATCH:
                self._match_image(command, component)
            case Label.WRITE:
                content = component.parameters.get(Parameter.CONTENT)
                if not isinstance(content, bytes):
                    raise _refused(UpdateReason.PAYLOAD, command, component, "no content is set")
                self._stage(command, component, content)
            case Label.INVOKE:
                self._invoke(command, component)
            case Label.UNLINK:
                component.unlinked = True
            case Label.ABORT:
                raise _refused(UpdateReason.ABORTED, command, component, "the manifest says so")
            case _:
                raise RuntimeError(f"{command.place}: a command that the profile does not have")

    def _select(self, command: UpdateCommand) -> None:
        argument = command.argument
        if argument is True:
            self._selected = tuple(range(len(self._components)))
        elif isinstance(argument, int):
            self._selected = (argument,)
        elif isinstance(argument, tuple):
            self._selected = tuple(each for each in argument if isinstance(each, int))

    def _current(self) -> list[_Component]:
        return [self._components[index] for index in self._selected]

    def _try_each(self, command: UpdateCommand) -> Generator[PayloadRequest, "bytes | None", None]:
        """Carry out the first sequence that does not fail; one that fails changes nothing."""
        sequences = command.argument if isinstance(command.argument, tuple) else ()
        selected, kept = self._selected, self._components
        failure: Exception = RuntimeError(f"{command.place}: no sequence to try")
        for sequence in sequences:
            if sequence is None:
                return
            self._components = [component.copy() for component in kept]
            try:
                yield from self._run(_commands(sequence))
                return
            except UpdateRefused as error:
                failure = error
                self._components = kept
            finally:
                self._selected = selected
        raise failure

    # What each is about.

    def _check_identity(self, command: UpdateCommand, component: _Component) -> None:
        label = Label(command.label)
        reason, parameter = _IDENTITY[label]
        wanted = component.parameters.get(parameter)
        found = _identifier(self._rules.identity, label)
        if not isinstance(wanted, bytes):
            raise _refused(reason, command, component, "no identifier is set to compare with")
        if found is None:
            raise _refused(reason, command, component, "this device has no identifier of its own")
        if wanted != found:
            problem = f"it is for {wanted.hex()}, and this device has {found.hex()}"
            raise _refused(reason, command, component, problem)
        component.meant |= {label}

    def _match_image(self, command: UpdateCommand, component: _Component) -> None:
        wanted = component.parameters.get(Parameter.IMAGE_DIGEST)
        size_bytes = component.parameters.get(Parameter.IMAGE_SIZE)
        content = self._content(component)
        if not isinstance(wanted, SuitDigest):
            raise _refused(UpdateReason.IMAGE, command, component, "no image-digest is set")
        if content is None:
            raise _refused(UpdateReason.IMAGE, command, component, "there is nothing to compare")
        if isinstance(size_bytes, int) and size_bytes != len(content):
            problem = f"it has {len(content)} bytes, and {size_bytes} are announced"
            raise _refused(UpdateReason.IMAGE, command, component, problem)
        found = self._sha256(content)
        if found != wanted.value:
            # No hash is shown: those of metadata cover signatures, and differ from key to key.
            problem = "it has another SHA-256 than is announced"
            raise _refused(UpdateReason.IMAGE, command, component, problem)
        # From here on these bytes are meant, even if what is installed changes meanwhile.
        component.staged, component.matched = content, True

    def _sha256(self, content: bytes) -> bytes:
        """The digest of an image, worked out once: a manifest can ask for it a thousand times."""
        if content not in self._digests:
            self._digests[content] = hashlib.sha256(content).digest()
        return self._digests[content]

    def _content(self, component: _Component) -> bytes | None:
        if component.staged is not None:
            return component.staged
        return self._target.installed(component.uid, component.section)

    def _fetch(
        self, command: UpdateCommand, component: _Component
    ) -> Generator[PayloadRequest, "bytes | None", None]:
        uri = component.parameters.get(Parameter.URI)
        if not isinstance(uri, str):
            raise _refused(UpdateReason.PAYLOAD, command, component, "no uri is set")
        content: bytes | None
        if uri.startswith("#") or uri in self._examined.envelope.payloads:
            content = self._examined.envelope.payloads.get(uri)
            if content is None:
                problem = f"the envelope has no payload {show(uri)}"
                raise _refused(UpdateReason.PAYLOAD, command, component, problem)
        else:
            self._require_fetchable(command, component, uri)
            content = yield PayloadRequest(uri, self._target.section_limit(component.section))
            if content is None:
                problem = f"{show(uri)}: cannot be fetched"
                raise _refused(UpdateReason.PAYLOAD, command, component, problem)
        self._stage(command, component, content)

    def _require_fetchable(self, command: UpdateCommand, component: _Component, uri: str) -> None:
        if not self._rules.allow_fetch(uri):
            problem = f"{show(uri)}: is not at an origin that the device may fetch from"
            raise _refused(UpdateReason.PAYLOAD, command, component, problem)
        if self._fetches_left == 0:
            problem = f"{show(uri)}: more than {MAX_FETCHES} payloads from elsewhere"
            raise _refused(UpdateReason.PAYLOAD, command, component, problem)
        self._fetches_left -= 1

    def _stage(self, command: UpdateCommand, component: _Component, content: bytes) -> None:
        most_bytes = self._target.section_limit(component.section)
        if len(content) > most_bytes:
            problem = f"{len(content)} bytes; {most_bytes} fit"
            raise _refused(UpdateReason.CAPACITY, command, component, problem)
        component.stage(content)

    def _invoke(self, command: UpdateCommand, component: _Component) -> None:
        if component.section is not UpdateSection.CODE:
            problem = "only a code component can be invoked"
            raise _refused(UpdateReason.PROFILE, command, component, problem)
        component.starts = True

    # What comes of it.

    def _require_meant(self) -> None:
        for component in self._components:
            for label, reason in _REQUIRED.items():
                if label not in component.meant:
                    problem = f"no condition says that it is for this {reason}"
                    raise UpdateRefused(reason, component.name, problem, uid=component.uid)

    def _deletions(self) -> Iterable[ContainerChange]:
        for uid, components in self._by_uid():
            if not all(component.unlinked for component in components):
                problem = "all three components of a container are unlinked, or none"
                raise UpdateRefused(UpdateReason.PROFILE, show(uid), problem, uid=uid)
            yield ContainerChange(uid, {})

    def _versions(self) -> Iterable[ContainerChange]:
        changes = [
            ContainerChange(
                uid,
                {component.section: _matched(component) for component in components},
                any(component.starts for component in components),
            )
            for uid, components in self._by_uid()
        ]
        for change in changes:
            _require_uid(change.uid, change.sections[UpdateSection.METADATA])
        return changes

    def _by_uid(self) -> list[tuple[bytes, list[_Component]]]:
        return [
            (uid, [component for component in self._components if component.uid == uid])
            for uid in self._examined.uids
        ]


_IDENTITY: Final = {
    Label.VENDOR_IDENTIFIER: (UpdateReason.VENDOR, Parameter.VENDOR_IDENTIFIER),
    Label.CLASS_IDENTIFIER: (UpdateReason.CLASS, Parameter.CLASS_IDENTIFIER),
    Label.DEVICE_IDENTIFIER: (UpdateReason.DEVICE, Parameter.DEVICE_IDENTIFIER),
}
_REQUIRED: Final = {
    Label.VENDOR_IDENTIFIER: UpdateReason.VENDOR,
    Label.CLASS_IDENTIFIER: UpdateReason.CLASS,
}


def _identifier(identity: UpdateIdentity, label: Label) -> bytes | None:
    if label is Label.VENDOR_IDENTIFIER:
        return identity.vendor_id
    return identity.class_id if label is Label.CLASS_IDENTIFIER else identity.device_id


def _commands(sequence: object) -> CommandSequence:
    if not isinstance(sequence, tuple):
        raise RuntimeError("a sequence to try that is none")
    return sequence


def _matched(component: _Component) -> bytes:
    """What a component is to hold, if that was matched."""
    if component.staged is None or not component.matched:
        problem = "no image-match has succeeded on it"
        raise UpdateRefused(UpdateReason.UNMATCHED, component.name, problem, uid=component.uid)
    return component.staged


def _require_uid(uid: bytes, metadata: bytes) -> None:
    """Refuse metadata of another container; what cannot be decoded, the device refuses."""
    try:
        found = decode_metadata(metadata, max(len(metadata), 1)).uid
    except MetadataError:
        return
    if found != uid:
        problem = f"the metadata is of {show(found)}"
        raise UpdateRefused(UpdateReason.UID, f"{show(uid)} meta", problem, uid=uid)


def _refused(
    reason: UpdateReason, command: UpdateCommand, component: _Component, problem: str
) -> UpdateRefused:
    return UpdateRefused(
        reason,
        command.place,
        f"{component.name}: {problem}",
        uid=component.uid,
        offset=command.offset,
    )
