"""A device plan and an installation become the setup of a device."""

import os
import random
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

from tinycontainer.device.calls.driver_table import DriverEntry, DriverTable
from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.setup import DEFAULT_EPOCH_S, Outside, Setup
from tinycontainer.errors import DeviceFileError
from tinycontainer.files.device_file import DriverTableEntry, KeyTable
from tinycontainer.files.device_key import read_device_key
from tinycontainer.files.fields import uid_from_text
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.clock import Clock, VirtualClock
from tinycontainer.interfaces.driver import BoardInfo, Driver, DriverSetup
from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import ContainerType
from tinycontainer.state import DeviceState, MemoryState, Ownership, SqliteState, StateFileError
from tinycontainer.suit.rules import UpdateRules
from tinycontainer.text import show
from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    KeyFileError,
    KeyMaterial,
    KeyStore,
)
from tinycontainer_tokens import key_files as key_codec

from .device_plan import DevicePlan
from .evidence_key import read_evidence_key
from .installation import Installation
from .parsed_files import ParsedFiles
from .update_rules import read_update_rules


def discard_line(_line: bytes) -> None:
    """Take a line for the operator's screen where there is no screen."""


@dataclass(frozen=True, slots=True)
class FileSetup(Setup):
    """What a device is made of, with what its file says of updates and of evidence.

    Attributes:
        update_rules: which updates it takes; None if it takes none.
        evidence_key: signs what it states of itself; None if it states nothing.
    """

    update_rules: UpdateRules | None = None
    evidence_key: KeyMaterial | None = None


def make_setup(
    plan: DevicePlan,
    clock: Clock,
    installation: Installation,
    show_line: Callable[[bytes], None] = discard_line,
    outside: Outside | None = None,
    *,
    is_reader: bool = False,
    remembers: bool = False,
) -> FileSetup:
    """Resolve everything that a device file names.

    Args:
        plan: the device file.
        clock: the device's clock.
        installation: what is installed.
        show_line: takes untrusted lines for the operator's screen.
        outside: used in place of what the file names; no driver is made then.
        is_reader: look at the device's state, and never make or change its file.
        remembers: own the device's state, and record all that outlasts a boot.

    Raises:
        DeviceFileError: something that it names cannot be used.
        RuntimeUnavailable: a runtime cannot work in this process.
    """
    content = plan.content
    runtimes = choose_runtimes(plan, installation)
    trust = read_trust(plan, installation.files)
    virtual_time = isinstance(clock, VirtualClock)
    # In a replay the changes come from the recording, not from updates.
    rules = None if outside else read_update_rules(plan, trust, installation.files)
    signs = outside is None and not is_reader
    if content.device.key is not None and signs:
        # Nothing is signed with it yet; a device whose key cannot be used does not begin.
        read_device_key(plan.file(content.device.key, "device.key"))
    evidence_key = read_evidence_key(plan, trust, rules) if signs else None
    # Last, so that no error keeps a state from its next owner.
    given = outside or Outside(
        _make_drivers(plan, installation, show_line, virtual_time=virtual_time),
        _open_state(plan, is_reader=is_reader, remembers=remembers),
        _epoch_s(content.device.epoch, virtual_time=virtual_time),
    )
    state = given.sequences if isinstance(given.sequences, SqliteState) and remembers else None
    return FileSetup(
        runtimes=runtimes,
        drivers=given.drivers,
        trust=trust,
        capacity=content.make_capacity(),
        caps=content.caps.make_caps(),
        scheduling=content.scheduling.make_scheduling(),
        epoch_s=given.epoch_s if state is None else _time_of_boot(state, given.epoch_s),
        sequences=given.sequences,
        state=state,
        update_rules=rules,
        evidence_key=evidence_key,
    )


def choose_runtimes(plan: DevicePlan, installation: Installation) -> dict[ContainerType, Runtime]:
    """One runtime for each container type that has any; the file or the default chooses.

    Raises:
        DeviceFileError: a runtime that the file names is not installed.
        RuntimeUnavailable: a runtime cannot work in this process.
    """
    chosen = plan.content.runtimes
    installed = installation.runtime_names()
    for type_name, name in chosen.items():
        if f"{type_name}.{name}" not in installed:
            raise _not_installed(plan, f"runtimes.{show(type_name)}", name, installed)
    return installation.runtimes(chosen)


def locate_drivers(plan: DevicePlan) -> DriverTable:
    """The drivers of a device for those who only look: none is made, and none can be.

    Raises:
        DeviceFileError: two drivers have one place.
    """
    return _driver_table(
        plan, [entry.make_entry(_refuse_to_make) for entry in plan.content.drivers]
    )


