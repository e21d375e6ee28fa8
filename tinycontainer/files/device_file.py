"""The device file: an operator's description of a device, as checked tables.

A table has the form of the file, and makes the value that the device uses.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tinycontainer.device.calls.driver_table import DriverEntry
from tinycontainer.device.containers.limits import BOARDS, Cap, Capacity, Caps, Policy, Scheduling
from tinycontainer.interfaces.clock import DEFAULT_INSTRUCTION_NS, NS_PER_MS
from tinycontainer.interfaces.driver import Driver
from tinycontainer.metadata import Direction, PeerType
from tinycontainer.metadata.codec import MAX_METADATA_BYTES, MAX_SECTION_BYTES
from tinycontainer.metadata.model import MAX_UINT32
from tinycontainer.state import MAX_SLOTS
from tinycontainer.text import show
from tinycontainer_tokens import Algorithm, Profile, Role

from .fields import DirectionName, DriverPeerTypeName, EndpointId, Uid, uid_from_text
from .registration_table import RegistrationTable
from .toml_file import Table
from .update_table import UpdateTable

BoardName = Literal["default", "desk-ml", "riot-2024"]


Positive = Annotated[int, Field(ge=1)]


class DeviceTable(Table):
    """Who the device is."""

    id: str | None = Field(None, description="what an aud claim must name")
    name: str = Field("desk", description="name of the board, as the board driver shows it")
    vendor: str = Field("tinycontainer", description="maker of the board")
    board: BoardName = Field("default", description="capacities to begin with")
    epoch: int | None = Field(
        None,
        ge=0,
        description="Unix seconds at which the device's clock starts; by default 2026-01-01 in"
        " virtual time, the host's time in wall time",
    )
    seed: int | None = Field(
        None, description="makes the random driver reproducible; unpredictable without it"
    )
    key: str | None = Field(
        None,
        min_length=1,
        description="the device's own private key (Ed25519, mode 0600), within the device file's"
        " directory",
    )


class RuntimeCapacityTable(Table):
    """Limits of a runtime for one container; the board's hold for absent ones."""

    memory_pages: int | None = Field(None, ge=1, le=1024, description="of 64 KiB")
    table_elements: int | None = Field(None, ge=1, le=1024)
    call_depth: int | None = Field(None, ge=1, le=1000)
    locals_per_function: int | None = Field(None, ge=0, le=4096)
    stack_values: int | None = Field(None, ge=16, le=1 << 20)
    block_depth: int | None = Field(None, ge=1, le=1024)
    floats: Literal["allow", "forbid"] | None = Field(
        None, description="whether code may use floating point"
    )

    def list_changes(self) -> dict[str, Any]:
        """The fields of `RuntimeLimits` that are not the board's."""
        changes = self.model_dump(exclude_none=True)
        if self.floats is not None:
            changes["floats"] = self.floats == "allow"
        return changes


class CapacityTable(Table):
    """Capacities; the board's hold for absent ones."""

    slots: int | None = Field(None, ge=1, le=MAX_SLOTS)
    metadata_bytes: int | None = Field(None, ge=1, le=MAX_METADATA_BYTES)
    code_bytes: int | None = Field(None, ge=8, le=MAX_SECTION_BYTES)
    data_bytes: int | None = Field(None, ge=0, le=MAX_SECTION_BYTES)
    shared_bytes: int | None = Field(
        None, ge=8, le=2 * MAX_SECTION_BYTES, description="of code and data"
    )
    descriptors: Positive | None = None
    descriptors_per_container: Positive | None = None
    transfer_bytes: int | None = Field(None, ge=1, le=255)
    pipe_bytes: int | None = Field(None, ge=1, le=1 << 20)
    log_line_bytes: int | None = Field(None, ge=1, le=255)
    records_per_second: int | None = Field(None, ge=0)
    runtime: RuntimeCapacityTable = RuntimeCapacityTable()

    def make_capacity(self, board: BoardName) -> Capacity:
        """Change the capacity of a board by this table."""
        base = BOARDS[board]
        own = self.model_dump(exclude_none=True, exclude={"runtime"})
        changes = self.runtime.list_changes()
        code_bytes = own.get("code_bytes", base.code_bytes)
        return replace(base, **own, runtime=replace(base.runtime, code_bytes=code_bytes, **changes))


