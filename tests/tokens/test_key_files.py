"""Key files: PEM and COSE_Key go round; everything else is refused without showing a secret."""

import base64
from collections.abc import Callable
from random import Random

import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from support.errors import catch_error

from tinycontainer_tokens import Algorithm, KeyFileError, KeyMaterial, cbor, key_files

SECRET = b"correct horse battery staple 123"
KEY = KeyMaterial.from_private(SECRET)
NAMED = KeyMaterial.from_private(SECRET, b"key")
HMAC_KEY = KeyMaterial(Algorithm.HMAC_256, b"", SECRET[::-1], b"key")
PASSPHRASE = b"open sesame"

KTY, KID, ALG, KEY_OPS, CRV, X, D = 1, 2, 3, 4, -1, -2, -4


def okp(**changes: cbor.Value) -> bytes:
    """A COSE_Key of Ed25519; a change of None leaves the label out."""
    labels = {"kty": KTY, "kid": KID, "alg": ALG, "ops": KEY_OPS, "crv": CRV, "x": X, "d": D}
    fields: dict[str, cbor.Value] = {"kty": 1, "alg": -8, "crv": 6, "x": KEY.public, "d": SECRET}
    return cbor.encode({labels[name]: value for name, value in (fields | changes).items()})


def without(label: int, encoded: bytes) -> bytes:
    fields = cbor.decode(encoded, 4096)
    assert isinstance(fields, dict)
    return cbor.encode({key: value for key, value in fields.items() if key != label})


def key_file_error(content: bytes, passphrase: bytes | None = None) -> str:
    """What the reader says to a file; a secret is never in it."""
    error = catch_error(KeyFileError, key_files.parse, content, passphrase)
    shown = f"{error} {error!r} {error.__cause__!r}"
    assert "battery" not in shown
    assert SECRET.hex() not in shown
    assert PASSPHRASE.decode() not in shown
    return str(error)


@given(st.binary(min_size=32, max_size=32), st.none() | st.binary(min_size=1, max_size=64))
def test_a_cose_key_of_ed25519_goes_round(secret: bytes, kid: bytes | None) -> None:
    key = KeyMaterial.from_private(secret, kid)
    assert key_files.parse(key_files.to_cose_key(key)) == key
    assert key_files.parse(key_files.to_cose_key(key.public_half())) == key.public_half()


@given(st.binary(min_size=32, max_size=32), st.none() | st.binary(min_size=1, max_size=64))
def test_a_cose_key_of_hmac_goes_round(secret: bytes, kid: bytes | None) -> None:
    key = KeyMaterial(Algorithm.HMAC_256, b"", secret, kid)
    assert key_files.parse(key_files.to_cose_key(key)) == key


def test_a_cose_key_has_the_labels_of_the_standard() -> None:
    public: dict[int, cbor.Value] = {KTY: 1, KID: b"key", CRV: 6, X: KEY.public}
    assert key_files.to_cose_key(NAMED.public_half()) == cbor.encode(public)
    assert key_files.to_cose_key(NAMED) == cbor.encode(public | {D: SECRET})
    symmetric: dict[int, cbor.Value] = {KTY: 4, KID: b"key", ALG: 5, -1: SECRET[::-1]}
    assert key_files.to_cose_key(HMAC_KEY) == cbor.encode(symmetric)


def test_a_cose_key_may_leave_the_algorithm_out() -> None:
    assert key_files.parse(without(ALG, okp())) == KEY
    assert key_files.parse(okp()) == KEY.restrict_to(Algorithm.EDDSA)
    assert key_files.parse(without(ALG, key_files.to_cose_key(HMAC_KEY))) == HMAC_KEY


def test_a_private_pem_goes_round() -> None:
    assert key_files.parse(key_files.to_pem(KEY)) == KEY


def test_an_encrypted_pem_goes_round_with_its_passphrase() -> None:
    encrypted = key_files.to_pem(KEY, PASSPHRASE)
    assert encrypted.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert key_files.parse(encrypted, PASSPHRASE) == KEY


