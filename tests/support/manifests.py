"""Manifests written by hand, whatever they say, in envelopes that the test key has signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from support.hostile import inert
from support.scripted import Program, work
from support.updates import draft, plan_version, rules, sign
from support.worlds import Ledger, World, blueprint, snapshot, times
from tinycontainer.conformance.recipes.envelopes import install_one_by_one
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.errors import UpdateReason, UpdateRefused
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.suit.drafts import NewVersion, UpdateDraft, make_envelope
from tinycontainer.suit.envelope.decoder import decode_envelope, decode_manifest
from tinycontainer.suit.envelope.encoder import (
    build_envelope,
    digest_of,
    encode_manifest,
    encode_sequence,
)
from tinycontainer.suit.envelope.labels import Label, ManifestMember, Parameter
from tinycontainer.suit.envelope.model import (
    CommandSequence,
    ParameterValue,
    UpdateCommand,
    UpdateManifest,
)
from tinycontainer.suit.keys.keys import UpdateKey
from tinycontainer.suit.rules import UpdateRules
from tinycontainer.suit.updater import Fetch, UpdateOutcome, Updater, fetch_nothing
from tinycontainer.trace import TraceEvent
from tinycontainer.trace.events import LoadRefused

TIMES = times(period=10, loop=5, stop=5)
META, DATA, CODE = range(3)
"""The indices of the first container's components."""

ALL = UpdateCommand(Label.SET_COMPONENT_INDEX, argument=True)
VENDOR = UpdateCommand(Label.VENDOR_IDENTIFIER, 15)
CLASS = UpdateCommand(Label.CLASS_IDENTIFIER, 15)
DEVICE = UpdateCommand(Label.DEVICE_IDENTIFIER, 15)
MATCH = UpdateCommand(Label.IMAGE_MATCH, 15)
ABORT = UpdateCommand(Label.ABORT, 15)
FETCH = UpdateCommand(Label.FETCH, 2)
WRITE = UpdateCommand(Label.WRITE, 2)
INVOKE = UpdateCommand(Label.INVOKE, 2)
UNLINK = UpdateCommand(Label.UNLINK, 2)


def at(*indices: int) -> UpdateCommand:
    """set-component-index of one component, or of several."""
    return UpdateCommand(Label.SET_COMPONENT_INDEX, indices[0] if len(indices) == 1 else indices)


def set_(parameter: Parameter, value: ParameterValue) -> UpdateCommand:
    """override-parameters with one of them."""
    return UpdateCommand(Label.OVERRIDE_PARAMETERS, {parameter: value})


def uri(value: str) -> UpdateCommand:
    """override-parameters with the uri."""
    return set_(Parameter.URI, value)


def digest(content: bytes) -> UpdateCommand:
    """override-parameters with the image-digest of some bytes, and no other size."""
    values: dict[int, ParameterValue] = {
        Parameter.IMAGE_DIGEST: digest_of(content),
        Parameter.IMAGE_SIZE: len(content),
    }
    return UpdateCommand(Label.OVERRIDE_PARAMETERS, values)


def try_each(*sequences: CommandSequence | None) -> UpdateCommand:
    """Sequences, each of which is tried if those before it have failed; None does nothing."""
    return UpdateCommand(Label.TRY_EACH, sequences)


def running(*uids: str, capacity: Capacity | None = None) -> World:
    """A device on which containers of these uids run; programs of `a` to `d` are there."""
    programs = {uid: Program(work(10), stop=work(10)) for uid in ("a", "b", "c", "d")}
    world = World(programs, sequences=Ledger(), capacity=capacity or Capacity())
    for uid in uids:
        world.run(blueprint(uid, security=TIMES), programs[uid])
    world.device.run(for_ms=25)
    return world


def newer_of(*uids: str, number: int = 1, token: int = 2) -> "Written":
    """The next version of containers."""
    plans = [blueprint(uid, security=TIMES, sequence=token) for uid in uids]
    return Written.of(*(plan_version(plan) for plan in plans), number=number)


