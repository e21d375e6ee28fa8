"""The tree of a file: it covers every byte, and says what each item means."""

from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.project import VECTORS
from support.random_metadata import CONTAINERS, ENDPOINTS, SECURITIES
from support.tokens.forging import flipped
from support.trees import meanings, read_file_of, require_cover, walk
from support.worlds import KEYS, blueprint, local, piped, times

from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import MetadataError
from tinycontainer.metadata import (
    Bundle,
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    Security,
    decode,
    encode,
)
from tinycontainer.tools.firmware.c_layout import make_layout_files
from tinycontainer.tools.inspect.container_shape import metadata_shape
from tinycontainer.tools.inspect.contents import Contents, read_contents
from tinycontainer.tools.inspect.tree import build_tree
from tinycontainer.tools.packing.packing import TokenOptions, pack, pack_unsigned
from tinycontainer_tokens import (
    Algorithm,
    Claims,
    KeyMaterial,
    Kind,
    Profile,
    Role,
    cbor,
    issue,
)
from tinycontainer_tokens.kinds import SIGNING_ROLE

RFC = Profile.RFC9052
TAG = b"\xdbTinyPART"
PLAN = replace(
    blueprint(
        "box",
        kind=ContainerType.WASM,
        mask=0b10010,
        endpoints=(local(300, 10, Direction.OUT), piped(2, "peer", 4, Direction.IN)),
        priority=3,
        security=times(start=100, period=1000, loop=20, lifetime=7),
    ),
    sign_endpoints=True,
    options=TokenOptions(
        sequence=9, audience="device", not_before_s=0, expires_s=1_700_000_000, issued_s=1
    ),
)
BUNDLE = pack(PLAN, b"\0asm" + bytes(100), b"data", KEYS)
RIOT = pack(
    blueprint("box", endpoints=(local(),), profile=Profile.RIOT_2024), b"code", b"data", KEYS
)
TOKENS = (
    decode(BUNDLE.metadata).container.syscall_mask_token,
    issue(Claims(mask=b"\x1f"), Kind.MASK, KEYS[Role.OWNER], Profile.RIOT_2024),
    b"",
    b"\x84\x40",
)


def whole_hex(found: Contents) -> str:
    return "".join(node.hex() for node in walk(found.tree))


@given(CONTAINERS, st.none() | ENDPOINTS, st.none() | SECURITIES, st.lists(st.sampled_from(TOKENS)))
def test_a_tree_covers_every_byte_once(
    container: ContainerMap,
    endpoints: list[Endpoint] | None,
    security: Security | None,
    tokens: list[bytes],
) -> None:
    for token in tokens[:1]:
        container = replace(container, syscall_mask_token=token)
        security = replace(security or Security(), metadata_token=token)
    encoded = encode(container, None if endpoints is None else tuple(endpoints), security)
    tree = build_tree(encoded, metadata_shape(), len(encoded))
    assert (tree.offset, tree.length) == (0, len(encoded))
    require_cover(tree)
    assert "".join(node.hex() for node in walk(tree)) == encoded.hex()
    shown = tree.diagnostic + "".join(node.meaning for node in walk(tree))
    assert shown.isascii()
    assert shown.isprintable()


@pytest.mark.parametrize("bundle", [BUNDLE, RIOT])
def test_a_bundle_is_covered_down_to_the_claims(tmp_path: Path, bundle: Bundle) -> None:
    content = bundle.encode()
    found = read_file_of(tmp_path, content)
    assert (found.tree.offset, found.tree.length, found.problem) == (0, len(content), None)
    require_cover(found.tree)
    metadata = read_file_of(tmp_path, bundle.metadata)
    assert whole_hex(metadata) == bundle.metadata.hex()
    assert bundle.metadata.hex() in whole_hex(found)