def test_a_public_pem_goes_round() -> None:
    assert key_files.parse(key_files.to_public_pem(KEY)) == KEY.public_half()
    assert key_files.to_public_pem(KEY) == key_files.to_public_pem(KEY.public_half())


def test_pem_files_are_those_of_other_tools() -> None:
    private = pem.load_pem_private_key(key_files.to_pem(KEY), None)
    public = pem.load_pem_public_key(key_files.to_public_pem(KEY))
    assert isinstance(private, Ed25519PrivateKey)
    assert isinstance(public, Ed25519PublicKey)
    assert private.private_bytes_raw() == SECRET
    assert public.public_bytes_raw() == KEY.public


def test_white_space_before_a_pem_is_skipped() -> None:
    assert key_files.parse(b"\n  " + key_files.to_pem(KEY)) == KEY


@pytest.mark.clause("TC-TOOL-12")
@pytest.mark.parametrize("text", [b"Bag Attributes\n  name: me\n", b"0 s:CN = box\n", b"{}\n"])
def test_text_before_a_pem_is_skipped(text: bytes) -> None:
    assert key_files.parse(text + key_files.to_pem(KEY)).public == KEY.public


@pytest.mark.clause("TC-TOOL-12")
def test_a_cose_key_may_name_its_operations_and_leave_its_public_half_out() -> None:
    several: list[list[cbor.Value]] = [[1], [2], [1, 2]]
    for operations in several:
        assert key_files.parse(okp(ops=operations)).public == KEY.public
    assert key_files.parse(without(X, okp())).public == KEY.public


def test_a_key_id_that_reads_like_another_format_is_only_a_key_id() -> None:
    for kid in (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN OPENSSH PRIVATE KEY-----"):
        key = KeyMaterial.from_private(SECRET, kid)
        assert key_files.parse(key_files.to_cose_key(key)) == key


def test_an_hmac_key_is_not_written_as_pem() -> None:
    with pytest.raises(KeyFileError, match="use COSE_Key"):
        key_files.to_pem(HMAC_KEY)
    with pytest.raises(KeyFileError, match="no public half"):
        key_files.to_public_pem(HMAC_KEY)


def test_a_public_key_is_not_written_as_a_private_pem() -> None:
    with pytest.raises(KeyFileError, match="only an Ed25519 private key"):
        key_files.to_pem(KEY.public_half())


@pytest.mark.parametrize("passphrase", [b"", b"x" * 1024], ids=["empty", "too long"])
def test_an_unusable_passphrase_is_refused_when_writing(passphrase: bytes) -> None:
    with pytest.raises(KeyFileError):
        key_files.to_pem(KEY, passphrase)


def test_an_encrypted_pem_demands_its_passphrase() -> None:
    encrypted = key_files.to_pem(KEY, PASSPHRASE)
    assert key_file_error(encrypted) == "the private key is encrypted; give its passphrase"
    assert key_file_error(encrypted, b"wrong") == "the PEM file cannot be read with this passphrase"


def test_a_passphrase_that_opens_nothing_is_refused() -> None:
    said = key_file_error(key_files.to_pem(KEY), PASSPHRASE)
    assert said == "a passphrase was given, but the private key is not encrypted"


OTHER_KEYS: dict[str, Callable[[], ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey]] = {
    "P-256": lambda: ec.derive_private_key(12345, ec.SECP256R1()),
    "X25519": lambda: x25519.X25519PrivateKey.from_private_bytes(SECRET),
}


@pytest.mark.parametrize(("kind", "make"), OTHER_KEYS.items(), ids=OTHER_KEYS.keys())
def test_pem_files_of_other_kinds_of_key_are_refused(
    kind: str,
    make: Callable[[], ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey],
) -> None:
    key = make()
    private = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    public = key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    assert (
        key_file_error(private)
        == f"the PEM file holds a private key that is not Ed25519 but {kind}"
    )
    assert (
        key_file_error(public) == f"the PEM file holds a public key that is not Ed25519 but {kind}"
    )


@pytest.mark.parametrize("write", [key_files.to_pem, key_files.to_public_pem])
def test_a_pem_file_of_an_unknown_kind_of_key_is_refused(
    write: Callable[[KeyMaterial], bytes],
) -> None:
    first, *middle, last, _ = write(KEY).split(b"\n")
    unknown = base64.b64decode(b"".join(middle)).replace(b"\x2b\x65\x70", b"\x2b\x65\x77")
    said = key_file_error(b"\n".join([first, base64.b64encode(unknown), last, b""]))
    assert said == "the PEM file holds a key of a kind that is not supported; use Ed25519"


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN",
        b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\n" + SECRET + b"\n-----END PRIVATE KEY-----\n",
    ],
)
def test_a_broken_pem_is_refused(content: bytes) -> None:
    assert key_file_error(content) == "the PEM file cannot be read"


