"""Our own device behind the protocol: made as described, its events in the protocol's words."""

from collections.abc import Mapping

from tinycontainer.assembly import Device
from tinycontainer.device.calls.driver_table import DriverEntry, DriverTable
from tinycontainer.device.containers.container import Exit, ExitReason
from tinycontainer.device.containers.limits import Capacity, Caps, Scheduling
from tinycontainer.device.containers.memory import Section
from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.device import Setup
from tinycontainer.errors import InvalidTransition, LoadError, TinyContainerError, UnknownContainer
from tinycontainer.interfaces.clock import NS_PER_MS, VirtualClock
from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import ContainerType, Direction, PeerType
from tinycontainer.trace import TraceEvent, events
from tinycontainer_tokens import Algorithm, KeyEntry, KeyMaterial, KeyStore

from . import drivers
from .description import DeviceDescription, DriverDescription, KeyDescription
from .protocol import EventReply, Refused, StateReply

_NS_PER_US = 1000


class Subject:
    """A device that is being judged.

    Args:
        description: what it is made of.
        runtimes: what runs its containers.
    """

    def __init__(
        self, description: DeviceDescription, runtimes: Mapping[ContainerType, Runtime]
    ) -> None:
        self._happened: list[TraceEvent] = []
        clock = VirtualClock(description.instruction_ns)
        self._device = Device(_setup(description, runtimes), clock, [self._happened.append])

    @property
    def device(self) -> Device:
        """The device itself."""
        return self._device

    def load(self, metadata: bytes, code: bytes, data: bytes) -> None:
        """Load section by section, as the firmware does. Raises LoadError."""
        device = self._device
        device.begin_load()
        for section, content in (
            (Section.METADATA, metadata),
            (Section.CODE, code),
            (Section.DATA, data),
        ):
            device.open_section(section, len(content))
            if content:
                device.write_section(content)
        device.end_load()

    def state(self, uid: bytes) -> StateReply:
        """Where a container is; gone if it is not loaded."""
        if uid not in self._device:
            return StateReply(state="gone")
        view = self._device[uid]
        return StateReply.model_validate(
            {
                "state": view.state.value,
                "last_exit": _word(view.last_exit),
                "loops": view.loops,
            }
        )

    def take_events(self) -> list[EventReply]:
        """What happened since this was last asked."""
        happened = [reply for event in _without_rejected(self._happened) for reply in told(event)]
        self._happened.clear()
        return happened


def refusal(error: TinyContainerError) -> Refused | None:
    """An error of the device in the words of the specification; None if it is no refusal."""
    match error:
        case LoadError():
            return Refused(error.reason.value)
        case UnknownContainer():
            return Refused("unknown-uid")
        case InvalidTransition():
            return Refused("wrong-state")
    return None


def told(event: TraceEvent) -> list[EventReply]:
    """An event in the words of the protocol; most are of no interest to a judge."""
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
        case _:
            values = []
    common = {"uid": getattr(event, "uid", b"").hex(), "at_us": event.at_ns // _NS_PER_US}
    return [EventReply.model_validate(common | each) for each in values]


def _transition(event: events.Transitioned) -> list[dict[str, object]]:
    """Transitions into the states that can be seen from outside."""
    if event.before == event.after or event.after not in ("ready", "running", "stopping", "gone"):
        return []
    return [{"event": "state", "state": str(event.after), "why": event.trigger}]


def _without_rejected(happened: list[TraceEvent]) -> list[TraceEvent]:
    """Leave out the end of what was never loaded: a judge has seen the refusal."""
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


def _word(ended: Exit | None) -> str:
    if ended is None:
        return ""
    return str(ExitReason(ended.reason).value)


def _setup(description: DeviceDescription, runtimes: Mapping[ContainerType, Runtime]) -> Setup:
    return Setup(
        runtimes=runtimes,
        drivers=DriverTable([_driver(each) for each in description.drivers]),
        trust=Trust(
            keys=KeyStore([_key(each) for each in description.keys]),
            profiles=tuple(description.profiles),
            allow_unsigned=description.allow_unsigned,
            unsigned_mask=description.unsigned_mask,
            require_endpoint_tokens=description.require_endpoint_tokens,
            device_id=description.device_id,
        ),
        capacity=_capacity(description),
        caps=Caps(description.caps.cap()),
        scheduling=Scheduling(
            description.policy,
            description.slice_ms * NS_PER_MS,
            description.grace_ms * NS_PER_MS,
            description.call_instructions,
        ),
        epoch_s=description.epoch_s,
    )


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


def _driver(description: DriverDescription) -> DriverEntry:
    return DriverEntry(
        peer_type=PeerType[description.peer.upper()],
        peer_endpoint_id=description.endpoint,
        name=description.driver,
        make=drivers.maker(description),
        shared=description.shared,
        uids=_uids(description.uids),
        directions=frozenset(Direction[name.upper()] for name in description.directions),
    )


def _key(description: KeyDescription) -> KeyEntry:
    content = bytes.fromhex(description.key)
    if description.algorithm is Algorithm.HMAC_256:
        material = KeyMaterial(description.algorithm, b"", content)
    else:
        material = KeyMaterial(description.algorithm, content)
    return KeyEntry(description.role, description.profile, material, _uids(description.uids))


def _uids(texts: list[str] | None) -> frozenset[bytes] | None:
    return None if texts is None else frozenset(map(bytes.fromhex, texts))
