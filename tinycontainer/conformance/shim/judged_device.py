"""Our own device as a judge sees it: made by ``reset``, its events in the protocol's words."""

from collections.abc import Mapping
from functools import partial

from tinycontainer.assembly import Device
from tinycontainer.assembly.setup import FileSetup
from tinycontainer.device.calls.driver_table import DriverEntry, DriverTable
from tinycontainer.device.containers.container import Exit, ExitReason
from tinycontainer.device.containers.limits import Capacity, Caps, Scheduling
from tinycontainer.device.containers.verification import Trust
from tinycontainer.errors import InvalidTransition, LoadError, UnknownContainer, UpdateRefused
from tinycontainer.interfaces.clock import NS_PER_MS, VirtualClock
from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import ContainerType, Direction, PeerType
from tinycontainer.state import DeviceState
from tinycontainer.suit.keys.keys import UpdateKey, UpdateKeyEntry, UpdateKeys
from tinycontainer.suit.rules import UpdateRules, derive_identity
from tinycontainer.trace import TraceEvent, events
from tinycontainer_tokens import Algorithm, KeyEntry, KeyMaterial, KeyStore

from ..description import (
    DeviceDescription,
    DriverDescription,
    KeyDescription,
    UpdateKeyDescription,
)
from ..protocol import EventReply, StateReply
from .breakable_state import BreakableState
from .drivers import SuiteDrivers

_NS_PER_US = 1000


class JudgedDevice:
    """A device that is being judged.

    Args:
        description: what it is made of.
        runtimes: what runs its containers.
        drivers: makes the drivers of its description.
    """

    def __init__(
        self,
        description: DeviceDescription,
        runtimes: Mapping[ContainerType, Runtime],
        drivers: SuiteDrivers,
    ) -> None:
        self._happened: list[TraceEvent] = []
        self._clock = VirtualClock(description.instruction_ns)
        self._state = BreakableState()
        self._make_setup = partial(_make_setup, description, runtimes, drivers, self._state)
        self._device = self._make_device()

    @property
    def device(self) -> Device:
        """The device itself."""
        return self._device

    def boot(self) -> None:
        """Forget all but what the device has recorded; its time goes on."""
        self._device = self._make_device()
        self._device.restore()

    def let_store_work(self, works: bool) -> None:
        """Let the device record from now on, or nothing more."""
        self._state.works = works

    def describe_state(self, uid: bytes) -> StateReply:
        """The answer to ``state``; gone if the container is not loaded."""
        if uid not in self._device:
            return StateReply(state="gone")
        view = self._device[uid]
        return StateReply.model_validate(
            {
                "state": view.state.value,
                "last_exit": _word_of_exit(view.last_exit),
                "loops": view.loops,
            }
        )

    def take_events(self) -> list[EventReply]:
        """The answer to ``events``: what happened since the last call."""
        visible = _without_rejected(self._happened)
        replies = [reply for event in visible for reply in event_replies(event)]
        self._happened.clear()
        return replies

    def _make_device(self) -> Device:
        return Device(self._make_setup(), self._clock, [self._happened.append])


def refusal_reason(error: Exception) -> str | None:
    """The reason of a refusal in the words of the protocol; None if the error is no refusal."""
    match error:
        case LoadError() | UpdateRefused():
            return error.reason.value
        case UnknownContainer():
            return "unknown-uid"
        case InvalidTransition():
            return "wrong-state"
    return None


