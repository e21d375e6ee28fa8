"""The description of a device that ``reset`` carries: plain values, and every field is there."""

from typing import Annotated, Final, Literal

from pydantic import Field

from tinycontainer.device.containers.limits import Policy
from tinycontainer.files.device_file import CapTable
from tinycontainer.files.fields import DirectionName, DriverPeerTypeName
from tinycontainer.files.toml_file import Table
from tinycontainer.suit.keys.keys import UpdateAlgorithm
from tinycontainer_tokens import Algorithm, Profile, Role

Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$", max_length=1 << 20)]
"""A byte string: lower-case hexadecimal digits."""

DriverName = Literal["buffer", "source", "refuser", "liar", "tinyml"]
EPOCH_S: Final = 1_000_000_000
"""Unix seconds at which the clock of a case's device starts."""


class DriverDescription(Table):
    """One driver, of the few that every implementation has for the suite."""

    endpoint: int = Field(ge=0, le=(1 << 32) - 1, description="its peer-endpoint-id")
    driver: DriverName
    peer: DriverPeerTypeName = "local"
    shared: bool = Field(False, description="one instance for all containers")
    uids: list[str] | None = Field(None, description="containers that it serves; default all")
    directions: list[DirectionName] = Field(["in", "out", "both"], min_length=1)
    text: str = Field("", description="what a source returns")
    code: int = Field(1, ge=1, description="what a refuser and a source refuse with")
    capacity_bytes: int = Field(64, ge=1, description="of a buffer")


class KeyDescription(Table):
    """A key in a role."""

    role: Role
    profile: Profile
    algorithm: Algorithm
    key: Hex = Field(description="public key, or the secret one of HMAC; 32 bytes")
    uids: list[str] | None = Field(None, description="containers that it may sign for; default all")


class UpdateKeyDescription(Table):
    """A key of somebody who may update containers."""

    algorithms: list[UpdateAlgorithm] = Field(
        min_length=1, max_length=2, description="that its updates may name; all on its curve"
    )
    key: Hex = Field(description="public key: 32 bytes of Ed25519, or a point of P-256 of 65")
    kid: Hex | None = Field(None, description="its key id")
    uids: list[str] | None = Field(None, description="containers it may update; default all")


class UpdateDescription(Table):
    """Which updates a device takes."""

    vendor: str = Field(description="a domain name, or a UUID")
    class_name: str = Field(alias="class", description="any text, or a UUID")
    origins: list[str] = Field(max_length=16, description="servers it may fetch payloads from")
    keys: list[UpdateKeyDescription] = Field(max_length=16)


class DeviceTraits(Table):
    """What a case may say about its device; the defaults are those of the specification."""

    device_id: str | None = None
    slots: int = Field(8, ge=1, le=64)
    metadata_bytes: int = Field(2048, ge=1, le=1 << 16)
    code_bytes: int = Field(1 << 16, ge=8, le=1 << 16)
    data_bytes: int = Field(1 << 16, ge=0, le=1 << 16)
    shared_bytes: int | None = Field(None, ge=8, le=1 << 17)
    descriptors: int = Field(10, ge=1, le=64)
    descriptors_per_container: int = Field(4, ge=1, le=64)
    transfer_bytes: int = Field(255, ge=1, le=255)
    pipe_bytes: int = Field(512, ge=1, le=1 << 16)
    log_line_bytes: int = Field(255, ge=1, le=255)
    records_per_second: int = Field(1000, ge=0, le=1 << 16)
    slice_ms: int = Field(10, ge=1)
    grace_ms: int = Field(100, ge=1)
    instruction_ns: int = Field(1000, ge=1, description="for the group timing only")
    call_instructions: int = Field(100, ge=1, description="for the group timing only")
    allow_unsigned: bool = False
    unsigned_mask: int = Field(0, ge=0, le=(1 << 32) - 1)
    require_endpoint_tokens: bool = False
    caps: CapTable = CapTable()
    drivers: list[DriverDescription] = Field(default_factory=list, max_length=64)


class DeviceDescription(DeviceTraits):
    """A whole device, as ``reset`` carries it."""

    policy: Policy
    profiles: list[Profile]
    epoch_s: int = Field(EPOCH_S, ge=0)
    keys: list[KeyDescription] = Field(default_factory=list, max_length=64)
    update: UpdateDescription | None = Field(
        None, description="always there for those who have the ability suit, and for no others"
    )
