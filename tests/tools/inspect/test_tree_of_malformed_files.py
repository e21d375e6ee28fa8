"""The tree of a file that is wrong: each item says what is wrong with it, and the rest is shown."""

from pathlib import Path

import pytest
from support.trees import read_file_of, require_cover, walk
from support.worlds import KEYS

from tinycontainer.metadata import (
    Bundle,
    ContainerMap,
    ContainerType,
    Security,
    encode,
)
from tinycontainer_tokens import (
    Claims,
    Kind,
    Profile,
    Role,
    cbor,
    issue,
)

FIRMWARE_TOKEN = issue(Claims(mask=b"\x1f"), Kind.MASK, KEYS[Role.OWNER], Profile.RIOT_2024)


def test_claims_that_do_not_fit_are_shown_with_the_reason(tmp_path: Path) -> None:
    payload = cbor.encode({-65537: b"short", 9: 9, 3: "\u202e", -65541: 77})
    found = read_file_of(tmp_path, cbor.encode([b"", {}, payload, bytes(64)]))
    said = [node.meaning for node in walk(found.tree)]
    assert any(each.startswith("claims: ") for each in said)
    for meaning in ("sha256: 5 bytes where 32 are allowed", "unknown claim", r"aud: \xe2\x80\xae"):
        assert meaning in said
    assert any(each.startswith("kind: not one of 1 (mask)") for each in said)
    require_cover(found.tree)


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        (cbor.encode({1: -7}), "alg: none that tokens use"),
        (cbor.encode({1: -8, 4: 5}), "kid: not a byte string"),
        (cbor.encode({1: -8, 7: 5}), "unknown label"),
        (cbor.encode([1]), "protected header: the protected header is not a map"),
        (b"\xff", "protected header: protected header: byte 0: indefinite length"),
    ],
)
def test_a_foreign_header_is_shown_with_the_reason(
    tmp_path: Path, header: bytes, meaning: str
) -> None:
    message = cbor.encode([header, {}, b"\xa0", bytes(64)])
    found = read_file_of(tmp_path, cbor.with_tags((61, 18), message))
    said = [node.meaning for node in walk(found.tree)]
    assert any(each.startswith(meaning) for each in said)
    assert any(each.startswith("protected header: ") for each in said)


def with_mask_token(token: bytes) -> bytes:
    return encode(ContainerMap(b"box", ContainerType.WASM, token), (), Security(1, 2, 3, 4, 5))


@pytest.mark.parametrize(
    ("token", "problem", "is_opened"),
    [
        (b"\xff\xff", "indefinite length", False),
        (b"\x84\x40", "more items announced", False),
        (b"hello world", "bytes follow the value", False),
        (cbor.encode([b"", {}, b"", bytes(63)]), "the proof of EdDSA is not 64 bytes", True),
        (cbor.encode([b"", {4: b"kid"}, b"", bytes(64)]), "unprotected header", True),
        (cbor.encode({1: 2}), "not an array", True),
        (cbor.encode([b"", {}, b"", bytes(64), 5]), "not an array", True),
        (b"\xd8\x18" + FIRMWARE_TOKEN, "tags [24]", True),
        (bytes(1500), "at most 1024", False),
    ],
)
def test_a_malformed_token_is_shown_with_the_reason_and_stops_nothing(
    tmp_path: Path, token: bytes, problem: str, is_opened: bool
) -> None:
    content = with_mask_token(token)
    found = read_file_of(tmp_path, content)
    require_cover(found.tree)
    node = next(node for node in walk(found.tree) if node.meaning.startswith("mask token"))
    assert node.meaning.startswith("mask token that cannot be read: ")
    assert problem in node.meaning
    assert bool(node.children) == is_opened
    if not is_opened and len(token) <= 1024:
        assert node.diagnostic == f"3: h'{token.hex()}'"
    assert "stop-max-duration: 5 ms" in [each.meaning for each in walk(found.tree)]
    assert found.problem is None


TAG = b"\xdbTinyPART"
CONTAINER: dict[int, cbor.Value] = {1: b"box", 2: 4, 3: b""}


def metadata_of(container: bytes, endpoints: bytes = b"\x80") -> bytes:
    return TAG + cbor.encode({1: container, 2: endpoints})


@pytest.mark.parametrize(
    ("content", "problem", "meaning"),
    [
        (metadata_of(b"\xff"), "container: byte 0", "container that cannot be read: byte 0: indef"),
        (metadata_of(b"\xa2\x02\x04\x01\x41a"), "deterministic", "container that cannot be read"),
        (metadata_of(b""), "container: byte 0", "container that cannot be read: byte 0: ends"),
        (
            metadata_of(cbor.encode(CONTAINER | {2: 9})),
            "container.type: 9",
            "type: 9 is not a contai",
        ),
        (metadata_of(cbor.encode(CONTAINER | {9: 9})), "unknown key 9", "unknown key"),
        (
            metadata_of(cbor.encode(CONTAINER | {1: b""})),
            "container.uid",
            "uid: 0 bytes; a uid has 1",
        ),
        (
            metadata_of(cbor.encode(CONTAINER | {3: 5})),
            "syscall-mask",
            "syscall-mask: not a byte s",
        ),
        (metadata_of(cbor.encode([1, 2])), "container: not a map", "array of 2"),
        (metadata_of(cbor.encode(CONTAINER), b"\xa0"), "endpoints: not an array", "map of 0"),
        (
            metadata_of(cbor.encode(CONTAINER), b"\x81\x05"),
            "endpoints[0]: not a map",
            "endpoints[0]",
        ),
        (TAG + cbor.encode({1: 5}), "container: not a byte", "container: not a byte string"),
        (TAG + cbor.encode({7: b"x"}), "unknown key 7", "unknown key"),
        (TAG + b"\x80", "metadata: not a map", "array of 0"),
        (
            TAG + cbor.encode({1: cbor.encode(CONTAINER), 3: bytes([0x89] + [0] * 9)}),
            "9 entries",
            "unknown entry",
        ),
    ],
)
def test_metadata_that_is_refused_is_shown_with_the_reason(
    tmp_path: Path, content: bytes, problem: str, meaning: str
) -> None:
    for file in (content, Bundle(content, b"data", b"code").encode()):
        found = read_file_of(tmp_path, file)
        assert problem in str(found.problem)
        assert any(node.meaning.startswith(meaning) for node in walk(found.tree))
        require_cover(found.tree)
    assert found.values["metadata"]["problem"] == str(found.problem)
    assert found.values["code"]["bytes"] == 4
