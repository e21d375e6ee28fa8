"""The manifest ``container.toml``, in which a maker describes a container, as checked tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tinycontainer.errors import DeviceFileError
from tinycontainer.files.fields import (
    ContainerTypeName,
    DirectionName,
    EndpointId,
    PeerTypeName,
    SyscallName,
    Uid,
    Uint32,
    bytes_from_hex,
    mask_from_names,
    uid_from_text,
)
from tinycontainer.files.toml_file import Table, read_bounded, read_toml, resolve_named
from tinycontainer.interfaces.runtime import MAX_PAGES_AND_ELEMENTS
from tinycontainer.metadata import (
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    PeerType,
    Security,
)
from tinycontainer.metadata.codec import MAX_SECTION_BYTES
from tinycontainer.metadata.model import PRIORITIES
from tinycontainer.text import show
from tinycontainer_tokens import Profile
from tinycontainer_tokens.claims import MAX_AUDIENCE_BYTES

from .packing import Blueprint, TokenOptions

MANIFEST_NAME = "container.toml"

UnixSeconds = Annotated[int, Field(ge=0, lt=1 << 63)]


def check_audience(text: str) -> str:
    """Return text that can be the id of a device.

    Raises:
        ValueError: it has a length that a token cannot hold.
    """
    if not 1 <= len(text.encode()) <= MAX_AUDIENCE_BYTES:
        raise ValueError(f"a device id has 1 to {MAX_AUDIENCE_BYTES} bytes")
    return text


def _check_hex(text: str) -> str:
    bytes_from_hex(text)
    return text


class ContainerTable(Table):
    """The container. The optional numbers win over those of the security table."""

    uid: Uid
    type: ContainerTypeName = "wasm"
    code: str = Field(description="file of the code section, within the manifest's directory")
    data: str | None = Field(default=None, description="file of the data section; default empty")
    data_hex: Annotated[str, AfterValidator(_check_hex)] | None = Field(
        default=None, description="hexadecimal data section in place of a file"
    )
    syscalls: list[SyscallName] = Field(default_factory=list, description="calls that it may make")
    exec_time_ms: Uint32 | None = None
    period_ms: Uint32 | None = None
    period_max_ms: Uint32 | None = None
    lifetime_loops: Uint32 | None = None
    priority: int | None = Field(default=None, ge=PRIORITIES[0], le=PRIORITIES[-1])


class SecurityTable(Table):
    """Durations in ms, and the number of loops; 0 is no limit."""

    start_max_duration_ms: Uint32 = 0
    loop_period_ms: Uint32 = 0
    loop_max_duration_ms: Uint32 = 0
    loop_max_lifetime: Uint32 = 0
    stop_max_duration_ms: Uint32 = 0


class EndpointEntry(Table):
    """An endpoint that the container may open."""

    id: EndpointId
    peer: PeerTypeName
    peer_uid: Uid | None = Field(default=None, description="of a peer container")
    peer_endpoint: EndpointId
    direction: DirectionName = Field(description="seen from the peer: in is what we write")

    def to_endpoint(self) -> Endpoint:
        """Make the endpoint that metadata holds."""
        return Endpoint(
            endpoint_id=self.id,
            peer_type=PeerType[self.peer.upper()],
            peer_endpoint_id=self.peer_endpoint,
            direction=Direction[self.direction.upper()],
            peer_uid=None if self.peer_uid is None else uid_from_text(self.peer_uid),
        )


class TokensTable(Table):
    """How the container's tokens are made."""

    profile: Profile = Profile.RFC9052
    sequence: int = Field(default=1, ge=0, lt=1 << 64, description="counts versions")
    audience: Annotated[str, AfterValidator(check_audience)] | None = None
    not_before: UnixSeconds | None = None
    expires: UnixSeconds | None = None
    issued: UnixSeconds | None = None
    sign_endpoints: bool = Field(default=False, description="a token of the owner for each")


