"""alg -19 (Ed25519, RFC 9864) beside -8, and what a COSE_Key says that it is for."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from support.tokens.verifying import (
    DEVELOPER,
    RFC,
    RIOT,
    SOUND,
    expectation,
    failure_at,
    key_store,
    sound_claims,
)

from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    KeyFileError,
    KeyMaterial,
    KeyStore,
    Kind,
    Role,
    cbor,
    issue,
    key_files,
    verify,
)
from tinycontainer_tokens.envelope import Envelope, protected_header

SECRET = DEVELOPER.secret or b""
PAYLOAD = cbor.encode(SOUND)
ED25519 = DEVELOPER.restrict_to(Algorithm.ED25519)
HMAC_SECRET = b"\x31" * 32
NUMBER = {Algorithm.EDDSA: -8, Algorithm.ED25519: -19}
BOTH = list(NUMBER)


def cose_key(
    alg: int | None = None, ops: list[cbor.Value] | None = None, *, private: bool = True
) -> bytes:
    fields: dict[int, cbor.Value] = {1: 1, -1: 6, -2: DEVELOPER.public}
    if alg is not None:
        fields[3] = alg
    if ops is not None:
        fields[4] = ops
    if private:
        fields[-4] = SECRET
    return cbor.encode(fields)


def store_of(material: KeyMaterial) -> KeyStore:
    return KeyStore([KeyEntry(Role.DEVELOPER, RFC, material)])


def token_under(algorithm: Algorithm, kid: bytes | None = None) -> bytes:
    """A code token that is made by hand: header, Sig_structure and signature."""
    payload = PAYLOAD
    header = cbor.encode({1: NUMBER[algorithm]} | ({} if kid is None else {4: kid}))
    covered = cbor.encode(["Signature1", header, b"", payload])
    signature = Ed25519PrivateKey.from_private_bytes(SECRET).sign(covered)
    return bytes.fromhex("d83dd2") + cbor.encode([header, {}, payload, signature])


@pytest.mark.clause("TC-TOK-32")
@pytest.mark.parametrize("kid", [None, b"k", b"k" * 64])
@pytest.mark.parametrize("algorithm", BOTH)
def test_a_key_that_names_no_alg_verifies_both_numbers(
    algorithm: Algorithm, kid: bytes | None
) -> None:
    assert verify(token_under(algorithm, kid), expectation(), key_store()).valid


@pytest.mark.clause("TC-TOK-32")
@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("key", BOTH)
@pytest.mark.parametrize("token", BOTH)
def test_a_key_that_names_an_alg_verifies_that_one_alone(
    token: Algorithm, key: Algorithm, private: bool
) -> None:
    store = store_of(key_files.parse(cose_key(NUMBER[key], private=private)))
    if token is key:
        assert verify(token_under(token), expectation(), store).valid
    else:
        said = failure_at(5, token_under(token), expectation(), store)
        assert said.startswith(f"no key of the role developer that may sign {token} tokens")


@pytest.mark.clause("TC-TOK-32")
@pytest.mark.parametrize("algorithm", BOTH)
def test_a_key_makes_tokens_of_the_alg_that_it_is_restricted_to(algorithm: Algorithm) -> None:
    for key in (DEVELOPER.restrict_to(algorithm), key_files.parse(cose_key(NUMBER[algorithm]))):
        token = issue(sound_claims(Kind.CODE, RFC), Kind.CODE, key, RFC)
        assert token == token_under(algorithm)


def test_a_signature_under_minus_19_covers_the_sig_structure() -> None:
    token = cbor.decode(issue(sound_claims(Kind.CODE, RFC), Kind.CODE, ED25519, RFC)[3:], 1024)
    assert isinstance(token, list)
    header, unprotected, payload, signature = token
    assert (header, unprotected) == (bytes.fromhex("a10132"), {})
    assert isinstance(signature, bytes)
    covered = cbor.encode(["Signature1", header, b"", payload])
    Ed25519PublicKey.from_public_bytes(DEVELOPER.public).verify(signature, covered)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (key_files.parse(cose_key(-8)), Algorithm.ED25519),
        (ED25519, Algorithm.EDDSA),
        (KeyMaterial(Algorithm.HMAC_256, b"", HMAC_SECRET), Algorithm.ED25519),
        (DEVELOPER, Algorithm.HMAC_256),
    ],
)
def test_a_key_is_not_restricted_to_what_it_is_not_for(
    key: KeyMaterial, algorithm: Algorithm
) -> None:
    with pytest.raises(KeyFileError, match=f"this key is for {key.algorithm}, not for {algorithm}"):
        key.restrict_to(algorithm)


@pytest.mark.parametrize("key", [DEVELOPER, ED25519, DEVELOPER.restrict_to(Algorithm.EDDSA)])
def test_a_firmware_token_names_no_alg_so_any_ed25519_key_fits(key: KeyMaterial) -> None:
    token = issue(sound_claims(Kind.CODE, RIOT), Kind.CODE, key, RIOT)
    assert token[:1] == b"\x84"
    store = KeyStore([KeyEntry(Role.DEVELOPER, RIOT, key)])
    assert verify(token, expectation(profile=RIOT), store).valid


def test_alg_minus_19_does_not_turn_a_mac_into_a_signature() -> None:
    header = protected_header(Algorithm.ED25519, None)
    token = Envelope(True, Algorithm.HMAC_256, header, PAYLOAD, bytes(32)).encode()
    said = failure_at(4, token, expectation())
    assert said == "alg is not 5 (HMAC-256), as the tag demands"


@pytest.mark.parametrize("alg", [-7, -9, -53, 5, 19, 8, -20, -18])
def test_no_other_alg_is_taken_under_the_tag_of_a_signature(alg: int) -> None:
    token = bytes.fromhex("d83dd2") + cbor.encode([cbor.encode({1: alg}), {}, PAYLOAD, bytes(64)])
    said = failure_at(4, token, expectation())
    assert said == "alg is not -8 (EdDSA) or -19 (Ed25519), as the tag demands"


@pytest.mark.parametrize(
    "content",
    [
        cose_key(),
        cose_key(-8),
        cose_key(-19),
        cose_key(-19, private=False),
        cose_key(ops=[1]),
        cose_key(-19, [2]),
        cbor.encode({1: 4, 3: 5, 4: [9], -1: HMAC_SECRET}),
        cbor.encode({1: 4, 3: 5, 4: [10], -1: HMAC_SECRET}),
    ],
)
def test_a_cose_key_is_written_with_what_it_is_for(content: bytes) -> None:
    assert key_files.to_cose_key(key_files.parse(content)) == content


@pytest.mark.clause("TC-TOK-32")
@pytest.mark.parametrize("kind", ["signature", "MAC"])
@pytest.mark.parametrize("may", ["make", "verify", "both"])
def test_a_key_does_only_what_its_key_ops_lists(kind: str, may: str) -> None:
    first, second = (1, 2) if kind == "signature" else (9, 10)
    listed = {"make": [first], "verify": [second], "both": [second, first]}
    ops: list[cbor.Value] = [*listed[may]]
    if kind == "signature":
        content = cose_key(ops=ops)
        free = DEVELOPER
    else:
        content = cbor.encode({1: 4, 4: ops, -1: HMAC_SECRET})
        free = KeyMaterial(Algorithm.HMAC_256, b"", HMAC_SECRET)
    key = key_files.parse(content)
    claims = sound_claims(Kind.CODE, RFC)
    token = issue(claims, Kind.CODE, free, RFC)
    if may == "verify":
        with pytest.raises(KeyFileError, match=r"key_ops .* does not allow to sign"):
            issue(claims, Kind.CODE, key, RFC)
    else:
        assert issue(claims, Kind.CODE, key, RFC) == token
    if may == "make":
        failure_at(5, token, expectation(), store_of(key))
    else:
        assert verify(token, expectation(), store_of(key)).valid


@pytest.mark.parametrize("ops", [[], [1, 3], [9], [10, 1], ["sign"], [[1]], [1, 2, 4]], ids=repr)
def test_key_ops_that_lists_more_than_the_key_can_do_is_refused(ops: list[cbor.Value]) -> None:
    content = cbor.encode({1: 1, 4: ops, -1: 6, -2: DEVELOPER.public})
    with pytest.raises(KeyFileError, match="key_ops"):
        key_files.parse(content)
