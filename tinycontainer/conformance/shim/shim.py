"""Our own device as a program: ``python -m tinycontainer.conformance.shim`` speaks the protocol.

Whatever it is asked, it answers one line per line and ends when its input does.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, BinaryIO, Final, TypeVar, get_args

from tinycontainer.device.containers.limits import Policy
from tinycontainer.device.containers.memory import Section
from tinycontainer.errors import TinyContainerError
from tinycontainer.files.toml_file import Table
from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import ContainerType
from tinycontainer_tokens import KeyFileError, Profile

from .. import protocol
from ..errors import ProtocolError
from ..protocol import MAX_LINE_BYTES, PROTOCOL_VERSION, REQUESTS, HelloReply
from . import drivers
from .judged_device import JudgedDevice, refusal

NAME: Final = "tinycontainer (Python)"
_Request = TypeVar("_Request", bound=Table)


class Shim:
    """Answers requests.

    Args:
        runtimes: what runs containers, by type.
    """

    def __init__(self, runtimes: Mapping[ContainerType, Runtime]) -> None:
        self._runtimes = runtimes
        self._subject: JudgedDevice | None = None

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to one line, whatever it holds."""
        try:
            values = protocol.parse_line(line, "the judge")
            return self._perform(values)
        except protocol.RequestRefused as refused:
            return {"refused": refused.reason}
        except (TinyContainerError, KeyFileError, ValueError) as error:
            said = refusal(error) if isinstance(error, TinyContainerError) else None
            return {"error": str(error)} if said is None else {"refused": said.reason}

    def _perform(self, values: dict[str, Any]) -> dict[str, Any]:
        verb = values.pop("verb", None)
        if not isinstance(verb, str) or verb not in REQUESTS:
            raise ProtocolError("the judge: no verb of the protocol")
        request = protocol.checked(values, REQUESTS[verb], "the judge")
        if isinstance(request, protocol.HelloRequest):
            return self._hello(request)
        if isinstance(request, protocol.ResetRequest):
            self._subject = JudgedDevice(request.device, self._runtimes)
            return {}
        if self._subject is None:
            raise ProtocolError("the judge: there is no device yet; reset comes first")
        return _carry_out(self._subject, verb, request)

    def _hello(self, request: protocol.HelloRequest) -> dict[str, Any]:
        if request.protocol != PROTOCOL_VERSION:
            return {"unsupported": f"protocol {PROTOCOL_VERSION} is spoken here"}
        reply = HelloReply(
            protocol=PROTOCOL_VERSION,
            name=NAME,
            version=version("tinycontainer"),
            profiles=list(Profile),
            policies=list(Policy),
            events=list(get_args(protocol.EventKind)),
            reasons=True,
            abilities=self._abilities(),
        )
        return reply.model_dump(mode="json")

    def _abilities(self) -> list[protocol.Ability]:
        offered: list[protocol.Ability] = ["bundles"]
        if ContainerType.BPF in self._runtimes:
            offered.append("rbpf")
        if drivers.can_infer():
            offered.append("tinyml")
        return offered


def _carry_out(subject: JudgedDevice, verb: str, request: Table) -> dict[str, Any]:
    device = subject.device
    match request:
        case protocol.LoadRequest():
            subject.load(*map(bytes.fromhex, (request.metadata, request.code, request.data)))
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
        case protocol.UidRequest():
            return _of_container(subject, verb, bytes.fromhex(request.uid))
        case _:
            return _without_more(subject, verb)
    return {}


def _of_container(subject: JudgedDevice, verb: str, uid: bytes) -> dict[str, Any]:
    if verb == "state":
        return subject.state(uid).model_dump(mode="json")
    device = subject.device
    actions: dict[str, Callable[[bytes], None]] = {
        "start": device.start,
        "stop": device.stop,
        "kill": device.kill,
        "delete": device.delete,
    }
    actions[verb](uid)
    return {}


def _without_more(subject: JudgedDevice, verb: str) -> dict[str, Any]:
    if verb == "events":
        found = subject.take_events()
        return {"events": [each.model_dump(mode="json", exclude_defaults=True) for each in found]}
    if verb == "begin":
        subject.device.begin_load()
    else:
        subject.device.end_load()
    return {}


def serve(source: BinaryIO, sink: BinaryIO, runtimes: Mapping[ContainerType, Runtime]) -> None:
    """Answer line by line until the input ends."""
    shim = Shim(runtimes)
    while line := source.readline(MAX_LINE_BYTES + 1):
        sink.write(protocol.write_line(shim.answer(line)))
        sink.flush()
