"""The shim of our own device: every line that it reads gets exactly one line as an answer."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, BinaryIO, Final, TypeVar, get_args

from tinycontainer.device.containers.limits import Policy
from tinycontainer.device.containers.memory import Section
from tinycontainer.errors import TinyContainerError
from tinycontainer.files.toml_file import Table
from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import Bundle, ContainerType
from tinycontainer_tokens import KeyFileError, Profile

from .. import protocol
from ..errors import ProtocolError
from ..protocol import KNOWN_VERSIONS, MAX_LINE_BYTES, NEW_IN, REQUESTS, HelloReply
from .drivers import SuiteDrivers
from .judged_device import JudgedDevice, refusal_reason

NAME: Final = "tinycontainer (Python)"
_Request = TypeVar("_Request", bound=Table)


class Shim:
    """Answers requests, whatever they hold.

    Args:
        runtimes: what runs containers, by type.
        drivers: makes the drivers of devices.
    """

    def __init__(self, runtimes: Mapping[ContainerType, Runtime], drivers: SuiteDrivers) -> None:
        self._runtimes = runtimes
        self._drivers = drivers
        self._judged: JudgedDevice | None = None

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to one line, whatever it holds."""
        try:
            values = protocol.parse_line(line, "the judge")
            return self._perform(values)
        except (TinyContainerError, KeyFileError, ValueError) as error:
            reason = refusal_reason(error)
            return {"error": str(error)} if reason is None else {"refused": reason}

    def _perform(self, values: dict[str, Any]) -> dict[str, Any]:
        verb = values.pop("verb", None)
        if not isinstance(verb, str) or verb not in REQUESTS:
            raise ProtocolError("the judge: no verb of the protocol")
        request = protocol.check_values(values, REQUESTS[verb], "the judge")
        if isinstance(request, protocol.HelloRequest):
            return self._greet(request)
        if isinstance(request, protocol.ResetRequest):
            self._judged = JudgedDevice(request.device, self._runtimes, self._drivers)
            return {}
        if self._judged is None:
            raise ProtocolError("the judge: there is no device yet; reset comes first")
        return _carry_out(self._judged, verb, request)

    def _greet(self, request: protocol.HelloRequest) -> dict[str, Any]:
        if request.protocol not in KNOWN_VERSIONS:
            spoken = ", ".join(map(str, sorted(KNOWN_VERSIONS)))
            return {"unsupported": f"the protocol is spoken here in versions {spoken}"}

        def is_known(word: str) -> bool:
            return NEW_IN.get(word, 1) <= request.protocol

        reply = HelloReply(
            protocol=request.protocol,
            name=NAME,
            version=version("tinycontainer"),
            profiles=list(Profile),
            policies=list(Policy),
            events=[each for each in get_args(protocol.EventKind) if is_known(each)],
            reasons=True,
            abilities=[each for each in self._abilities() if is_known(each)],
        )
        return reply.model_dump(mode="json")

    def _abilities(self) -> list[protocol.Ability]:
        offered: list[protocol.Ability] = ["bundles", "judge", "replace", "boot", "store", "suit"]
        if ContainerType.BPF in self._runtimes:
            offered.append("rbpf")
        if self._drivers.can_infer():
            offered.append("tinyml")
        return offered


def _carry_out(judged: JudgedDevice, verb: str, request: Table) -> dict[str, Any]:
    device = judged.device
    match request:
        case protocol.JudgeRequest():
            checks = device.judge(_encode_bundle(request), replaces=request.replaces)
            return {"refusals": [check.reason for check in checks if check.reason is not None]}
        case protocol.ReplaceRequest():
            device.replace(_encode_bundle(request), request.confirm_ms)
        case protocol.UpdateRequest():
            outcome = device.update(bytes.fromhex(request.envelope))
            return {"repetition": outcome.is_repetition}
        case protocol.LoadRequest():
            sections = (request.metadata, request.code, request.data)
            device.load_sections(*map(bytes.fromhex, sections))
        case protocol.BundleRequest():
            device.load(bytes.fromhex(request.bundle))
        case protocol.SectionRequest():
            device.open_section(Section(request.section), request.size)
        case protocol.BytesRequest():
            device.write_section(bytes.fromhex(request.bytes))
        case protocol.ReconfigureRequest():
            device.reconfigure(bytes.fromhex(request.metadata))
        case protocol.AdvanceRequest():
            device.run(for_ms=request.ms)
        case protocol.StoreRequest():
            judged.let_store_work(request.works)
        case protocol.UidRequest():
            return _manage_container(judged, verb, bytes.fromhex(request.uid))
        case _:
            return _perform_bare_verb(judged, verb)
    return {}


def _encode_bundle(request: protocol.LoadRequest) -> bytes:
    sections = (request.metadata, request.data, request.code)
    return Bundle(*map(bytes.fromhex, sections)).encode()


def _manage_container(judged: JudgedDevice, verb: str, uid: bytes) -> dict[str, Any]:
    if verb == "state":
        return judged.describe_state(uid).model_dump(mode="json")
    device = judged.device
    actions: dict[str, Callable[[bytes], None]] = {
        "start": device.start,
        "stop": device.stop,
        "kill": device.kill,
        "delete": device.delete,
    }
    actions[verb](uid)
    return {}


def _perform_bare_verb(judged: JudgedDevice, verb: str) -> dict[str, Any]:
    if verb == "events":
        found = judged.take_events()
        return {"events": [each.model_dump(mode="json", exclude_defaults=True) for each in found]}
    if verb == "boot":
        judged.boot()
    elif verb == "begin":
        judged.device.begin_load()
    else:
        judged.device.end_load()
    return {}


def serve(source: BinaryIO, sink: BinaryIO, shim: Shim) -> None:
    """Answer line by line until the input ends."""
    while line := source.readline(MAX_LINE_BYTES + 1):
        sink.write(protocol.write_line(shim.answer(line)))
        sink.flush()
