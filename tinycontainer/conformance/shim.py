"""Our own device as a program: ``python -m tinycontainer.conformance.shim`` speaks the protocol.

Whatever it is asked, it answers one line per line and ends when its input does.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar, get_args

from tinycontainer.assembly import DevicePlan, Installation, choose_runtimes
from tinycontainer.device.containers.limits import Policy
from tinycontainer.device.containers.memory import Section
from tinycontainer.errors import TinyContainerError
from tinycontainer.files.device_file import DeviceFile
from tinycontainer.files.toml_file import Table
from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import ContainerType
from tinycontainer_tokens import KeyFileError, Profile

from . import drivers, protocol
from .errors import ProtocolError
from .protocol import MAX_LINE_BYTES, PROTOCOL_VERSION, REQUESTS, HelloReply
from .shim_device import Subject, refusal

NAME: Final = "tinycontainer (Python)"
_Request = TypeVar("_Request", bound=Table)


class Shim:
    """Answers requests.

    Args:
        runtimes: what runs containers, by type.
    """

    def __init__(self, runtimes: Mapping[ContainerType, Runtime]) -> None:
        self._runtimes = runtimes
        self._subject: Subject | None = None

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to one line, whatever it holds."""
        try:
            values = protocol.parse_line(line, "the judge")
            return self._perform(values)
        except protocol.Refused as refused:
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
            self._subject = Subject(request.device, self._runtimes)
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


def _carry_out(subject: Subject, verb: str, request: Table) -> dict[str, Any]:
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


def _of_container(subject: Subject, verb: str, uid: bytes) -> dict[str, Any]:
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


def _without_more(subject: Subject, verb: str) -> dict[str, Any]:
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program.

    Args:
        arguments: ``--runtime TYPE=NAME`` chooses a runtime that is installed.
    """
    parser = argparse.ArgumentParser(prog="tinycontainer.conformance.shim")
    parser.add_argument("--runtime", action="append", default=[], metavar="TYPE=NAME")
    named = parser.parse_args(arguments).runtime
    wanted = dict(each.split("=", 1) for each in named if "=" in each)
    try:
        runtimes = choose_runtimes(DevicePlan(Path(), DeviceFile(runtimes=wanted)), Installation())
    except TinyContainerError as error:
        sys.stderr.write(f"error: {error}\n")
        return 3
    serve(sys.stdin.buffer, sys.stdout.buffer, runtimes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