class SchedulingTable(Table):
    """How the processor is shared."""

    policy: Policy = Policy.PRIORITY
    slice_ms: Positive = 10
    grace_ms: Positive = Field(1000, description="of a stopping container; caps its stop hook")
    call_instructions: Positive = Field(100, description="cost of a native call")
    instruction_ns: Positive = Field(DEFAULT_INSTRUCTION_NS, description="in virtual time")

    def make_scheduling(self) -> Scheduling:
        """Make the value that the device uses."""
        return Scheduling(
            self.policy,
            self.slice_ms * NS_PER_MS,
            self.grace_ms * NS_PER_MS,
            self.call_instructions,
        )


class CapTable(Table):
    """The most that metadata may ask for; 0 (no limit) in metadata is beyond any cap."""

    best_priority: int | None = Field(None, ge=0, le=15, description="lowest number allowed")
    start_max_ms: Positive | None = None
    loop_max_ms: Positive | None = None
    stop_max_ms: Positive | None = None
    loop_share: float | None = Field(
        None, gt=0, le=1, description="largest loop-max-duration over loop-period"
    )

    def make_cap(self) -> Cap:
        """Make the value that the device uses."""
        return Cap(
            self.best_priority,
            self.start_max_ms,
            self.loop_max_ms,
            self.stop_max_ms,
            self.loop_share,
        )


class CapsTable(CapTable):
    """Caps for all containers, and caps of single containers that replace them."""

    uids: dict[Uid, CapTable] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_uids(self) -> "CapsTable":
        if len({uid_from_text(text) for text in self.uids}) < len(self.uids):
            raise ValueError("uids: one uid is there twice, as text and as hex:")
        return self

    def make_caps(self) -> Caps:
        """Make the value that the device uses."""
        by_uid = {uid_from_text(text): table.make_cap() for text, table in self.uids.items()}
        return Caps(self.make_cap(), by_uid)


class KeyTable(Table):
    """A key in a role."""

    role: Role
    file: str = Field(description="PEM or COSE_Key, within the device file's directory")
    algorithm: Algorithm = Algorithm.EDDSA
    profile: Profile = Profile.RFC9052
    uids: list[Uid] | None = Field(None, description="containers it may sign for; default all")


class TrustTable(Table):
    """The keys that the device believes, and the tokens that it demands."""

    profiles: list[Profile] = Field([Profile.RFC9052], min_length=1)
    keys: list[KeyTable] = Field(default_factory=list)
    allow_unsigned: bool = Field(False, description="forgive absent tokens; for the bench only")
    unsigned_mask: int = Field(0, ge=0, le=MAX_UINT32, description="without a mask token")
    require_endpoint_tokens: bool = False

    @model_validator(mode="before")
    @classmethod
    def _refuse_sequence_file(cls, table: object) -> object:
        if isinstance(table, dict) and "sequence_file" in table:
            name = show(str(table["sequence_file"]))
            raise ValueError(
                "sequence_file is no longer known; name a new file for all that the device"
                f' remembers: [state] file = "device.db" (numbers in {name} are not taken over)'
            )
        return table


class StateTable(Table):
    """What the device remembers across its runs."""

    file: str | None = Field(
        None,
        min_length=1,
        description="a SQLite file within the device file's directory, made when it is needed; in"
        " memory without it",
    )


class EvidenceTable(Table):
    """How the device signs what it is and what has happened on it."""

    key: str | None = Field(
        None,
        min_length=1,
        description="the private key that signs it (Ed25519, mode 0600), within the device file's"
        " directory; for nothing else",
    )


RightName = Literal[
    "read", "start", "stop", "load", "delete", "reconfigure", "update", "identify", "snapshot"
]