def test_fields_say_what_they_mean(tmp_path: Path) -> None:
    found = read_file_of(tmp_path, BUNDLE.encode())
    said = [node.meaning for node in walk(found.tree)]
    for meaning in (
        "bundle",
        f"metadata section: {len(BUNDLE.metadata)} bytes, rfc9052",
        "tag TinyPART",
        "uid: box",
        "type: wasm",
        "mask token: EdDSA, rfc9052, signed by owner",
        "mask: open write",
        "priority: 3 (0 is the highest)",
        "endpoints[1]",
        "endpoint-id: 300",
        "peer-type: local",
        "peer-uid: peer",
        "peer-endpoint-id: 10",
        "direction: out (the container reads)",
        "direction: in (the container writes)",
        "endpoint token: EdDSA, rfc9052, signed by owner",
        "sha256 of this endpoint's entry without its token",
        "start-max-duration: 100 ms",
        "loop-period: 1000 ms",
        "loop-max-lifetime: 7 loops",
        "stop-max-duration: 0 ms (no limit)",
        "data token: EdDSA, rfc9052, signed by provider",
        "code token: EdDSA, rfc9052, signed by developer",
        "metadata token: EdDSA, rfc9052, signed by infrastructure",
        "sha256 of the code section",
        "sha256 of the data section",
        "sha256 of the metadata before this token",
        "alg: EdDSA",
        "kind: code",
        "sequence: 9",
        "aud: device",
        "nbf: 1970-01-01T00:00:00Z",
        "exp: 2023-11-14T22:13:20Z",
        "signature, 64 bytes",
    ):
        assert meaning in said
    assert said[-2].startswith("data section: 4 bytes, sha256 3a6eb0790f39ac87")
    assert said[-1].startswith("code section: 104 bytes that begin like wasm, sha256 ")
    assert not any(word in meaning for meaning in said for word in ("unknown", "cannot"))


def test_the_notation_of_metadata_is_complete(tmp_path: Path) -> None:
    bare = encode(ContainerMap(b"box", ContainerType.BPF), (local(1, 2),), None)
    assert read_file_of(tmp_path, bare).tree.diagnostic == (
        "6082514239057121876({1: <<{1: h'626f78', 2: 3, 3: h''}>>,"
        " 2: <<[{1: 1, 2: 1, 4: 2, 5: 2}]>>})"
    )


def test_unsigned_metadata_says_that_tokens_are_absent(tmp_path: Path) -> None:
    bundle = pack_unsigned(PLAN, b"", b"")
    said = [node.meaning for node in walk(read_file_of(tmp_path, bundle.metadata).tree)]
    assert said[0] == f"metadata: {len(bundle.metadata)} bytes, no readable token"
    for name in ("mask", "data", "code", "metadata"):
        assert f"{name} token: absent" in said


@pytest.mark.parametrize(("kind", "role"), [(kind, SIGNING_ROLE[kind]) for kind in Kind])
def test_a_token_alone_says_what_it_is(tmp_path: Path, kind: Kind, role: Role) -> None:
    content = {"mask": b"\x01"} if kind is Kind.MASK else {"sha256": bytes(32)}
    claims = Claims(**content, uid=b"box", kind=kind, sequence=1)  # type: ignore[arg-type]
    name = kind.name.lower()
    token = issue(claims, kind, KEYS[role], RFC)
    assert (
        read_file_of(tmp_path, token).tree.meaning
        == f"{name} token: EdDSA, rfc9052, signed by {role}"
    )
    riot = issue(Claims(**content), kind, KEYS[role], Profile.RIOT_2024)  # type: ignore[arg-type]
    found = read_file_of(tmp_path, riot)
    assert found.tree.meaning == "token: EdDSA, riot-2024"
    wanted = "mask: heartbeat" if kind is Kind.MASK else "sha256 of what the token vouches for"
    assert wanted in meanings(found.tree).values()
    assert whole_hex(found) == riot.hex()


def test_a_mac_token_says_so_and_names_its_key(tmp_path: Path) -> None:
    key = KeyMaterial(Algorithm.HMAC_256, b"", b"k" * 32, b"\x1b[2J\xe2\x80\xae")
    token = issue(Claims(sha256=bytes(32), uid=b"\x1b", kind=Kind.CODE), Kind.CODE, key, RFC)
    found = read_file_of(tmp_path, token)
    assert found.tree.meaning == "code token: HMAC-256, rfc9052, signed by developer"
    said = set(meanings(found.tree).values())
    assert {"alg: HMAC-256", r"kid: \x1b[2J\xe2\x80\xae", "MAC, 32 bytes", r"uid: \x1b"} <= said
    assert "COSE_Mac0" in [node.meaning for node in walk(found.tree)]