BROKEN_COSE_KEYS: list[tuple[bytes, str]] = [
    (b"", "neither PEM nor a COSE_Key in strict CBOR"),
    (b"hello", "neither PEM nor a COSE_Key in strict CBOR"),
    (SECRET, "neither PEM nor a COSE_Key in strict CBOR"),
    (okp() + b"\x00", "neither PEM nor a COSE_Key in strict CBOR"),
    (b"\xd8\x65" + okp(), "neither PEM nor a COSE_Key in strict CBOR"),
    (cbor.encode([1]), "a COSE_Key is a map"),
    (cbor.encode(SECRET), "a COSE_Key is a map"),
    (cbor.encode({}), "the COSE_Key is neither OKP on Ed25519 (kty 1, crv 6) nor symmetric"),
    (okp(kty=2), "the COSE_Key is neither OKP on Ed25519"),
    (okp(kty="OKP"), "the COSE_Key is neither OKP on Ed25519"),
    (okp(crv=4), "the COSE_Key is neither OKP on Ed25519"),
    (okp(crv=SECRET), "the COSE_Key is neither OKP on Ed25519"),
    (okp(ops=[1, 3]), "key_ops (label 4) of the COSE_Key allows more than [1, 2]"),
    (okp(ops=[]), "key_ops (label 4) of the COSE_Key is not a list of operations"),
    (okp(ops=1), "key_ops (label 4) of the COSE_Key is not a list of operations"),
    (b"ssh-ed25519 AAAAC3Nza you@home", "this is an OpenSSH public key"),
    (b'{"kty": "OKP", "crv": "Ed25519"}', "this is JSON, perhaps a JWK"),
    (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "this is an OpenSSH private key"),
    (b"-----BEGIN CERTIFICATE-----\nAAAA", "this is an X.509 certificate"),
    (bytes.fromhex("302a300506032b6570032100") + bytes(32), "this is DER without PEM around it"),
    (2 * key_files.to_public_pem(KEY), "the PEM file holds 2 keys or other blocks"),
    (okp(alg=5), "alg (label 3) of the COSE_Key is not -8"),
    (okp(alg="EdDSA"), "alg (label 3) of the COSE_Key is not -8"),
    (okp(kid="key"), "kid (label 2) of the COSE_Key is not a byte string"),
    (okp(kid=7), "kid (label 2) of the COSE_Key is not a byte string"),
    (okp(kid=b""), "a key id has 1 to 64 bytes, not 0"),
    (okp(kid=bytes(65)), "a key id has 1 to 64 bytes, not 65"),
    (okp(x="x" * 32), "x (label -2) of the COSE_Key is not a byte string"),
    (okp(x=KEY.public[1:]), "an Ed25519 key has 32 bytes, not 31"),
    (okp(d="d" * 32), "d (label -4) of the COSE_Key is not a byte string"),
    (okp(d=SECRET[1:]), "an Ed25519 private key has 32 bytes, not 31"),
    (okp(x=KEY.public[::-1]), "the private and the public half of this key do not belong together"),
    (cbor.encode({KTY: 4}), "k (label -1) of the COSE_Key is not a byte string"),
    (cbor.encode({KTY: 4, -1: "k" * 32}), "k (label -1) of the COSE_Key is not a byte string"),
    (cbor.encode({KTY: 4, -1: SECRET[1:]}), "an HMAC key has 32 bytes, not 31"),
    (cbor.encode({KTY: 4, ALG: -8, -1: SECRET}), "alg (label 3) of the COSE_Key is not 5"),
    (cbor.encode({KTY: 4, ALG: 4, -1: SECRET}), "alg (label 3) of the COSE_Key is not 5"),
    (cbor.encode({KTY: 4, -1: SECRET, X: KEY.public}), "the COSE_Key has labels that are not"),
]