def read_trust(plan: DevicePlan, files: ParsedFiles | None = None) -> Trust:
    """Read the keys that a device believes, and what it asks of tokens.

    Args:
        plan: the device file.
        files: what other devices' keys were parsed to, if there are others.

    Raises:
        DeviceFileError: a key cannot be used.
    """
    table = plan.content.trust
    parsed = files or ParsedFiles()
    try:
        keys = KeyStore(
            _read_key(plan, f"trust.keys[{number}]", key, parsed)
            for number, key in enumerate(table.keys)
        )
    except KeyFileError as error:
        raise plan.error("trust.keys", str(error)) from None
    return Trust(
        keys=keys,
        profiles=tuple(table.profiles),
        allow_unsigned=table.allow_unsigned,
        unsigned_mask=table.unsigned_mask,
        require_endpoint_tokens=table.require_endpoint_tokens,
        device_id=plan.content.device.id,
    )


def _read_key(plan: DevicePlan, place: str, table: KeyTable, files: ParsedFiles) -> KeyEntry:
    path = plan.file(table.file, f"{place}.file")
    content = read_bounded(path, key_codec.MAX_KEY_FILE_BYTES)
    try:
        material = files.key(content)
    except KeyFileError as error:
        raise plan.error(f"{place}.file", f"{show(path.name)}: {error}") from None
    if not material.may_verify:
        problem = "key_ops (label 4) of the COSE_Key does not allow to verify with it"
        raise plan.error(f"{place}.file", f"{show(path.name)}: {problem}")
    if material.is_symmetric is not (table.algorithm is Algorithm.HMAC_256):
        problem = f"the file holds a key for {material.algorithm}, not {table.algorithm}"
        raise plan.error(f"{place}.algorithm", problem)
    if table.algorithm is Algorithm.ED25519:
        try:
            material = material.restrict_to(table.algorithm)
        except KeyFileError as error:
            raise plan.error(f"{place}.algorithm", f"{show(path.name)}: {error}") from None
    uids = None if table.uids is None else frozenset(map(uid_from_text, table.uids))
    return KeyEntry(table.role, table.profile, material, uids)


def _make_drivers(
    plan: DevicePlan,
    installation: Installation,
    show_line: Callable[[bytes], None],
    *,
    virtual_time: bool,
) -> DriverTable:
    device = plan.content.device
    random_bytes = os.urandom if device.seed is None else random.Random(device.seed).randbytes
    board = BoardInfo(device.name, device.vendor, device.id or "")
    entries = []
    for number, entry in enumerate(plan.content.drivers):
        setup = DriverSetup(
            deepcopy(entry.options),  # the tables belong to every device with this file
            plan.directory,
            random_bytes,
            show_line,
            board,
            virtual_time,
            installation.resources,
            device.board,
        )
        entries.append(_driver_entry(plan, f"drivers[{number}]", entry, setup, installation))
    return _driver_table(plan, entries)


def _driver_entry(
    plan: DevicePlan,
    place: str,
    entry: DriverTableEntry,
    setup: DriverSetup,
    installation: Installation,
) -> DriverEntry:
    installed = installation.driver_names()
    if entry.driver not in installed:
        raise _not_installed(plan, f"{place}.driver", entry.driver, installed)
    factory = installation.driver_factory(entry.driver)
    try:
        spare: list[Driver] = [factory(setup)]  # made now, so that wrong options show at once
    except ValueError as error:
        raise plan.error(place, f"driver {show(entry.driver)}: {error}") from None
    return entry.make_entry(lambda: spare.pop() if spare else factory(setup))


def _driver_table(plan: DevicePlan, entries: Sequence[DriverEntry]) -> DriverTable:
    try:
        return DriverTable(entries)
    except ValueError as error:
        raise plan.error("drivers", str(error)) from None


def _refuse_to_make() -> Driver:
    raise RuntimeError("this table only shows places; its drivers are not made")


def _open_state(plan: DevicePlan, *, is_reader: bool, remembers: bool) -> DeviceState:
    name = plan.content.state.file
    if name is None:
        if remembers:
            raise plan.error("state.file", 'is missing: name the file, as in file = "device.db"')
        return MemoryState()
    path = plan.file(name, "state.file")
    try:
        ownership = Ownership.SOLE if remembers else Ownership.SHARED
        return SqliteState(path, ownership, is_reader=is_reader)
    except StateFileError as error:
        raise plan.error("state.file", f"{error.file} {error.problem}") from None


def _time_of_boot(state: DeviceState, epoch_s: int) -> int:
    """The device's time never goes back behind what its state remembers."""
    try:
        return max(epoch_s, state.remembered().time_s)
    except BaseException:
        state.close()
        raise


def _epoch_s(named: int | None, *, virtual_time: bool) -> int:
    if named is not None:
        return named
    return DEFAULT_EPOCH_S if virtual_time else int(time.time())


def _not_installed(
    plan: DevicePlan, place: str, name: str, installed: Sequence[str]
) -> DeviceFileError:
    there = ", ".join(installed) or "none"
    return plan.error(place, f"{show(name)} is not installed; there are: {there}")
