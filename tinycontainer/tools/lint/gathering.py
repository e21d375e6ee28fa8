"""From files to what rules look at: artefacts with the facts of their code, and the device."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tinycontainer.assembly import DevicePlan, locate_drivers, read_trust
from tinycontainer.device.containers.limits import BOARDS, Capacity
from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.analysis import Analyser, CodeFacts
from tinycontainer.interfaces.runtime import Runtime, RuntimeLimits
from tinycontainer.metadata import ContainerType
from tinycontainer.text import show
from tinycontainer_tokens import Profile

from ..artefact.artefact import Artefact
from ..firmware.board import RIOT_BOARD
from .sizes import pages_of
from .subject import AuditSubject, Host, tokens_of


@dataclass(frozen=True, slots=True)
class Tools:
    """What is installed to judge code with.

    Attributes:
        analysers: say what code does, by container type.
        runtimes: say whether code is admitted, by container type.
    """

    analysers: Mapping[ContainerType, Analyser]
    runtimes: Mapping[ContainerType, Runtime]


def gather(artefact: Artefact, path: Path, capacity: Capacity, tools: Tools) -> AuditSubject:
    """Look at a container's tokens and code.

    Args:
        artefact: the container.
        path: where it was read from.
        capacity: of the device that it is meant for.
        tools: what to look at code with.
    """
    kind, usual = artefact.metadata.container.type, BOARDS["default"]
    most_bytes = max(capacity.code_bytes, usual.code_bytes)
    facts, refusal = None, None
    if artefact.code is not None and len(artefact.code) <= most_bytes:
        facts, refusal = _judge(artefact.code, kind, capacity, tools)
    return AuditSubject(
        artefact,
        path,
        tokens_of(artefact.metadata),
        facts,
        refusal,
        _unseen(artefact.code, kind, most_bytes, tools),
        max(capacity.metadata_bytes, usual.metadata_bytes),
    )


def host_of(
    plan: DevicePlan | None, profile: Profile | None, types: frozenset[ContainerType]
) -> Host:
    """The device that containers are meant for.

    Args:
        plan: its device file; without one it is the board of the profile asked for.
        profile: the profile asked for.
        types: container types that there are runtimes for.

    Raises:
        DeviceFileError: the device file, or a key that it names, cannot be used.
    """
    if plan is None:
        board = RIOT_BOARD if profile is Profile.RIOT_2024 else "default"
        return Host(f"board {board}", capacity=BOARDS[board])
    content = plan.content
    return Host(
        name=show(plan.path.name),
        path=plan.path,
        capacity=content.capacity.capacity(content.device.board),
        caps=content.caps.caps(),
        scheduling=content.scheduling.scheduling(),
        instruction_ns=content.scheduling.instruction_ns,
        drivers=locate_drivers(plan),
        trust=read_trust(plan),
        types=types,
    )


def _unseen(code: bytes | None, kind: ContainerType, most_bytes: int, tools: Tools) -> str:
    """Why code is not looked at; empty if it is."""
    if code is None:
        return "the code section is not at hand"
    if len(code) > most_bytes:
        return f"{len(code)} bytes of code; up to {most_bytes} are looked at"
    if kind not in tools.analysers:
        return f"no analyser for type {kind.name.lower()} is installed"
    return ""


def _judge(
    code: bytes, kind: ContainerType, capacity: Capacity, tools: Tools
) -> tuple[CodeFacts | None, str | None]:
    """What code shows, and why it is not admitted."""
    try:
        facts = tools.analysers[kind](code) if kind in tools.analysers else None
        if kind in tools.runtimes:
            tools.runtimes[kind].admit(code, _limits(code, capacity, facts))
    except InadmissibleCode as error:
        return None, str(error)
    return facts, None


def _limits(code: bytes, capacity: Capacity, facts: CodeFacts | None) -> RuntimeLimits:
    """The device's limits, but for sizes that have findings of their own."""
    limits = capacity.runtime
    return replace(
        limits,
        code_bytes=max(limits.code_bytes, len(code)),
        memory_pages=max(limits.memory_pages, pages_of(facts)),
    )