def _require_sources(names: list[str]) -> list[str]:
    if not names or not all(names):
        raise ValueError("name at least one file, and no empty name")
    return names


class BuildTable(Table):
    """How the code is compiled; read by ``build`` only."""

    language: Literal["c", "rust", "zig", "assemblyscript"]
    sources: Annotated[list[str], AfterValidator(_require_sources)] = Field(
        description="files within the manifest's directory; the container's own first"
    )
    flags: list[str] = Field(default_factory=list, description="further flags of the compiler")
    stack_bytes: int = Field(default=4096, ge=256, le=1 << 20, description="of WebAssembly")
    memory_pages: int = Field(
        default=1, ge=1, le=MAX_PAGES_AND_ELEMENTS, description="of WebAssembly, of 64 KiB"
    )


class ManifestFile(Table):
    """A manifest."""

    container: ContainerTable
    security: SecurityTable = SecurityTable()
    endpoints: list[EndpointEntry] = Field(default_factory=list)
    tokens: TokensTable = TokensTable()
    build: BuildTable | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read, with the files that it names.

    Attributes:
        blueprint: the container, ready to be signed.
        code: its code section.
        data: its data section.
    """

    blueprint: Blueprint
    code: bytes
    data: bytes


def read_manifest(path: Path, code: Path | None = None, data: Path | None = None) -> Manifest:
    """Read a manifest, its code and its data.

    Args:
        path: the manifest, or the directory in which it is called ``container.toml``.
        code: a file with the code section, in place of the one that the manifest names.
        data: the same for the data section.

    Raises:
        DeviceFileError: something in it cannot be used.
    """
    path = manifest_path(path)
    content = read_toml(path, ManifestFile)
    named = content.container.code
    return Manifest(
        blueprint=_make_blueprint(content),
        code=_read_section(path, named, "container.code") if code is None else _read_file(code),
        data=_read_data(path, content.container) if data is None else _read_file(data),
    )


def read_blueprint(path: Path) -> Blueprint:
    """Read a manifest alone, where the code or the data is not at hand.

    Raises:
        DeviceFileError: something in it cannot be used.
    """
    return _make_blueprint(read_toml(manifest_path(path), ManifestFile))


def manifest_path(path: Path) -> Path:
    """The manifest in a directory, or the path itself."""
    return path / MANIFEST_NAME if path.is_dir() else path


def _read_data(path: Path, table: ContainerTable) -> bytes:
    if table.data_hex is not None:
        if table.data is not None:
            problem = "cannot be given together with container.data"
            raise DeviceFileError(show(str(path)), "container.data_hex", problem)
        return bytes_from_hex(table.data_hex)
    return b"" if table.data is None else _read_section(path, table.data, "container.data")


def _read_section(path: Path, name: str, place: str) -> bytes:
    return _read_file(resolve_named(path.parent.resolve(), name, show(str(path)), place))


def _read_file(path: Path) -> bytes:
    return read_bounded(path, MAX_SECTION_BYTES)


def _make_blueprint(content: ManifestFile) -> Blueprint:
    container = content.container
    tokens = content.tokens
    return Blueprint(
        container=ContainerMap(
            uid=uid_from_text(container.uid),
            type=ContainerType[container.type.upper()],
            exec_time_ms=container.exec_time_ms,
            period_ms=container.period_ms,
            period_max_ms=container.period_max_ms,
            lifetime_loops=container.lifetime_loops,
            priority=container.priority,
        ),
        endpoints=tuple(entry.to_endpoint() for entry in content.endpoints),
        security=Security(**content.security.model_dump()),
        mask=mask_from_names(container.syscalls),
        profile=tokens.profile,
        sign_endpoints=tokens.sign_endpoints,
        options=TokenOptions(
            sequence=tokens.sequence,
            audience=tokens.audience,
            not_before_s=tokens.not_before,
            expires_s=tokens.expires,
            issued_s=tokens.issued,
        ),
    )