def test_an_expiry_beyond_all_calendars_is_told_in_seconds(tmp_path: Path) -> None:
    claims = Claims(
        sha256=bytes(32), uid=b"u", kind=Kind.CODE, expires_s=(1 << 64) - 1, issued_s=253402300799
    )
    token = issue(claims, Kind.CODE, KEYS[Role.DEVELOPER], RFC)
    said = set(meanings(read_file_of(tmp_path, token).tree).values())
    assert "exp: Unix second 18446744073709551615" in said
    assert "iat: 9999-12-31T23:59:59Z" in said


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (b"\x00", "no call"),
        (b"\xff", "heartbeat open close read write; bits that allow no call: 5, 6, 7"),
        (b"\x01\x00\x02", "open; bits that allow no call: 16"),
    ],
)
def test_a_mask_is_told_by_its_calls(tmp_path: Path, mask: bytes, words: str) -> None:
    token = issue(Claims(mask=mask), Kind.MASK, KEYS[Role.OWNER], Profile.RIOT_2024)
    assert f"mask: {words}" in meanings(read_file_of(tmp_path, token).tree).values()


@pytest.mark.parametrize("bit", range(0, 600, 23))
def test_any_broken_metadata_is_shown_or_refused(tmp_path: Path, bit: int) -> None:
    for content in (RIOT.metadata, BUNDLE.encode(), TOKENS[1]):
        try:
            found = read_file_of(tmp_path, flipped(bit)(content))
        except MetadataError:
            continue
        require_cover(found.tree)


def test_sections_take_one_line_and_little_time(tmp_path: Path) -> None:
    metadata = encode(ContainerMap(b"box", ContainerType.WASM), (), Security())
    size = (MAX_BUNDLE_BYTES - len(metadata) - 20) // 2
    content = Bundle(metadata, bytes([0x81] * size), bytes([0x9F] * size)).encode()
    began = perf_counter()
    found = read_file_of(tmp_path, content)
    assert perf_counter() - began < 2
    data, code = found.tree.children[1:]
    assert (data.children, code.children) == ((), ())
    assert data.diagnostic == f"h'{'81' * 16}...'"
    assert len(code.hex()) < 50
    assert (data.length, code.length) == (size + 3, size + 3) if size < 1 << 16 else (size + 5,) * 2


@pytest.mark.parametrize("filler", [b"\x00", b"\x81", b"\xa0", b"\x40"])
def test_the_largest_metadata_section_takes_little_time(tmp_path: Path, filler: bytes) -> None:
    items = 120_000
    array = b"\x9a" + items.to_bytes(4, "big") + filler * items
    content = Bundle(TAG + cbor.encode({1: array}), b"", b"").encode()
    began = perf_counter()
    found = read_file_of(tmp_path, content)
    assert perf_counter() - began < 2
    assert "at most 65536" in str(found.problem)
    assert len(list(walk(found.tree))) == 4
    assert len(str(found.tree.as_dict())) < 10_000


def test_a_directory_of_the_c_layout_is_shown_like_a_bundle(tmp_path: Path) -> None:
    directory = tmp_path / "box"
    directory.mkdir()
    for path, content in make_layout_files(directory, RIOT, ContainerType.WASM).items():
        path.write_bytes(content)
    found = read_contents(directory)
    metadata, data, code = found.tree.children
    assert metadata.meaning.startswith("box.metadata: metadata: ")
    assert data.meaning.startswith("box.data: data section: 4 bytes, sha256 ")
    assert code.meaning.startswith("box.wasm: code section: 4 bytes, sha256 ")
    assert "".join(node.hex() for node in walk(metadata)) == RIOT.metadata.hex()
    assert (data.offset, data.hex(), data.diagnostic) == (0, "64617461", "h'64617461'")
    assert found.values["runtime"] == "wamr"
    assert found.values["code"]["bytes"] == 4
    for name in ("box.data", "box.wasm"):
        (directory / name).unlink()
    bare = read_contents(directory)
    assert (bare.values["data"], bare.values["code"]) == (None, None)
    assert len(bare.tree.children) == 1
    (directory / "box.metadata").write_bytes(b"\xa1\x01\x01")
    with pytest.raises(MetadataError, match="TinyPART"):
        read_contents(directory)


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the firmware's files are not on this machine")
@pytest.mark.parametrize("name", ["simple_container", "example_app"])
def test_the_firmwares_files_are_covered_byte_for_byte(name: str) -> None:
    path = VECTORS / f"{name}.metadata"
    found = read_contents(path)
    require_cover(found.tree)
    assert whole_hex(found) == path.read_bytes().hex()
    assert f"uid: {name}" in meanings(found.tree).values()
    said = {node.meaning for node in walk(found.tree)}
    assert "code token: EdDSA, riot-2024, signed by developer" in said
    assert "mask: heartbeat open close read write; bits that allow no call: 5, 6, 7" in said
