"""What is known of the device that an update is judged for: its file, and what its state holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tinycontainer import metadata as metadata_codec
from tinycontainer.assembly import DevicePlan, Installation, make_setup
from tinycontainer.assembly.setup import FileSetup
from tinycontainer.errors import MetadataError
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.metadata import Bundle
from tinycontainer.state import SqliteState
from tinycontainer.suit.keys.keys import UpdateKeys
from tinycontainer.suit.rules import UpdateRules
from tinycontainer.text import show
from tinycontainer_tokens import KeyStore, Role

from .onlooker import Onlooker


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device as far as it is known.

    Attributes:
        keys: those that may sign updates.
        key_names: how to call each of them, in the same order; fit to be shown.
        rules: which updates it takes; None if only keys are known.
        onlooker: says what is loaded and what was accepted; None if only keys are known.
        setup: judges containers; None if only keys are known.
        token_keys: those that may sign tokens, and no updates.
        names: names that identifiers can be derived from, by their place in the device file.
    """

    keys: UpdateKeys
    key_names: tuple[str, ...]
    rules: UpdateRules | None = None
    onlooker: Onlooker | None = None
    setup: FileSetup | None = None
    token_keys: KeyStore = field(default_factory=KeyStore)
    names: Mapping[str, str] = field(default_factory=dict)

    def role_of(self, covered: bytes, proof: bytes) -> Role | None:
        """The role whose token key has signed these bytes; None if none has."""
        for entry in self.token_keys:
            verifier = entry.material.verifier
            if verifier is not None and verifier.has_signed(covered, proof):
                return entry.role
        return None


def know_device(plan: DevicePlan, installation: Installation) -> KnownDevice:
    """Read a device file and look at the device's state; nothing is changed.

    Args:
        plan: the device file.
        installation: what is installed.

    Raises:
        DeviceFileError: something that the file names cannot be used.
        RuntimeUnavailable: a runtime cannot work in this process.
    """
    clock = VirtualClock(plan.content.scheduling.instruction_ns)
    setup = make_setup(plan, clock, installation, is_reader=True)
    rules = setup.update_rules
    keys = UpdateKeys() if rules is None else rules.keys
    capacity = setup.capacity
    onlooker = Onlooker(
        capacity.section_limits, _loaded(plan, setup), setup.sequences, capacity.slots
    )
    return KnownDevice(
        keys,
        tuple(
            f"update.keys[{number}] ({show(table.file)})"
            for number, table in enumerate(plan.content.update.keys)
        ),
        rules,
        onlooker,
        setup,
        setup.trust.keys,
        _names(plan),
    )


def _loaded(plan: DevicePlan, setup: FileSetup) -> dict[bytes, Bundle]:
    """What the device has loaded: by its state, or before its first boot by its file."""
    state = setup.sequences
    if isinstance(state, SqliteState) and state.remembered().count > 0:
        return {
            stored.uid: Bundle(stored.metadata, stored.data, stored.code)
            for stored in state.containers()
        }
    found = {}
    for number, entry in enumerate(plan.content.containers):
        place = f"containers[{number}].bundle"
        path = plan.file(entry.bundle, place)
        content = read_bounded(path, setup.capacity.bundle_bytes)
        try:
            bundle = Bundle.decode(content, setup.capacity.bundle_bytes)
            metadata = metadata_codec.decode(bundle.metadata, len(bundle.metadata))
        except MetadataError as error:
            raise plan.error(place, f"{show(path.name)}: {error}") from None
        found[metadata.uid] = bundle
    return found


def _names(plan: DevicePlan) -> dict[str, str]:
    device, update = plan.content.device, plan.content.update
    named = {
        "update.vendor": update.vendor,
        "update.class": update.class_name,
        "device.vendor": device.vendor,
        "device.name": device.name,
        "device.id": device.id,
    }
    return {place: name for place, name in named.items() if name is not None}
