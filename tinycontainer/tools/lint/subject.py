"""The subjects of the audit: containers with the facts of their code, and the device for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tinycontainer.assembly import DevicePlan, locate_drivers, read_trust
from tinycontainer.device.calls.driver_table import DriverTable
from tinycontainer.device.containers.limits import BOARDS, Capacity, Caps, Scheduling
from tinycontainer.device.containers.verification import Trust, profile_of
from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.analysis import Analyser, CodeFacts
from tinycontainer.interfaces.clock import DEFAULT_INSTRUCTION_NS
from tinycontainer.interfaces.runtime import PAGE_BYTES, Runtime, RuntimeLimits
from tinycontainer.interfaces.syscalls import mask_from_bytes
from tinycontainer.metadata import ContainerType, Metadata, TokenPlace, token_places
from tinycontainer.text import show
from tinycontainer_tokens import Algorithm, Claims, Kind, Profile
from tinycontainer_tokens.unverified import read_unverified

from ..artefact.artefact import Artefact
from ..firmware.board import DEFAULT_BOARD, board_of

_USUAL: Final = BOARDS[DEFAULT_BOARD]
"""Code and metadata up to these sizes are looked into, even if the device is smaller."""


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """The content of a token; nothing of it is verified.

    Attributes:
        place: such as ``code token``.
        kind: what a token in this place has to vouch for.
        present: whether the place holds any bytes.
        profile: its layout; None if it is no token of any profile.
        algorithm: what it is made with; None if it is no token of any profile.
        claims: what it says; None if it cannot be read.
        problem: why it cannot be read.
    """

    place: str
    kind: Kind
    present: bool
    profile: Profile | None = None
    algorithm: Algorithm | None = None
    claims: Claims | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AuditSubject:
    """One container.

    Attributes:
        artefact: as it was read.
        path: where from.
        tokens: what its tokens say, in the order in which a device verifies them.
        facts: what its code shows; None if that is not known.
        refusal: why its code is not admitted; None if it is, or if it was not judged.
        unseen: why its code was not looked at; empty if it was.
        most_metadata_bytes: longest metadata that is judged by more than its size.
    """

    artefact: Artefact
    path: Path
    tokens: tuple[TokenFacts, ...]
    facts: CodeFacts | None
    refusal: str | None
    unseen: str
    most_metadata_bytes: int

    @property
    def metadata(self) -> Metadata:
        """Its metadata."""
        return self.artefact.metadata

    @property
    def uid(self) -> bytes:
        """Its uid."""
        return self.metadata.uid

    @property
    def metadata_file(self) -> Path:
        """The file that holds its metadata."""
        return self.path if self.artefact.layout is None else self.artefact.layout.metadata

    @property
    def shown(self) -> str:
        """Its uid, fit to be shown."""
        return show(self.uid)

    @property
    def profile(self) -> Profile:
        """The layout of its tokens; the default if it has none."""
        return profile_of(self.metadata) or Profile.RFC9052

    def token(self, kind: Kind) -> TokenFacts | None:
        """Its token of a kind, the first if there are several; None if the place is empty."""
        for each in self.tokens:
            if each.kind is kind and each.present:
                return each
        return None

    @property
    def is_looked_into(self) -> bool:
        """Whether more than its sizes is judged: files can hold far more than any device does."""
        return len(self.metadata.raw) <= self.most_metadata_bytes

    @property
    def has_mask_token(self) -> bool:
        """Whether its owner has signed a mask."""
        return self.token(Kind.MASK) is not None

    @property
    def memory_pages(self) -> int:
        """Pages of linear memory that its code begins with; 0 if that is not known."""
        return _pages_of(self.facts)


@dataclass(frozen=True, slots=True)
class CodeTools:
    """What is installed to judge code with.

    Attributes:
        analysers: say what code does, by container type.
        runtimes: say whether code is admitted, by container type.
    """

    analysers: Mapping[ContainerType, Analyser]
    runtimes: Mapping[ContainerType, Runtime]


def gather_subject(
    artefact: Artefact, path: Path, capacity: Capacity, tools: CodeTools
) -> AuditSubject:
    """Look at a container's tokens and code.

    Args:
        artefact: the container.
        path: where it was read from.
        capacity: of the device that it is meant for.
        tools: what to look at code with.
    """
    code = artefact.code
    container_type = artefact.metadata.container.type
    # Files can hold far more code than any device, and scanning it would take long.
    most_code_bytes = max(capacity.code_bytes, _USUAL.code_bytes)
    facts = None
    refusal = None
    if code is not None and len(code) <= most_code_bytes:
        facts, refusal = _judge_code(code, container_type, capacity, tools)
    return AuditSubject(
        artefact,
        path,
        tuple(_read_facts(place) for place in token_places(artefact.metadata)),
        facts,
        refusal,
        _why_unseen(code, container_type, most_code_bytes, tools),
        max(capacity.metadata_bytes, _USUAL.metadata_bytes),
    )


def _read_facts(place: TokenPlace) -> TokenFacts:
    if not place.token:
        return TokenFacts(place.name, place.kind, present=False)
    token = read_unverified(place.token, place.kind)
    problem = token.structure_error or token.claims_error
    return TokenFacts(
        place.name,
        place.kind,
        present=True,
        profile=token.profile,
        algorithm=None if token.envelope is None else token.envelope.algorithm,
        claims=token.claims,
        problem="" if problem is None else str(problem),
    )


def _why_unseen(
    code: bytes | None, container_type: ContainerType, most_bytes: int, tools: CodeTools
) -> str:
    """Why code is not looked at; empty if it is."""
    if code is None:
        return "the code section is not at hand"
    if len(code) > most_bytes:
        return f"{len(code)} bytes of code; up to {most_bytes} are looked at"
    if container_type not in tools.analysers:
        return f"no analyser for type {container_type.name.lower()} is installed"
    return ""


def _judge_code(
    code: bytes, container_type: ContainerType, capacity: Capacity, tools: CodeTools
) -> tuple[CodeFacts | None, str | None]:
    """Analyse code, and ask the runtime; the second value is why the runtime does not admit it."""
    analyse = tools.analysers.get(container_type)
    runtime = tools.runtimes.get(container_type)
    try:
        facts = None if analyse is None else analyse(code)
        if runtime is not None:
            runtime.admit(code, _widen_limits(capacity.runtime, code, facts))
    except InadmissibleCode as error:
        return None, str(error)
    return facts, None


def _widen_limits(limits: RuntimeLimits, code: bytes, facts: CodeFacts | None) -> RuntimeLimits:
    """The device's limits, without those on sizes that have findings of their own."""
    return replace(
        limits,
        code_bytes=max(limits.code_bytes, len(code)),
        memory_pages=max(limits.memory_pages, _pages_of(facts)),
    )