class PeerTable(Table):
    """Somebody who may manage the device over a network."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$", description="as logs and answers show it"
    )
    context: str | None = Field(
        None,
        min_length=1,
        description="folder of the OSCORE context (mode 0700) that the peer has the other side of,"
        " within the device file's directory; one for each peer",
    )
    credential: str | None = Field(
        None,
        min_length=1,
        description="in its place the peer's credential for EDHOC, within that directory as well",
    )
    rights: list[RightName] = Field(
        min_length=1, description="what it may do; to kill is to stop, to replace load and delete"
    )
    uids: list[Uid] | None = Field(None, description="to which containers; default all")

    @model_validator(mode="after")
    def _check_proof(self) -> "PeerTable":
        if (self.context is None) == (self.credential is None):
            raise ValueError("name either a context or a credential:")
        return self


class AgentTable(Table):
    """How the device is managed over a network."""

    bind: str | None = Field(
        None,
        min_length=1,
        description="host and port, as in [::1]:5683; by default the loopback address and 5683",
    )
    insecure: bool = Field(
        False,
        description="serve without protection, on a loopback address only: everybody who reaches it"
        " may do everything",
    )
    identity: str | None = Field(
        None,
        min_length=1,
        description="the device's own private key for EDHOC (mode 0600), within the device file's"
        " directory; needed where a peer has a credential",
    )
    peers: list[PeerTable] = Field(default_factory=list)
    registration: RegistrationTable | None = None

    @model_validator(mode="after")
    def _check_peers(self) -> "AgentTable":
        names = [peer.name for peer in self.peers]
        if len(set(names)) < len(names):
            raise ValueError("peers: two have one name:")
        if self.peers and self.insecure:
            raise ValueError("insecure lets everybody do everything; leave it out beside peers:")
        uses_edhoc = any(peer.credential is not None for peer in self.peers)
        if uses_edhoc != (self.identity is not None):
            raise ValueError("identity: is needed if a peer has a credential, and only then:")
        return self

    @model_validator(mode="after")
    def _check_registration(self) -> "AgentTable":
        if self.registration is None:
            return self
        if self.insecure:
            _check_open_registration(self.registration)
        elif self.peers:
            _check_protector(self.registration, self.peers)
        return self


def _check_open_registration(registration: RegistrationTable) -> None:
    if registration.peer is not None:
        raise ValueError("registration.peer: leave it out beside insecure; nothing is protected:")
    if not registration.is_on_loopback:
        raise ValueError(
            "registration.directory: must be a loopback address beside insecure, such as"
            " coap://[::1]:5700:"
        )


def _check_protector(registration: RegistrationTable, peers: list[PeerTable]) -> None:
    """Check that a peer is named whose context protects a registration."""
    found = [peer for peer in peers if peer.name == registration.peer]
    if not found:
        raise ValueError("registration.peer: name the peer whose context protects it:")
    if found[0].context is None:
        raise ValueError(
            f"registration.peer: {found[0].name} has a credential; a registration needs a peer"
            " with a context:"
        )


class DriverTableEntry(Table):
    """A driver behind a peer endpoint."""

    driver: str = Field(description="name of an installed driver")
    endpoint: EndpointId = Field(description="the peer-endpoint-id that metadata names")
    peer: DriverPeerTypeName = "local"
    shared: bool = Field(False, description="one instance for all containers")
    uids: list[Uid] | None = Field(None, description="containers it serves; default all")
    directions: list[DirectionName] = Field(["in", "out", "both"], min_length=1)
    options: dict[str, object] = Field(default_factory=dict)

    def make_entry(self, make: Callable[[], Driver]) -> DriverEntry:
        """Make the value that the device uses.

        Args:
            make: makes an instance of the driver.
        """
        return DriverEntry(
            peer_type=PeerType[self.peer.upper()],
            peer_endpoint_id=self.endpoint,
            name=self.driver,
            make=make,
            shared=self.shared,
            uids=None if self.uids is None else frozenset(map(uid_from_text, self.uids)),
            directions=frozenset(Direction[name.upper()] for name in self.directions),
        )


class ContainerEntry(Table):
    """A container that the device begins with."""

    bundle: str = Field(description="bundle file, within the device file's directory")
    start: bool = True


class DeviceFile(Table):
    """A device file."""

    device: DeviceTable = DeviceTable()
    capacity: CapacityTable = CapacityTable()
    scheduling: SchedulingTable = SchedulingTable()
    caps: CapsTable = CapsTable()
    trust: TrustTable = TrustTable()
    state: StateTable = StateTable()
    update: UpdateTable = UpdateTable()
    agent: AgentTable = AgentTable()
    evidence: EvidenceTable = EvidenceTable()
    runtimes: dict[str, str] = Field(
        default_factory=dict, description="which runtime runs a container type, if not the default"
    )
    drivers: list[DriverTableEntry] = Field(default_factory=list)
    containers: list[ContainerEntry] = Field(default_factory=list)

    def make_capacity(self) -> Capacity:
        """The capacity of the file's board, with the file's changes."""
        return self.capacity.make_capacity(self.device.board)
