"""Files of update keys: PEM and COSE_Key are read; all else is refused without showing a secret."""

import base64
from collections.abc import Callable
from random import Random
from typing import TypeAlias

import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cwt import COSEKey
from hypothesis import given
from hypothesis import strategies as st
from support.errors import catch_error
from support.project import VECTORS

from tinycontainer.suit.keys import p256
from tinycontainer.suit.keys.key_files import parse_update_key, to_private_pem, to_public_pem
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey
from tinycontainer_tokens import Algorithm, KeyFileError, KeyMaterial, cbor, key_files

ES256, ESP256 = UpdateAlgorithm.ES256, UpdateAlgorithm.ESP256
EDDSA, ED25519 = UpdateAlgorithm.EDDSA, UpdateAlgorithm.ED25519
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SECRET = b"correct horse battery staple 123"
PASSPHRASE = b"open sesame"
KEY = UpdateKey.from_private(ES256, SECRET)
PRIVATE = p256.private_key_of(SECRET)
X, Y = KEY.public[1:33], KEY.public[33:]
NEITHER = "the COSE_Key is neither OKP on Ed25519 (kty 1, crv 6) nor EC2 on P-256 (kty 2, crv 1)"

secrets = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


Field: TypeAlias = "cbor.Value | None"


def ec2(**changes: Field) -> bytes:
    """A COSE_Key on P-256; a change of None leaves the label out."""
    labels = {"kty": 1, "kid": 2, "alg": 3, "ops": 4, "crv": -1, "x": -2, "y": -3, "d": -4}
    fields: dict[str, Field] = {"kty": 2, "crv": 1, "x": X, "y": Y, "d": SECRET}
    given_fields = (fields | changes).items()
    return cbor.encode({labels[name]: each for name, each in given_fields if each is not None})


def okp(material: KeyMaterial) -> bytes:
    return key_files.to_cose_key(material)


def problem_of(content: bytes, passphrase: bytes | None = None) -> str:
    """What the reader says to a file; a secret is never in it."""
    error = catch_error(KeyFileError, parse_update_key, content, passphrase)
    shown = f"{error} {error!r} {error.__cause__!r}"
    assert "battery" not in shown
    assert SECRET.hex() not in shown
    assert PASSPHRASE.decode() not in shown
    return str(error)


def sec1(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    protection: pem.KeySerializationEncryption = pem.NoEncryption()
    if passphrase is not None:
        protection = pem.BestAvailableEncryption(passphrase)
    return key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.TraditionalOpenSSL, protection)


@given(secrets, st.sampled_from(UpdateAlgorithm))
def test_pem_files_go_round_and_are_for_both_names_of_a_signature(
    secret: bytes, algorithm: UpdateAlgorithm
) -> None:
    key = UpdateKey.from_private(algorithm, secret)
    read = parse_update_key(to_private_pem(key))
    assert (read.public, read.secret, read.is_alg_fixed) == (key.public, secret, False)
    assert read.allows(algorithm)
    assert parse_update_key(to_public_pem(key)) == read.public_half()


@pytest.mark.parametrize("algorithm", [ES256, ED25519])
def test_an_encrypted_pem_demands_its_passphrase(algorithm: UpdateAlgorithm) -> None:
    key = UpdateKey.from_private(algorithm, SECRET)
    encrypted = to_private_pem(key, PASSPHRASE)
    assert key_files.is_encrypted(encrypted)
    assert parse_update_key(encrypted, PASSPHRASE).secret == SECRET
    assert problem_of(encrypted) == "the private key is encrypted; give its passphrase"
    assert problem_of(encrypted, b"wrong") == "the PEM file cannot be read with this passphrase"
    said = problem_of(to_private_pem(key), PASSPHRASE)
    assert said == "a passphrase was given, but the private key is not encrypted"


def test_a_public_half_is_not_written_as_a_private_one() -> None:
    with pytest.raises(KeyFileError, match="no private half"):
        to_private_pem(KEY.public_half())


PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


@pytest.mark.parametrize("before", [b"", PARAMETERS, b"text\n", b"text\n" + PARAMETERS])
def test_the_form_of_sec_1_is_read_with_its_parameters_before_it(before: bytes) -> None:
    assert parse_update_key(before + sec1(PRIVATE)) == KEY


def test_the_encrypted_form_of_sec_1_is_read() -> None:
    encrypted = sec1(PRIVATE, PASSPHRASE)
    assert not key_files.is_encrypted(sec1(PRIVATE))
    assert key_files.is_encrypted(encrypted)
    assert parse_update_key(encrypted, PASSPHRASE) == KEY
    assert problem_of(encrypted) == "the private key is encrypted; give its passphrase"


def test_parameters_alone_or_twice_are_no_key() -> None:
    assert problem_of(PARAMETERS) == "the PEM file cannot be read"
    assert "holds 2 keys or other blocks" in problem_of(2 * PARAMETERS + sec1(PRIVATE))


def test_a_compressed_point_in_a_pem_is_the_same_key() -> None:
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    point = PRIVATE.public_key().public_bytes(pem.Encoding.X962, pem.PublicFormat.CompressedPoint)
    loaded = pem.load_der_public_key(head + point)
    content = loaded.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    assert parse_update_key(content) == KEY.public_half()


FOREIGN_KEYS: dict[str, Callable[[], PrivateKeyTypes]] = {
    "P-384": lambda: ec.derive_private_key(12345, ec.SECP384R1()),
    "P-521": lambda: ec.derive_private_key(12345, ec.SECP521R1()),
    "secp256k1": lambda: ec.derive_private_key(12345, ec.SECP256K1()),
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "X25519": lambda: x25519.X25519PrivateKey.from_private_bytes(SECRET),
    "Ed448": lambda: ed448.Ed448PrivateKey.from_private_bytes(bytes(57)),
}


@pytest.mark.parametrize("kind", FOREIGN_KEYS)
def test_pem_files_of_other_kinds_of_key_are_refused_by_name(kind: str) -> None:
    key = FOREIGN_KEYS[kind]()
    private = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    public = key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    use = f"key of {kind}; use P-256 or Ed25519"
    assert problem_of(private) == f"the PEM file holds a private {use}"
    assert problem_of(public) == f"the PEM file holds a public {use}"


@given(
    secrets,
    st.none() | st.binary(min_size=1, max_size=64),
    st.none() | st.sampled_from([-7, -9]),
    st.sampled_from([None, [1], [2], [1, 2]]),
)
def test_a_cose_key_on_p256_is_read(
    secret: bytes, kid: bytes | None, alg: int | None, operations: list[cbor.Value] | None
) -> None:
    whole = UpdateKey.from_private(ES256, secret)
    x, y = whole.public[1:33], whole.public[33:]
    key = parse_update_key(ec2(x=x, y=y, d=secret, kid=kid, alg=alg, ops=operations))
    assert (key.public, key.secret, key.kid) == (whole.public, secret, kid)
    assert (key.may_sign, key.may_verify) == (operations != [2], operations != [1])
    assert {each.cose_number for each in UpdateAlgorithm if key.allows(each)} == (
        {-7, -9} if alg is None else {alg}
    )
    assert parse_update_key(ec2(x=x, y=y, d=None)).secret is None
    assert parse_update_key(ec2(x=None, y=None, d=secret)) == whole


@given(
    st.binary(min_size=32, max_size=32),
    st.none() | st.sampled_from([Algorithm.EDDSA, Algorithm.ED25519]),
)
def test_a_cose_key_of_ed25519_is_read_as_tokens_read_it(
    secret: bytes, algorithm: Algorithm | None
) -> None:
    material = KeyMaterial.from_private(secret, b"kid")
    if algorithm is not None:
        material = material.restrict_to(algorithm)
    key = parse_update_key(okp(material))
    assert (key.public, key.secret, key.kid) == (material.public, secret, b"kid")
    assert {each.value for each in UpdateAlgorithm if key.allows(each)} == (
        {"EdDSA", "Ed25519"} if algorithm is None else {algorithm.value}
    )
    assert parse_update_key(okp(material.public_half())) == key.public_half()