@dataclass(frozen=True)
class Written:
    """A manifest and the payloads of its envelope, before it is signed."""

    manifest: UpdateManifest
    payloads: Mapping[str, bytes] = field(default_factory=dict)
    severed: Mapping[int, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, *versions: NewVersion, **more: object) -> "Written":
        """What the tool makes of containers."""
        return cls.of_draft(draft(*versions, **more))  # type: ignore[arg-type]

    @classmethod
    def of_draft(cls, what: UpdateDraft) -> "Written":
        """What the tool makes of a draft, with every component installed by itself."""
        envelope = decode_envelope(make_envelope(what))
        return cls(install_one_by_one(decode_manifest(envelope)), dict(envelope.payloads))

    def having(self, member: ManifestMember, *commands: UpdateCommand) -> "Written":
        """The same with another sequence."""
        sequences = {**self.manifest.sequences, member: commands}
        return replace(self, manifest=replace(self.manifest, sequences=sequences))

    def without(self, member: ManifestMember) -> "Written":
        """The same without a sequence."""
        sequences = {key: each for key, each in self.manifest.sequences.items() if key != member}
        return replace(self, manifest=replace(self.manifest, sequences=sequences))

    def installing(self, *commands: UpdateCommand) -> "Written":
        """The same with other commands in install."""
        return self.having(ManifestMember.INSTALL, *commands)

    def sharing(self, *commands: UpdateCommand) -> "Written":
        """The same with another shared sequence."""
        return replace(self, manifest=replace(self.manifest, shared=commands))

    def carrying(self, **payloads: bytes) -> "Written":
        """The same with other payloads, by the number in their name: ``_0`` is ``#0``."""
        named = {f"#{name[1:]}": content for name, content in payloads.items()}
        return replace(self, payloads={**self.payloads, **named})

    @property
    def install(self) -> CommandSequence:
        return self.manifest.sequences[ManifestMember.INSTALL]

    @property
    def shared(self) -> CommandSequence:
        return self.manifest.shared

    def unsigned(self) -> bytes:
        """The envelope without a signature."""
        return build_envelope(encode_manifest(self.manifest), self.payloads, self.severed)

    def signed(self, *keys: UpdateKey) -> bytes:
        """The envelope, signed."""
        return sign(self.unsigned(), *keys)


def sequence_bytes(*commands: UpdateCommand) -> bytes:
    """A sequence as a severed member holds it."""
    return encode_sequence(commands)


def contents(version: NewVersion) -> tuple[bytes, bytes, bytes]:
    """The sections of a container in the order of their components."""
    return tuple(version.sections[section] for section in UpdateSection)  # type: ignore[return-value]


def apply(
    world: World, envelope: bytes, found: UpdateRules | None = None, fetch: Fetch = fetch_nothing
) -> UpdateOutcome:
    """Apply an envelope to the device of a world."""
    return Updater(found or rules(), world.device).apply(envelope, fetch)


def refuse(
    world: World,
    envelope: bytes,
    reason: UpdateReason,
    words: str = "",
    *,
    found: UpdateRules | None = None,
    fetch: Fetch = fetch_nothing,
) -> UpdateRefused:
    """Check that an update is refused for this reason, recorded once, and changes nothing.

    Args:
        world: whose device refuses it; its containers go on.
        envelope: the update.
        reason: the reason.
        words: part of the problem.
        found: rules of the device; by default those of the test key.
        fetch: fetches payloads.
    """
    before, count = snapshot(world), len(world.events)
    with pytest.raises(UpdateRefused) as caught:
        apply(world, envelope, found, fetch)
    refusal = caught.value
    assert refusal.reason is reason, str(refusal)
    assert words in refusal.problem
    assert inert(str(refusal))
    assert "\n" not in str(refusal)
    assert refusal.offset is None or 0 <= refusal.offset <= len(envelope)
    assert snapshot(world) == before
    _require_recorded(world.events[count:], refusal)
    _require_undisturbed(world)
    return refusal


def _require_recorded(events: list[TraceEvent], refusal: UpdateRefused) -> None:
    """One event, with the reason of the device if that has refused a container."""
    (event,) = events
    assert isinstance(event, LoadRefused)
    wanted = refusal.reason if refusal.refusal is None else refusal.refusal.reason
    assert (event.verb, event.uid, event.reason) == ("update", refusal.uid, wanted)
    if refusal.refusal is None:
        assert event.problem == ": ".join(filter(None, (refusal.place, refusal.problem)))
    else:
        assert event.problem == refusal.refusal.problem


def _require_undisturbed(world: World) -> None:
    """What runs goes on."""
    loops = {view.uid: view.loops for view in world.device if view.state is State.RUNNING}
    if loops:
        world.device.run(for_ms=25)
    assert all(world.device[uid].loops > before for uid, before in loops.items())
