"""What other implementations of COSE and CWT write is named, in whichever part of a token it is."""

import pytest
from support.tokens.refusals import RFC, cause, code_token, payload_of, with_code_token
from support.worlds import KEYS

from tinycontainer_tokens import Kind, Role, cbor
from tinycontainer_tokens.envelope import Envelope, parse
from tinycontainer_tokens.issue import prove

HEAD = bytes.fromhex("d83dd284")
EDDSA = bytes.fromhex("43a10127")
PAYLOAD = cbor.encode(payload_of(code_token()))
PROOF = cbor.encode(bytes(64))

MESSAGES = {
    "kid outside": (HEAD + EDDSA + cbor.encode({4: b"kid"}) + PAYLOAD + PROOF, "holds kid (4)"),
    "alg outside": (HEAD + b"\x40" + cbor.encode({1: -8}) + PAYLOAD + PROOF, "holds alg (1)"),
    "x5chain outside": (HEAD + EDDSA + cbor.encode({33: b"x"}) + PAYLOAD + PROOF, "x5chain (33)"),
    "detached": (HEAD + EDDSA + b"\xa0\xf6" + PROOF, "the payload is detached"),
    "detached, kid": (HEAD + EDDSA + b"\xa1\x04\x41k\xf6" + PROOF, "holds kid (4)"),
    "COSE_Sign": (bytes.fromhex("d83dd86284") + EDDSA + b"\xa0" + PAYLOAD + b"\x80", "COSE_Sign)"),
    "COSE_Mac": (bytes.fromhex("d83dd86184") + EDDSA + b"\xa0" + PAYLOAD + PROOF, "COSE_Mac)"),
    "unsorted outside": (HEAD + EDDSA + b"\xa2\x04\x41k\x01\x27" + PAYLOAD + PROOF, "order"),
    "header as map": (HEAD + b"\xa1\x01\x27\xa0" + PAYLOAD + PROOF, "protected header is a map"),
    "claims as map": (HEAD + EDDSA + b"\xa0\xa0" + PROOF, "the payload is a map"),
    "short MAC": (HEAD + EDDSA + b"\xa0" + PAYLOAD + cbor.encode(bytes(8)), "proof has 8 bytes"),
    "indefinite": (bytes.fromhex("d83dd29f") + EDDSA + b"\xa0" + PAYLOAD + PROOF, "indefinite"),
    "JWT": (b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln!", "JSON Web Token"),
}
HEADERS = {
    "ES256": (b"\xa1\x01\x26", "alg -7 is ES256"),
    "ES256 and kid": (b"\xa2\x01\x26\x04\x41k", "alg -7 is ES256"),
    "RS256": (cbor.encode({1: -257}), "alg -257 is RS256"),
    "text": (cbor.encode({1: "EdDSA"}), "alg is written as text"),
    "none": (b"\xa0", "names no alg"),
    "kid only": (cbor.encode({4: b"k"}), "names no alg"),
    "content type": (cbor.encode({1: -8, 3: 60}), "holds content type (3)"),
    "crit": (cbor.encode({1: -8, 2: [4]}), "holds crit (2)"),
    "x5t": (cbor.encode({1: -8, 34: b"x"}), "holds x5t (34)"),
    "unsorted": (b"\xa2\x04\x41k\x01\x27", "order of their encoded bytes"),
    "twice": (b"\xa2\x01\x27\x01\x27", "a key twice"),
    "kid as text": (cbor.encode({1: -8, 4: "k"}), "kid has to be a byte string"),
    "empty kid": (cbor.encode({1: -8, 4: b""}), "kid has to be a byte string"),
    "long number": (b"\xa1\x18\x01\x27", "shortest form"),
    "array": (b"\x80", "is no map"),
}
CLAIMS = {
    "iss": (cbor.encode({1: "me"}), "iss: not accepted"),
    "sub": (cbor.encode({2: "me"}), "sub: not accepted"),
    "cti": (cbor.encode({7: b"1"}), "cti: not accepted"),
    "exp as float": (b"\xa1\x04\xfb\x41\xd9\x00\x00\x00\x00\x00\x00", "a number is a float"),
    "exp in a tag": (b"\xa1\x04\xc1\x01", "a tag is inside"),
    "exp as text": (cbor.encode({4: "2027"}), "exp (claim 4) is a text"),
    "aud as array": (cbor.encode({3: ["a"]}), "aud (claim 3) is an array"),
    "uid as text": (cbor.encode({-65539: "box"}), "uid (claim -65539) is a text"),
    "names as keys": (b"\xa1\x63exp\x01", "a text as key"),
    **{
        f"simple value {value}": (bytes([0xA1, 0x04, 0xE0 + value]), "a value is true, false, nil")
        for value in (20, 21, 22, 23)
    },
    "unsorted": (b"\xa2\x05\x01\x04\x02", "order of their encoded bytes"),
    "JSON": (b'{"exp": 1}', "the claims are JSON"),
}


@pytest.mark.parametrize(("token", "words"), MESSAGES.values(), ids=MESSAGES)
def test_a_foreign_message_is_named(token: bytes, words: str) -> None:
    assert words in cause(with_code_token(token), Kind.CODE, "structure")


@pytest.mark.parametrize(("header", "words"), HEADERS.values(), ids=HEADERS)
def test_a_foreign_header_is_named(header: bytes, words: str) -> None:
    whole = parse(code_token())
    token = Envelope(True, whole.algorithm, header, whole.payload, whole.proof).encode()
    assert words in cause(with_code_token(token), Kind.CODE, "header")


@pytest.mark.parametrize(("payload", "words"), CLAIMS.values(), ids=CLAIMS)
def test_foreign_claims_are_named(payload: bytes, words: str) -> None:
    token = prove(payload, KEYS[Role.DEVELOPER], RFC).encode()
    assert words in cause(with_code_token(token), Kind.CODE, "claims")