@pytest.mark.parametrize("alg", ["ES256", "ESP256"])
def test_a_second_library_reads_the_same_key(alg: str) -> None:
    number = UpdateAlgorithm(alg).cose_number
    theirs = COSEKey.from_bytes(ec2(alg=-7, kid=b"k"))
    assert parse_update_key(ec2(alg=number, kid=b"k")).has_signed(b"x", theirs.sign(b"x"))


BROKEN: list[tuple[bytes, str]] = [
    (b"", "neither PEM nor a COSE_Key in strict CBOR"),
    (SECRET, "neither PEM nor a COSE_Key in strict CBOR"),
    (ec2() + b"\0", "neither PEM nor a COSE_Key in strict CBOR"),
    (b"\x22\xf5" + SECRET, "neither PEM nor a COSE_Key in strict CBOR"),
    (cbor.encode([1]), "a COSE_Key is a map"),
    (cbor.encode({}), NEITHER),
    (ec2(kty="EC2"), NEITHER),
    (ec2(crv=SECRET), NEITHER),
    (ec2(crv=6), NEITHER),
    (ec2(crv=2), "the COSE_Key is of P-384; use P-256 or Ed25519"),
    (ec2(crv=3), "the COSE_Key is of P-521; use P-256 or Ed25519"),
    (ec2(crv=8), "the COSE_Key is of secp256k1; use P-256 or Ed25519"),
    (ec2(kty=1, crv=4), "the COSE_Key is of X25519; use P-256 or Ed25519"),
    (cbor.encode({1: 3, -1: bytes(256)}), "the COSE_Key is of RSA; use P-256 or Ed25519"),
    (cbor.encode({1: 4, -1: SECRET}), "the COSE_Key is symmetric (HMAC): a device that checks"),
    (ec2(alg=-8), "alg (label 3) of the COSE_Key is not -7 or -9"),
    (ec2(alg=-35), "alg (label 3) of the COSE_Key is not -7 or -9"),
    (ec2(alg="ES256"), "alg (label 3) of the COSE_Key is not -7 or -9"),
    (ec2(ops=[1, 3]), "key_ops (label 4) of the COSE_Key allows more than [1, 2]"),
    (ec2(ops=[]), "key_ops (label 4) of the COSE_Key is not a list of operations"),
    (ec2(kid="key"), "kid (label 2) of the COSE_Key is not a byte string"),
    (ec2(kid=b""), "a key id has 1 to 64 bytes, not 0"),
    (ec2(kid=bytes(65)), "a key id has 1 to 64 bytes, not 65"),
    (ec2(x=None), "x (label -2) of the COSE_Key is not a byte string"),
    (ec2(y=None), "y (label -3) of the COSE_Key is not a byte string"),
    (ec2(y=1), "y (label -3) of the COSE_Key is not a byte string"),
    (ec2(d="d"), "d (label -4) of the COSE_Key is not a byte string"),
    (ec2(x=X[1:]), "x (label -2) of a COSE_Key on P-256 has 32 bytes, not 31"),
    (ec2(y=b"\0" + Y), "y (label -3) of a COSE_Key on P-256 has 32 bytes, not 33"),
    (ec2(d=SECRET[1:]), "a P-256 private key has 32 bytes, not 31"),
    (ec2(d=bytes(32)), "this P-256 private key is not from 1 to the order of the group less 1"),
    (ec2(x=Y, y=X), "this P-256 key is no point of the curve: nobody can sign for it"),
    (ec2(x=bytes(32), y=bytes(32)), "this P-256 key is no point of the curve"),
    (ec2(d=SECRET[::-1]), "the private and the public half of this key do not belong together"),
    (b"\xa5" + ec2()[1:] + cbor.encode(-5) + b"\0", "neither PEM nor"),
    (
        cbor.encode({1: 2, -1: 1, -2: X, -3: Y, -5: 0}),
        "the COSE_Key has labels that are not allowed",
    ),
    (b"ssh-ed25519 AAAAC3Nza you@home", "this is an OpenSSH public key"),
    (b"ecdsa-sha2-nistp256 AAAA you@home", "this is an OpenSSH public key"),
    (b'{"kty": "EC", "crv": "P-256"}', "this is JSON, perhaps a JWK"),
    (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "this is an OpenSSH private key"),
    (b"-----BEGIN CERTIFICATE-----\nAAAA", "this is an X.509 certificate"),
    (bytes(64).join([b"\x30", b""]), "this is DER without PEM around it"),
    (2 * to_public_pem(KEY), "the PEM file holds 2 keys or other blocks"),
    (
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "the PEM file cannot be read",
    ),
    (to_public_pem(KEY) + b"\n" * 4096, "4274 bytes are too many for a key file"),
]