def _pages_of(facts: CodeFacts | None) -> int:
    return -(-facts.memory_bytes // PAGE_BYTES) if facts else 0


@dataclass(frozen=True, slots=True)
class Host:
    """The device that the containers are meant for, as far as it is known.

    Attributes:
        name: whose capacities these are, for messages.
        path: the device file; None if none was given, and then all that follows is a default.
        capacity: what fits.
        caps: what metadata may ask for.
        scheduling: how the processor is shared.
        instruction_ns: cost of an instruction.
        drivers: its drivers by endpoint; None if that is not known.
        trust: its keys, and what it accepts; None if that is not known.
        types: container types that it has a runtime for; None if that is not known.
        missing: bundles that its device file lists and that do not exist.
    """

    name: str
    path: Path | None = None
    capacity: Capacity = field(default_factory=Capacity)
    caps: Caps = field(default_factory=Caps)
    scheduling: Scheduling = field(default_factory=Scheduling)
    instruction_ns: int = DEFAULT_INSTRUCTION_NS
    drivers: DriverTable | None = None
    trust: Trust | None = None
    types: frozenset[ContainerType] | None = None
    missing: tuple[str, ...] = ()


def gather_host(
    plan: DevicePlan | None, profile: Profile | None, types: frozenset[ContainerType]
) -> Host:
    """Describe the device that containers are meant for.

    Args:
        plan: its device file; without one it is the board of the profile asked for.
        profile: the profile asked for.
        types: container types that there are runtimes for.

    Raises:
        DeviceFileError: the device file, or a key that it names, cannot be used.
    """
    if plan is None:
        board = board_of(profile)
        return Host(f"board {board}", capacity=BOARDS[board])
    return make_host(plan, read_trust(plan), types)


def make_host(plan: DevicePlan, trust: Trust, types: frozenset[ContainerType]) -> Host:
    """Describe a device whose keys are known already; no file is opened.

    Args:
        plan: its device file.
        trust: its keys, and what it accepts.
        types: container types that there are runtimes for.

    Raises:
        DeviceFileError: two drivers have one place.
    """
    content = plan.content
    return Host(
        name=show(plan.path.name),
        path=plan.path,
        capacity=content.make_capacity(),
        caps=content.caps.make_caps(),
        scheduling=content.scheduling.make_scheduling(),
        instruction_ns=content.scheduling.instruction_ns,
        drivers=locate_drivers(plan),
        trust=trust,
        types=types,
    )


@dataclass(frozen=True, slots=True)
class Audit:
    """What is audited: everything that rules look at.

    Attributes:
        subjects: the containers, all together on one device.
        host: that device.
        now_s: time in Unix seconds.
        profile: the profile asked for; None to judge each container by that of its tokens.
    """

    subjects: tuple[AuditSubject, ...]
    host: Host
    now_s: int
    profile: Profile | None = None

    def is_riot(self, subject: AuditSubject) -> bool:
        """Whether a container is judged by what the C firmware accepts."""
        return (self.profile or subject.profile) is Profile.RIOT_2024

    def mask(self, subject: AuditSubject) -> int | None:
        """What a container may call; None if that is not known."""
        token = subject.token(Kind.MASK)
        if token is not None:
            mask = token.claims.mask if token.claims else None
            return None if mask is None else mask_from_bytes(mask)
        trust = self.host.trust
        return trust.unsigned_mask if trust and trust.allow_unsigned else None

    def peers(self) -> Mapping[bytes, AuditSubject]:
        """The containers by uid; of several with one uid the first."""
        return {each.uid: each for each in reversed(self.subjects) if each.is_looked_into}
