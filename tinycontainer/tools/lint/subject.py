"""What is audited: containers as they were read, and the device that they are meant for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tinycontainer.device.calls.driver_table import DriverTable
from tinycontainer.device.containers.limits import BOARDS, Capacity, Caps, Scheduling
from tinycontainer.device.containers.token_places import TokenPlace, token_places
from tinycontainer.device.containers.verification import Trust, profile_of
from tinycontainer.interfaces.analysis import CodeFacts
from tinycontainer.interfaces.clock import DEFAULT_INSTRUCTION_NS
from tinycontainer.interfaces.syscalls import mask_from_bytes
from tinycontainer.metadata import ContainerType, Metadata
from tinycontainer.text import show
from tinycontainer_tokens import Claims, Kind, Profile
from tinycontainer_tokens.unverified import read_unverified

from ..artefact.artefact import Artefact

DAY_S: Final = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token says of itself; nothing of it is verified.

    Attributes:
        place: such as ``code token``.
        kind: what stands there.
        present: whether there are any bytes.
        profile: its layout; None if it cannot be taken apart.
        claims: what it says; None if it cannot be read.
        problem: why it cannot be read.
    """

    place: str
    kind: Kind
    present: bool
    profile: Profile | None = None
    claims: Claims | None = None
    problem: str = ""


def _facts_of(place: TokenPlace) -> TokenFacts:
    if not place.token:
        return TokenFacts(place.name, place.kind, present=False)
    token = read_unverified(place.token, place.kind)
    problem = token.structure_error or token.claims_error
    return TokenFacts(
        place.name,
        place.kind,
        present=True,
        profile=token.profile,
        claims=token.claims,
        problem="" if problem is None else str(problem),
    )


@dataclass(frozen=True, slots=True)
class AuditSubject:
    """One container.

    Attributes:
        artefact: as it was read.
        path: where from.
        tokens: what its tokens say; those of endpoints stand last.
        facts: what its code shows; None if that is not known.
        refusal: why its code is not admitted; None if it is, or nobody judged.
        unseen: why its code was not looked at; empty if it was.
        most_metadata_bytes: longest metadata that is judged by more than its size.
    """

    artefact: Artefact
    path: Path
    tokens: tuple[TokenFacts, ...] = ()
    facts: CodeFacts | None = None
    refusal: str | None = None
    unseen: str = ""
    most_metadata_bytes: int = BOARDS["default"].metadata_bytes

    @property
    def metadata(self) -> Metadata:
        """Its metadata."""
        return self.artefact.metadata

    @property
    def uid(self) -> bytes:
        """Its uid."""
        return self.metadata.uid

    @property
    def file(self) -> Path:
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


def tokens_of(metadata: Metadata) -> tuple[TokenFacts, ...]:
    """All places of tokens, in the order in which a device looks at them."""
    return tuple(map(_facts_of, token_places(metadata)))


@dataclass(frozen=True, slots=True)
class Host:
    """The device that the containers are meant for, as far as it is known.

    Attributes:
        name: whose capacities these are, for messages.
        path: the device file; None if none was given, and then what follows it are defaults.
        capacity: what fits.
        caps: what metadata may ask for.
        scheduling: how the processor is shared.
        instruction_ns: cost of an instruction.
        drivers: what stands behind endpoints; None if that is not known.
        trust: whom it believes; None if that is not known.
        types: container types that it has a runtime for; None if that is not known.
        missing: bundles that it lists and that are not there.
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


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything that rules look at.

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
        """Whether a container is judged by what the C firmware takes."""
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