@pytest.mark.parametrize(("content", "problem"), BROKEN)
def test_a_broken_or_foreign_file_is_refused_with_what_is_wrong(
    content: bytes, problem: str
) -> None:
    assert problem_of(content).startswith(problem)


@pytest.mark.parametrize("sign", [b"\xf4", b"\xf5"])
def test_a_compressed_point_in_a_cose_key_is_refused_by_name(sign: bytes) -> None:
    whole = ec2(d=None)
    compressed = whole.replace(b"\x22\x58\x20" + Y, b"\x22" + sign)
    assert compressed != whole
    assert problem_of(compressed) == (
        "y (label -3) of the COSE_Key is a sign, and no byte string; write the point with both"
        " coordinates"
    )


def test_a_point_at_infinity_or_off_the_curve_in_a_pem_is_refused() -> None:
    head = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
    der = to_public_pem(KEY)
    loaded = pem.load_pem_public_key(der).public_bytes(
        pem.Encoding.DER, pem.PublicFormat.SubjectPublicKeyInfo
    )
    assert loaded == head + KEY.public
    infinity = bytes.fromhex("3019301306072a8648ce3d020106082a8648ce3d03010703020000")
    for broken in (head + b"\x04" + Y + X, head + b"\x04" + bytes(64), infinity):
        text = _armoured(broken)
        assert problem_of(text) == "the PEM file cannot be read"


def _armoured(der: bytes) -> bytes:
    text = base64.encodebytes(der)
    return b"-----BEGIN PUBLIC KEY-----\n" + text + b"-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize("count", [300, pytest.param(50_000, marks=pytest.mark.long)])
def test_of_any_bytes_only_keys_are_read(count: int) -> None:
    chance = Random(5)
    originals = [
        to_private_pem(KEY),
        to_public_pem(KEY),
        PARAMETERS + sec1(PRIVATE),
        ec2(kid=b"key", alg=-9),
        okp(KeyMaterial.from_private(SECRET)),
    ]
    read = 0
    for _ in range(count):
        original = chance.choice(originals)
        start = chance.randrange(len(original))
        end = start + chance.randrange(3)
        mutated = original[:start] + chance.randbytes(chance.randrange(3)) + original[end:]
        try:
            key = parse_update_key(mutated, chance.choice([None, None, PASSPHRASE]))
        except KeyFileError:
            continue
        read += 1
        assert parse_update_key(to_public_pem(key)).public == key.public
    assert 0 < read < count


PUBLISHED = VECTORS / "suit" / "verification-key.pub"


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the working group's key is not here")
def test_the_key_of_the_working_groups_examples_is_read() -> None:
    key = parse_update_key(PUBLISHED.read_bytes())
    assert {each for each in UpdateAlgorithm if key.allows(each)} == {ES256, ESP256}
    assert to_public_pem(key).split() == PUBLISHED.read_bytes().split()