def event_replies(event: TraceEvent) -> list[EventReply]:
    """An event in the words of the protocol; a judge does not need most kinds."""
    match event:
        case events.Logged():
            values: list[dict[str, object]] = [{"event": "log", "line": event.line.hex()}]
        case events.Transitioned():
            values = _transition(event)
        case events.Refused():
            values = [
                {
                    "event": "call-refused",
                    "call": event.call,
                    "reason": event.reason,
                    "result": event.result,
                }
            ]
        case events.DescriptorClosed():
            values = [{"event": "descriptor-closed", "reason": event.reason}]
        case events.DeadlineMissed():
            values = [{"event": "deadline-missed"}]
        case events.PeriodsSkipped():
            values = [{"event": "periods-skipped", "count": event.count}]
        case events.Dropped():
            values = [{"event": "dropped", "count": event.logs + event.refusals}]
        case events.Reconfigured():
            values = [{"event": "revoked", "endpoint": each} for each in event.revoked]
        case events.RightExpired():
            values = [
                {"event": "right-expired", "token": event.token, "endpoint": event.endpoint_id}
            ]
        case events.Replacing():
            values = [{"event": "replacing", "within_ms": event.within_ns // NS_PER_MS}]
        case events.ReplacementConfirmed() | events.ReplacementUndone():
            values = [{"event": event.name}]
        case events.Updated():
            values = [{"event": event.name, "number": event.sequence}]
        case _:
            values = []
    common = {"uid": getattr(event, "uid", b"").hex(), "at_us": event.at_ns // _NS_PER_US}
    return [EventReply.model_validate(common | each) for each in values]


def _transition(event: events.Transitioned) -> list[dict[str, object]]:
    """Only the states that can be seen from outside; `lifecycle.State` has more."""
    if event.before == event.after or event.after not in ("ready", "running", "stopping", "gone"):
        return []
    return [{"event": "state", "state": str(event.after), "why": event.trigger}]


def _without_rejected(happened: list[TraceEvent]) -> list[TraceEvent]:
    """Leave out how a refused load ends: by the protocol such a container has no states."""
    kept: list[TraceEvent] = []
    rejected = False
    for event in happened:
        if isinstance(event, events.Transitioned) and event.trigger == "rejected":
            rejected = True
        elif rejected and isinstance(event, events.Transitioned) and event.trigger == "erased":
            rejected = False
        else:
            kept.append(event)
    return kept


def _word_of_exit(ended: Exit | None) -> str:
    return "" if ended is None else str(ExitReason(ended.reason).value)


def _make_setup(
    description: DeviceDescription,
    runtimes: Mapping[ContainerType, Runtime],
    drivers: SuiteDrivers,
    state: DeviceState,
) -> FileSetup:
    keys = KeyStore([_key_entry(each) for each in description.keys])
    return FileSetup(
        runtimes=runtimes,
        drivers=DriverTable([_driver_entry(each, drivers) for each in description.drivers]),
        trust=Trust(
            keys=keys,
            profiles=tuple(description.profiles),
            allow_unsigned=description.allow_unsigned,
            unsigned_mask=description.unsigned_mask,
            require_endpoint_tokens=description.require_endpoint_tokens,
            device_id=description.device_id,
        ),
        capacity=_capacity(description),
        caps=Caps(description.caps.make_cap()),
        scheduling=Scheduling(
            description.policy,
            description.slice_ms * NS_PER_MS,
            description.grace_ms * NS_PER_MS,
            description.call_instructions,
        ),
        epoch_s=description.epoch_s,
        state=state,
        update_rules=_update_rules(description, keys),
    )


def _update_rules(description: DeviceDescription, token_keys: KeyStore) -> UpdateRules | None:
    update = description.update
    if update is None:
        return None
    identity = derive_identity(update.vendor, update.class_name, description.device_id)
    keys = UpdateKeys([_update_key_entry(each) for each in update.keys], token_keys)
    return UpdateRules(identity, keys, tuple(update.origins))


def _update_key_entry(description: UpdateKeyDescription) -> UpdateKeyEntry:
    key = UpdateKey(
        description.algorithms[0],
        bytes.fromhex(description.key),
        kid=None if description.kid is None else bytes.fromhex(description.kid),
        is_alg_fixed=len(description.algorithms) == 1,
    )
    return UpdateKeyEntry(key, _uids(description.uids))


def _capacity(description: DeviceDescription) -> Capacity:
    return Capacity(
        slots=description.slots,
        metadata_bytes=description.metadata_bytes,
        code_bytes=description.code_bytes,
        data_bytes=description.data_bytes,
        shared_bytes=description.shared_bytes,
        descriptors=description.descriptors,
        descriptors_per_container=description.descriptors_per_container,
        transfer_bytes=description.transfer_bytes,
        pipe_bytes=description.pipe_bytes,
        log_line_bytes=description.log_line_bytes,
        records_per_second=description.records_per_second,
    )


def _driver_entry(description: DriverDescription, drivers: SuiteDrivers) -> DriverEntry:
    return DriverEntry(
        peer_type=PeerType[description.peer.upper()],
        peer_endpoint_id=description.endpoint,
        name=description.driver,
        make=drivers.factory(description),
        shared=description.shared,
        uids=_uids(description.uids),
        directions=frozenset(Direction[name.upper()] for name in description.directions),
    )


def _key_entry(description: KeyDescription) -> KeyEntry:
    content = bytes.fromhex(description.key)
    if description.algorithm is Algorithm.HMAC_256:
        material = KeyMaterial(description.algorithm, b"", content)
    else:
        material = KeyMaterial(description.algorithm, content)
    return KeyEntry(description.role, description.profile, material, _uids(description.uids))


def _uids(texts: list[str] | None) -> frozenset[bytes] | None:
    return None if texts is None else frozenset(map(bytes.fromhex, texts))