@pytest.mark.parametrize(("content", "problem"), BROKEN_COSE_KEYS)
def test_a_broken_cose_key_is_refused(content: bytes, problem: str) -> None:
    assert key_file_error(content).startswith(problem)


@pytest.mark.parametrize("first", [b"\xdb", b"\x5b"], ids=["like a tag", "like a byte string"])
def test_a_raw_secret_in_place_of_a_key_file_is_not_shown(first: bytes) -> None:
    secret = first + SECRET[1:]
    assert str(int.from_bytes(secret[1:9], "big")) not in key_file_error(secret)


def test_a_file_up_to_its_limit_is_read_and_no_longer_one() -> None:
    padded = key_files.to_pem(KEY)
    padded += b"\n" * (key_files.MAX_KEY_FILE_BYTES - len(padded))
    assert key_files.parse(padded) == KEY
    assert key_file_error(padded + b"\n") == "4097 bytes are too many for a key file"


@pytest.mark.parametrize("count", [300, pytest.param(50_000, marks=pytest.mark.long)])
def test_of_any_bytes_only_keys_are_read(count: int) -> None:
    rng = Random(3)
    originals = [
        key_files.to_pem(KEY),
        key_files.to_public_pem(KEY),
        key_files.to_cose_key(NAMED),
        key_files.to_cose_key(HMAC_KEY),
    ]
    read = 0
    for _ in range(count):
        original = rng.choice(originals)
        start = rng.randrange(len(original))
        end = start + rng.randrange(3)
        mutated = original[:start] + rng.randbytes(rng.randrange(3)) + original[end:]
        candidate = mutated if rng.random() < 0.9 else rng.randbytes(rng.randrange(200))
        try:
            key = key_files.parse(candidate, rng.choice([None, None, PASSPHRASE]))
        except KeyFileError:
            continue
        read += 1
        assert key_files.parse(key_files.to_cose_key(key)) == key
    assert 0 < read < count


@pytest.mark.parametrize(
    "content",
    [
        key_files.to_pem(KEY),
        key_files.to_pem(KEY, PASSPHRASE),
        key_files.to_public_pem(KEY),
        b"\xef\xbb\xbf" + key_files.to_pem(KEY),
        b"Bag Attributes\n" + key_files.to_pem(KEY),
        key_files.to_cose_key(NAMED),
        key_files.to_cose_key(HMAC_KEY),
        okp(ops=[1], kid="text"),
        b"\xa3" + bytes.fromhex("2006 0101 2158") + b"\x20" + SECRET,
        b"\xd8\x65" + okp(),
        b"\x83" + okp() * 3,
        b"\x84" + okp() * 4,
    ],
)
def test_keys_and_sets_of_keys_are_recognised(content: bytes) -> None:
    assert key_files.is_key_file(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        cbor.encode([cbor.encode({1: -8}), {1: -8, 4: b"kid"}, b"", bytes(64)]),
        cbor.encode([b"", {}, b"-----BEGIN PRIVATE KEY-----", bytes(64)]),
        cbor.encode([okp(), b"", b""]),
        cbor.encode({1: okp()}),
        bytes(5000),
    ],
)
def test_other_files_are_not_taken_for_keys(content: bytes) -> None:
    assert not key_files.is_key_file(content)
