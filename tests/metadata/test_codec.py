"""Metadata to bytes and back: byte-exact, and every deviation is refused with its place."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.errors import catch_error
from support.random_metadata import CONTAINERS, ENDPOINTS, SECURITIES, endpoints

from tinycontainer.errors import MetadataError, TinyContainerError
from tinycontainer.metadata import (
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    PeerType,
    Security,
    decode,
    encode,
    encode_endpoint,
)
from tinycontainer_tokens import cbor

TAG = b"\xdbTinyPART"
Map = dict[int, cbor.Value]


@given(CONTAINERS, st.none() | ENDPOINTS, st.none() | SECURITIES)
@pytest.mark.clause("TC-META-02")
def test_the_round_trip_is_exact(
    container: ContainerMap, entries: list[Endpoint] | None, security: Security | None
) -> None:
    listed = None if entries is None else tuple(entries)
    encoded = encode(container, listed, security)
    decoded = decode(encoded, len(encoded))
    assert (decoded.container, decoded.endpoints, decoded.security) == (container, listed, security)
    assert decoded.raw == encoded
    assert encode(decoded.container, decoded.endpoints, decoded.security) == encoded


@given(endpoints())
def test_an_endpoint_is_encoded_with_its_token_or_without(endpoint: Endpoint) -> None:
    whole: Map = {1: endpoint.endpoint_id, 2: int(endpoint.peer_type)}
    if endpoint.peer_uid is not None:
        whole[3] = endpoint.peer_uid
    whole |= {4: endpoint.peer_endpoint_id, 5: int(endpoint.direction)}
    assert encode_endpoint(endpoint, with_token=False) == cbor.encode(whole)
    if endpoint.token is not None:
        whole[6] = endpoint.token
    assert encode_endpoint(endpoint, with_token=True) == cbor.encode(whole)


@pytest.mark.clause("TC-META-01")
def test_the_layout_is_that_of_the_firmware() -> None:
    container = ContainerMap(b"uid", ContainerType.WASM, b"mask", 4, 5, 6, 7, 8)
    local = Endpoint(300, PeerType.LOCAL, 10, Direction.BOTH)
    peer = Endpoint(1, PeerType.CONTAINER, 2, Direction.OUT, b"peer", b"token")
    security = Security(10, 20, 30, 40, 50, b"data", b"code", b"metadata")
    inside: Map = {
        1: cbor.encode({1: b"uid", 2: 4, 3: b"mask", 4: 4, 5: 5, 6: 6, 7: 7, 8: 8}),
        2: cbor.encode(
            [{1: 300, 2: 1, 4: 10, 5: 2}, {1: 1, 2: 0, 3: b"peer", 4: 2, 5: 1, 6: b"token"}]
        ),
        3: cbor.encode([10, 20, 30, 40, 50, b"data", b"code", b"metadata"]),
    }
    assert encode(container, (local, peer), security) == TAG + cbor.encode(inside)


def test_the_metadata_token_stands_last() -> None:
    security = Security(metadata_token=b"the token")
    encoded = encode(ContainerMap(b"uid", ContainerType.WASM), (), security)
    assert encoded.endswith(b"the token")


CONTAINER: Map = {1: b"uid", 2: 4, 3: b"mask"}
LOCAL: Map = {1: 7, 2: 1, 4: 10, 5: 2}
PEER: Map = {1: 8, 2: 0, 3: b"peer", 4: 2, 5: 1}
ENTRIES: list[cbor.Value] = [LOCAL, PEER]
SECURITY: list[cbor.Value] = [10, 20, 30, 40, 50, b"data", b"code", b"metadata"]


def encode_any(
    container: cbor.Value = CONTAINER,
    entries: cbor.Value = ENTRIES,
    security: cbor.Value = SECURITY,
    **replaced: bytes,
) -> bytes:
    """Metadata of any values; a part can be replaced by bytes, as `raw_container=...`."""
    parts = {"container": container, "endpoints": entries, "security": security}
    nested = [replaced.get(f"raw_{name}", cbor.encode(part)) for name, part in parts.items()]
    return TAG + cbor.encode(dict(enumerate(nested, 1)))


def metadata_error(encoded: bytes, limit_bytes: int = 2048) -> str:
    """Why these bytes are no metadata: place and problem."""
    error = catch_error(MetadataError, decode, encoded, limit_bytes)
    assert str(error) == f"{error.place}: {error.problem}"
    return str(error)


def less(entries: Map, key: int) -> Map:
    return {other: value for other, value in entries.items() if other != key}


def test_the_starting_point_of_the_deviations_is_sound() -> None:
    assert decode(encode_any()).uid == b"uid"


UINT32 = "is not within 0 and 4294967295"
CONTAINER_DEVIATIONS: list[tuple[cbor.Value, str]] = [
    ([b"uid", 4, b"mask"], "container: not a map"),
    (b"uid", "container: not a map"),
    (CONTAINER | {9: 1}, "container: unknown key 9"),
    (CONTAINER | {0: 1}, "container: unknown key 0"),
    (CONTAINER | {-1: 1}, "container: unknown key -1"),
    (less(CONTAINER, 1), "container: key 1 (uid) is missing"),
    (less(CONTAINER, 2), "container: key 2 (type) is missing"),
    (less(CONTAINER, 3), "container: key 3 (syscall-mask) is missing"),
    (CONTAINER | {1: "uid"}, "container.uid: not a byte string"),
    (CONTAINER | {1: b""}, "container.uid: 0 bytes; a uid has 1 to 63"),
    (CONTAINER | {1: bytes(64)}, "container.uid: 64 bytes; a uid has 1 to 63"),
    (CONTAINER | {2: 8}, "container.type: 8 is not a container type, 0 to 7"),
    (CONTAINER | {2: 260}, "container.type: 260 is not a container type, 0 to 7"),
    (CONTAINER | {2: -1}, f"container.type: -1 {UINT32}"),
    (CONTAINER | {2: b"\x04"}, "container.type: not an integer"),
    (CONTAINER | {3: "mask"}, "container.syscall-mask: not a byte string"),
    (CONTAINER | {3: 31}, "container.syscall-mask: not a byte string"),
    (CONTAINER | {4: -1}, f"container.exec-time: -1 {UINT32}"),
    (CONTAINER | {4: 1 << 32}, f"container.exec-time: 4294967296 {UINT32}"),
    (CONTAINER | {5: 1 << 32}, f"container.period: 4294967296 {UINT32}"),
    (CONTAINER | {5: b""}, "container.period: not an integer"),
    (CONTAINER | {6: -1}, f"container.period-max: -1 {UINT32}"),
    (CONTAINER | {7: "0"}, "container.lifetime: not an integer"),
    (CONTAINER | {8: 16}, "container.priority: 16 is not within 0 and 15"),
    (CONTAINER | {8: -1}, f"container.priority: -1 {UINT32}"),
    (CONTAINER | {8: []}, "container.priority: not an integer"),
]


@pytest.mark.parametrize(("container", "problem"), CONTAINER_DEVIATIONS)
@pytest.mark.clause("TC-META-04", "TC-META-07", "TC-META-08", "TC-META-10")
def test_a_deviation_of_the_container_map_is_placed(container: cbor.Value, problem: str) -> None:
    assert metadata_error(encode_any(container)) == problem


PLACE = "endpoints[2]"
ENDPOINT_DEVIATIONS: list[tuple[cbor.Value, str]] = [
    ([9, 1, 10, 2], f"{PLACE}: not a map"),
    (LOCAL | {7: 1}, f"{PLACE}: unknown key 7"),
    (LOCAL | {0: 1}, f"{PLACE}: unknown key 0"),
    (less(LOCAL, 1), f"{PLACE}: key 1 (endpoint-id) is missing"),
    (less(LOCAL, 2), f"{PLACE}: key 2 (peer-type) is missing"),
    (less(LOCAL, 4), f"{PLACE}: key 4 (peer-endpoint-id) is missing"),
    (less(LOCAL, 5), f"{PLACE}: key 5 (direction) is missing"),
    (LOCAL | {1: -1}, f"{PLACE}.endpoint-id: -1 {UINT32}"),
    (LOCAL | {1: 1 << 32}, f"{PLACE}.endpoint-id: 4294967296 {UINT32}"),
    (LOCAL | {1: b"\x07"}, f"{PLACE}.endpoint-id: not an integer"),
    (LOCAL | {2: 3}, f"{PLACE}.peer-type: 3 is not container, local or remote (0, 1 or 2)"),
    (LOCAL | {4: 1 << 64 - 1}, f"{PLACE}.peer-endpoint-id: 9223372036854775808 {UINT32}"),
    (LOCAL | {5: 7}, f"{PLACE}.direction: 7 is not in, out or both (0, 1 or 2)"),
    (LOCAL | {5: -1}, f"{PLACE}.direction: -1 {UINT32}"),
    (LOCAL | {5: "in"}, f"{PLACE}.direction: not an integer"),
    (LOCAL | {6: "token"}, f"{PLACE}.endpoint-token: not a byte string"),
    (LOCAL | {1: 9, 3: b"peer"}, f"{PLACE}.peer-uid: only a container peer has one"),
    (LOCAL | {1: 9, 2: 2, 3: b"p"}, f"{PLACE}.peer-uid: only a container peer has one"),
    (less(PEER, 3) | {1: 9}, f"{PLACE}.peer-uid: missing; a container peer has one"),
    (PEER | {3: "peer"}, f"{PLACE}.peer-uid: not a byte string"),
    (PEER | {3: b""}, f"{PLACE}.peer-uid: 0 bytes; a uid has 1 to 63"),
    (PEER | {3: bytes(64)}, f"{PLACE}.peer-uid: 64 bytes; a uid has 1 to 63"),
    (PEER | {4: 3}, f"{PLACE}.endpoint-id: 8 is used twice"),
]


@pytest.mark.parametrize(("entry", "problem"), ENDPOINT_DEVIATIONS)
@pytest.mark.clause("TC-META-06", "TC-META-12", "TC-META-14", "TC-META-15")
def test_a_deviation_of_an_endpoint_is_placed(entry: cbor.Value, problem: str) -> None:
    assert metadata_error(encode_any(entries=[*ENTRIES, entry])) == problem


SECURITY_DEVIATIONS: list[tuple[cbor.Value, str]] = [
    ({1: 10}, "security: not an array"),
    (b"", "security: not an array"),
    (SECURITY[:7], "security: 7 entries; it has 8"),
    ([*SECURITY, 0], "security: 9 entries; it has 8"),
    ([], "security: 0 entries; it has 8"),
]
ENTRY_DEVIATIONS: list[tuple[int, cbor.Value, str]] = [
    (0, -1, f"start-max-duration: -1 {UINT32}"),
    (1, 1 << 32, f"loop-period: 4294967296 {UINT32}"),
    (2, b"", "loop-max-duration: not an integer"),
    (3, "9", "loop-max-lifetime: not an integer"),
    (4, [], "stop-max-duration: not an integer"),
    (5, "data", "data-token: not a byte string"),
    (6, 0, "code-token: not a byte string"),
    (7, {}, "metadata-token: not a byte string"),
]


@pytest.mark.parametrize(("security", "problem"), SECURITY_DEVIATIONS)
@pytest.mark.clause("TC-META-06", "TC-META-16")
def test_a_deviation_of_the_security_array_is_placed(security: cbor.Value, problem: str) -> None:
    assert metadata_error(encode_any(security=security)) == problem


@pytest.mark.parametrize(("index", "value", "problem"), ENTRY_DEVIATIONS)
@pytest.mark.clause("TC-META-04")
def test_a_deviation_of_a_security_entry_is_placed(
    index: int, value: cbor.Value, problem: str
) -> None:
    changed = [*SECURITY[:index], value, *SECURITY[index + 1 :]]
    assert metadata_error(encode_any(security=changed)) == f"security.{problem}"


def test_endpoints_are_an_array() -> None:
    assert metadata_error(encode_any(entries={1: LOCAL})) == "endpoints: not an array"
    assert metadata_error(encode_any(entries=LOCAL)) == "endpoints: not an array"


NOT_STRICT = {
    "empty": (b"", "byte 0: ends where an item should begin"),
    "trailing bytes": (b"\x00\x00", "byte 1: bytes follow the value"),
    "duplicate key": (bytes.fromhex("a2 0141 61 0141 62"), "byte 4: not in deterministic form"),
    "keys in falling order": (bytes.fromhex("a2 0204 0141 61"), "byte 3: not in deterministic"),
    "long integer": (bytes.fromhex("81 1804"), "byte 1: argument is not in its shortest form"),
    "long key": (bytes.fromhex("a1 180104"), "byte 1: argument is not in its shortest form"),
    "indefinite map": (bytes.fromhex("bf 0141 61 ff"), "byte 0: indefinite length"),
    "indefinite bytes": (bytes.fromhex("81 5f4161ff"), "byte 1: indefinite length"),
    "bool": (bytes.fromhex("81 f5"), "byte 1: a float or simple value"),
    "bool as a key": (bytes.fromhex("a1 f504"), "byte 1: a map key is not an integer"),
    "text as a key": (bytes.fromhex("a1 613104"), "byte 1: a map key is not an integer"),
    "null": (bytes.fromhex("81 f6"), "byte 1: a float or simple value"),
    "float": (bytes.fromhex("81 f93c00"), "byte 1: a float or simple value"),
    "tag": (bytes.fromhex("81 c104"), "byte 1: tag 1 is not expected here"),
    "bignum": (bytes.fromhex("81 c24104"), "byte 1: tag 2 is not expected here"),
    "six levels": (bytes.fromhex("8181818181 80"), "byte 5: nested deeper than 5"),
    "not UTF-8": (bytes.fromhex("81 61ff"), "byte 2: text is not UTF-8"),
}


@pytest.mark.parametrize("part", ["container", "endpoints", "security"])
@pytest.mark.parametrize(("raw", "problem"), NOT_STRICT.values(), ids=NOT_STRICT.keys())
@pytest.mark.clause("TC-META-02")
def test_a_part_that_is_not_strict_cbor_is_refused(part: str, raw: bytes, problem: str) -> None:
    encoded = encode_any(**{f"raw_{part}": raw})
    assert metadata_error(encoded).startswith(f"{part}: {problem}")


NO_TAG = "metadata: does not begin with the tag 6082514239057121876 (TinyPART)"
INSIDE = encode_any()[len(TAG) :]
OUTER: list[tuple[bytes, str]] = [
    (b"", "metadata: byte 0: ends where an item should begin"),
    (INSIDE, NO_TAG),
    (b"\xdbTinyPARS" + INSIDE, NO_TAG),
    (TAG + TAG + INSIDE, NO_TAG),
    (b"\xd8\x3d" + TAG + INSIDE, NO_TAG),
    (TAG + b"\xd8\x3d" + INSIDE, NO_TAG),
    (TAG * 3 + INSIDE, "metadata: byte 18: more than 2 tags"),
    (TAG[:5], "metadata: byte 0: head is cut short"),
    (TAG + b"\x80", "metadata: not a map"),
    (TAG + b"\xa0", "metadata: key 1 (container) is missing"),
    (TAG + cbor.encode({2: b"\x80"}), "metadata: key 1 (container) is missing"),
    (TAG + cbor.encode({1: b"\xa0", 4: b""}), "metadata: unknown key 4"),
    (TAG + cbor.encode({1: CONTAINER}), "container: not a byte string"),
    (TAG + cbor.encode({1: "container"}), "container: not a byte string"),
    (TAG + cbor.encode({1: b"\xa0", 2: ENTRIES}), "endpoints: not a byte string"),
    (TAG + cbor.encode({1: b"\xa0", 3: SECURITY}), "security: not a byte string"),
]


@pytest.mark.parametrize(("encoded", "problem"), OUTER)
@pytest.mark.clause("TC-META-03")
def test_a_deviation_of_the_outer_map_is_placed(encoded: bytes, problem: str) -> None:
    assert metadata_error(encoded) == problem


OUTER_NOT_STRICT = [
    (b"", "ends where an item should begin"),
    (INSIDE[:-1], "is cut short"),
    (INSIDE + b"\x00", "bytes follow the value"),
    (bytes.fromhex("a2 0141a0 0141a0"), "not in deterministic form"),
    (bytes.fromhex("a2 02 4180 01 41a0"), "not in deterministic form"),
    (bytes.fromhex("bf 0141a0 ff"), "indefinite length"),
    (bytes.fromhex("a1 015801a0"), "argument is not in its shortest form"),
]


@pytest.mark.parametrize(("inside", "problem"), OUTER_NOT_STRICT)
@pytest.mark.clause("TC-META-03")
def test_an_outer_map_that_is_not_strict_cbor_is_refused(inside: bytes, problem: str) -> None:
    said = metadata_error(TAG + inside)
    assert said.startswith("metadata: byte ")
    assert problem in said


def test_an_offset_counts_from_the_first_byte_of_the_file() -> None:
    encoded = encode_any()
    problem = f"metadata: byte {len(encoded)}: bytes follow the value"
    assert metadata_error(encoded + b"\x00") == problem


def test_metadata_up_to_the_limit_is_decoded_and_no_longer_one() -> None:
    encoded = encode_any()
    size = len(encoded)
    assert decode(encoded, size).raw == encoded
    problem = f"metadata: {size} bytes; at most {size - 1} are allowed"
    assert metadata_error(encoded, size - 1) == problem


def test_the_limit_is_2_kib_if_none_is_named() -> None:
    tokens = len(encode_any(security=[0, 0, 0, 0, 0, b"", b"", bytes(1000)])) - 1000
    fits = encode_any(security=[0, 0, 0, 0, 0, b"", b"", bytes(2048 - tokens)])
    assert len(decode(fits).raw) == 2048
    too_long = encode_any(security=[0, 0, 0, 0, 0, b"", b"", bytes(2049 - tokens)])
    with pytest.raises(MetadataError, match="2049 bytes; at most 2048 are allowed"):
        decode(too_long)


@pytest.mark.parametrize(
    ("container", "entries", "problem"),
    [
        (ContainerMap(b"", ContainerType.WASM), (), "container.uid: 0 bytes"),
        (ContainerMap(bytes(64), ContainerType.WASM), (), "container.uid: 64 bytes"),
        (ContainerMap(b"u", ContainerType.WASM, period_ms=-1), (), "container.period: -1 is not"),
        (ContainerMap(b"u", ContainerType.WASM, priority=16), (), "container.priority: 16 is not"),
        (ContainerMap(b"u", ContainerType.WASM, exec_time_ms=1 << 64), (), "container: byte"),
        (
            ContainerMap(b"u", ContainerType.WASM),
            (Endpoint(1 << 32, PeerType.LOCAL, 1, Direction.IN),),
            "endpoints[0].endpoint-id: 4294967296 is not",
        ),
        (
            ContainerMap(b"u", ContainerType.WASM),
            (Endpoint(1, PeerType.CONTAINER, 1, Direction.IN),),
            "endpoints[0].peer-uid: missing",
        ),
        (
            ContainerMap(b"u", ContainerType.WASM),
            (Endpoint(1, PeerType.LOCAL, 1, Direction.IN),) * 2,
            "endpoints[1].endpoint-id: 1 is used twice",
        ),
    ],
)
def test_values_out_of_their_range_are_not_encoded(
    container: ContainerMap, entries: tuple[Endpoint, ...], problem: str
) -> None:
    with pytest.raises(MetadataError) as refused:
        encode(container, entries, Security())
    assert str(refused.value).startswith(problem)


def test_a_refusal_belongs_to_both_families_of_errors() -> None:
    assert issubclass(MetadataError, TinyContainerError)
    assert issubclass(MetadataError, ValueError)


@pytest.mark.parametrize("count", [300, pytest.param(50_000, marks=pytest.mark.long)])
@pytest.mark.clause("TC-META-02")
def test_of_any_bytes_only_exact_metadata_is_decoded(count: int) -> None:
    rng = Random(5)
    original = encode_any()
    decoded = 0
    for _ in range(count):
        start = rng.randrange(len(original))
        end = start + rng.randrange(3)
        candidate = original[:start] + rng.randbytes(rng.randrange(3)) + original[end:]
        if rng.random() < 0.2:
            candidate = TAG[: rng.randrange(10)] + rng.randbytes(rng.randrange(200))
        try:
            result = decode(candidate)
        except MetadataError:
            continue
        decoded += 1
        assert encode(result.container, result.endpoints, result.security) == candidate
    assert 0 < decoded < count
