"""Metadata and bundles to bytes and back, strictly.

Layout (firmware): tag ``TinyPART`` around a map {1: container, 2: endpoints, 3: security}; each
value is a byte string that holds CBOR. What is decoded here encodes to the same bytes again;
everything else is refused with its place.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, TypeVar

from tinycontainer.errors import MetadataError
from tinycontainer_tokens import CborError, cbor

from .model import (
    MAX_UINT32,
    METADATA_TAG,
    PRIORITIES,
    UID_BYTES,
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    Metadata,
    PeerType,
    Security,
)

DEFAULT_LIMIT_BYTES: Final = 2048
"""Longest metadata that is decoded if the caller names no limit."""

PARTS: Final[Mapping[int, str]] = {1: "container", 2: "endpoints", 3: "security"}
"""What the byte strings of the outer map hold."""

BUNDLE_OVERHEAD_BYTES: Final = 64
MAX_METADATA_BYTES: Final = 1 << 20
MAX_SECTION_BYTES: Final = 1 << 24
"""The most that a device file can allow, so the most that any tool has to read."""
"""Longest bundle beyond the capacities of its three sections."""

_BUNDLE_PARTS: Final = ("metadata", "data", "code")

_Enum = TypeVar("_Enum", bound=IntEnum)
_Check = Callable[[str, cbor.Value], Any]
_Names = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Bundle:
    """The three sections of a container in one file, CBOR ``[metadata, data, code]``.

    It holds no path.
    """

    metadata: bytes
    data: bytes
    code: bytes

    def encode(self) -> bytes:
        """The bundle as bytes."""
        return cbor.encode([self.metadata, self.data, self.code])

    @classmethod
    def decode(cls, content: bytes, limit_bytes: int) -> "Bundle":
        """Take a bundle apart.

        Args:
            content: untrusted bytes.
            limit_bytes: longest acceptable bundle.

        Raises:
            MetadataError: not an array of three byte strings in strict CBOR, or too long.
        """
        try:
            parts = cbor.decode(content, limit_bytes)
        except CborError as error:
            raise MetadataError("bundle", str(error)) from None
        if not isinstance(parts, list) or len(parts) != len(_BUNDLE_PARTS):
            raise MetadataError("bundle", "not an array of metadata, data and code")
        sections = []
        for name, part in zip(_BUNDLE_PARTS, parts, strict=True):
            if not isinstance(part, bytes):
                raise MetadataError(f"bundle.{name}", "not a byte string")
            sections.append(part)
        return cls(*sections)


def decode(data: bytes, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> Metadata:
    """Decode metadata.

    Args:
        data: untrusted bytes.
        limit_bytes: longest acceptable ``data``.

    Raises:
        MetadataError: any deviation, with its place.
    """
    if len(data) > limit_bytes:
        raise MetadataError("metadata", f"{len(data)} bytes; at most {limit_bytes} are allowed")
    try:
        tags, value = cbor.decode_tagged(data, limit_bytes)
    except CborError as error:
        raise MetadataError("metadata", str(error)) from None
    if tags != (METADATA_TAG,):
        raise MetadataError("metadata", f"does not begin with the tag {METADATA_TAG} (TinyPART)")
    outer = _map("metadata", value, PARTS, {1: PARTS[1]})
    parts = {
        name: _nested(name, _bytes(name, outer[key])) for key, name in PARTS.items() if key in outer
    }
    return Metadata(
        container=_container(parts["container"]),
        endpoints=_endpoints(parts["endpoints"]) if "endpoints" in parts else None,
        security=_security(parts["security"]) if "security" in parts else None,
        raw=data,
    )


def encode(
    container: ContainerMap, endpoints: tuple[Endpoint, ...] | None, security: Security | None
) -> bytes:
    """Encode metadata in deterministic form.

    Raises:
        MetadataError: a value is out of its range.
    """
    outer: dict[int, cbor.Value] = {1: cbor.encode(_by_key(container, CONTAINER_FIELDS))}
    if endpoints is not None:
        outer[2] = cbor.encode([_by_key(endpoint, ENDPOINT_FIELDS) for endpoint in endpoints])
    if security is not None:
        outer[3] = cbor.encode(
            [getattr(security, attribute) for attribute, _, _ in SECURITY_FIELDS]
        )
    encoded = cbor.with_tags((METADATA_TAG,), cbor.encode(outer))
    decode(encoded, limit_bytes=len(encoded))
    return encoded


def encode_endpoint(endpoint: Endpoint, *, with_token: bool) -> bytes:
    """Encode one endpoint entry; without its token (key 6) it is what an endpoint token covers."""
    entry = _by_key(endpoint, ENDPOINT_FIELDS)
    if not with_token:
        entry.pop(6, None)
    return cbor.encode(entry)


def _nested(place: str, data: bytes) -> cbor.Value:
    try:
        return cbor.decode(data, len(data))
    except CborError as error:
        raise MetadataError(place, str(error)) from None


def _map(
    place: str, value: cbor.Value, known: Collection[int], required: _Names
) -> dict[int, cbor.Value]:
    if not isinstance(value, dict):
        raise MetadataError(place, "not a map")
    for key in value:
        if key not in known:
            raise MetadataError(place, f"unknown key {key}")
    for key, name in required.items():
        if key not in value:
            raise MetadataError(place, f"key {key} ({name}) is missing")
    return value


def _bytes(place: str, value: cbor.Value) -> bytes:
    if not isinstance(value, bytes):
        raise MetadataError(place, "not a byte string")
    return value


def _uid(place: str, value: cbor.Value) -> bytes:
    uid = _bytes(place, value)
    if len(uid) not in UID_BYTES:
        raise MetadataError(place, f"{len(uid)} bytes; a uid has {UID_BYTES[0]} to {UID_BYTES[-1]}")
    return uid


def _uint32(place: str, value: cbor.Value) -> int:
    if type(value) is not int:
        raise MetadataError(place, "not an integer")
    if not 0 <= value <= MAX_UINT32:
        raise MetadataError(place, f"{value} is not within 0 and {MAX_UINT32}")
    return value


def _priority(place: str, value: cbor.Value) -> int:
    priority = _uint32(place, value)
    if priority not in PRIORITIES:
        raise MetadataError(place, f"{priority} is not within {PRIORITIES[0]} and {PRIORITIES[-1]}")
    return priority


def _one_of(enum: type[_Enum], words: str) -> Callable[[str, cbor.Value], _Enum]:
    members = {int(member): member for member in enum}

    def check(place: str, value: cbor.Value) -> _Enum:
        number = _uint32(place, value)
        if number not in members:
            raise MetadataError(place, f"{number} is not {words}")
        return members[number]

    return check


CONTAINER_FIELDS: Final[dict[int, tuple[str, str, _Check]]] = {
    1: ("uid", "uid", _uid),
    2: ("type", "type", _one_of(ContainerType, "a container type, 0 to 7")),
    3: ("syscall_mask_token", "syscall-mask", _bytes),
    4: ("exec_time_ms", "exec-time", _uint32),
    5: ("period_ms", "period", _uint32),
    6: ("period_max_ms", "period-max", _uint32),
    7: ("lifetime_loops", "lifetime", _uint32),
    8: ("priority", "priority", _priority),
}
"""Attribute, name and check of each value, by its key."""

ENDPOINT_FIELDS: Final[dict[int, tuple[str, str, _Check]]] = {
    1: ("endpoint_id", "endpoint-id", _uint32),
    2: ("peer_type", "peer-type", _one_of(PeerType, "container, local or remote (0, 1 or 2)")),
    3: ("peer_uid", "peer-uid", _uid),
    4: ("peer_endpoint_id", "peer-endpoint-id", _uint32),
    5: ("direction", "direction", _one_of(Direction, "in, out or both (0, 1 or 2)")),
    6: ("token", "endpoint-token", _bytes),
}
"""The same for one entry of the endpoints array."""

SECURITY_FIELDS: Final[tuple[tuple[str, str, _Check], ...]] = (
    ("start_max_duration_ms", "start-max-duration", _uint32),
    ("loop_period_ms", "loop-period", _uint32),
    ("loop_max_duration_ms", "loop-max-duration", _uint32),
    ("loop_max_lifetime", "loop-max-lifetime", _uint32),
    ("stop_max_duration_ms", "stop-max-duration", _uint32),
    ("data_token", "data-token", _bytes),
    ("code_token", "code-token", _bytes),
    ("metadata_token", "metadata-token", _bytes),
)
"""The same for the security array, in its order."""


_CONTAINER_HAS: Final = {key: CONTAINER_FIELDS[key][1] for key in (1, 2, 3)}
_ENDPOINT_HAS: Final = {key: ENDPOINT_FIELDS[key][1] for key in (1, 2, 4, 5)}


def _read_keys(
    place: str, value: cbor.Value, table: Mapping[int, tuple[str, str, _Check]], required: _Names
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, entry in _map(place, value, table, required).items():
        attribute, name, check = table[key]
        fields[attribute] = check(f"{place}.{name}", entry)
    return fields


def _container(value: cbor.Value) -> ContainerMap:
    return ContainerMap(**_read_keys("container", value, CONTAINER_FIELDS, _CONTAINER_HAS))


def _endpoints(value: cbor.Value) -> tuple[Endpoint, ...]:
    if not isinstance(value, list):
        raise MetadataError("endpoints", "not an array")
    endpoints = tuple(_endpoint(f"endpoints[{i}]", entry) for i, entry in enumerate(value))
    seen: set[int] = set()
    for i, endpoint in enumerate(endpoints):
        if endpoint.endpoint_id in seen:
            raise MetadataError(
                f"endpoints[{i}].endpoint-id", f"{endpoint.endpoint_id} is used twice"
            )
        seen.add(endpoint.endpoint_id)
    return endpoints


def _endpoint(place: str, value: cbor.Value) -> Endpoint:
    endpoint = Endpoint(**_read_keys(place, value, ENDPOINT_FIELDS, _ENDPOINT_HAS))
    if (endpoint.peer_type is PeerType.CONTAINER) != (endpoint.peer_uid is not None):
        missing = endpoint.peer_uid is None
        problem = (
            "missing; a container peer has one" if missing else "only a container peer has one"
        )
        raise MetadataError(f"{place}.peer-uid", problem)
    return endpoint


def _security(value: cbor.Value) -> Security:
    if not isinstance(value, list):
        raise MetadataError("security", "not an array")
    if len(value) != len(SECURITY_FIELDS):
        raise MetadataError("security", f"{len(value)} entries; it has {len(SECURITY_FIELDS)}")
    return Security(
        **{
            attribute: check(f"security.{name}", entry)
            for (attribute, name, check), entry in zip(SECURITY_FIELDS, value, strict=True)
        }
    )


def _by_key(
    values: ContainerMap | Endpoint, table: dict[int, tuple[str, str, _Check]]
) -> dict[int, cbor.Value]:
    present = ((key, getattr(values, attribute)) for key, (attribute, _, _) in table.items())
    return {
        key: int(value) if isinstance(value, IntEnum) else value
        for key, value in present
        if value is not None
    }
