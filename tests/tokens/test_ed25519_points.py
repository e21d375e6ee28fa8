"""Public keys of Ed25519: canonical points of the curve that somebody can own, and nothing else."""

import base64
from itertools import product

import pytest
from support.project import Program

from tinycontainer_tokens import Algorithm, KeyFileError, KeyMaterial, cbor, key_files

P = (1 << 255) - 19
D = -121665 * pow(121666, -1, P) % P
SIGN = 1 << 255
Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL = {"0": 0, "1": 1, "-1": P - 1, "y8": Y8, "-y8": P - Y8, "p": P, "p + 1": P + 1}
"""y of every point of order 1, 2, 4 and 8, and the encodings of them that are not canonical."""

SPKI = bytes.fromhex("302a300506032b6570032100")


def encoded(y: int) -> bytes:
    return y.to_bytes(32, "little")


def decoded_x(y: int) -> int | None:
    """x by the steps of RFC 8032, section 5.1.3; None if decoding fails."""
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == u:
        return x
    if v * x * x % P == P - u:
        return x * pow(2, (P - 1) // 4, P) % P
    return None


def made(public: bytes) -> KeyMaterial:
    return KeyMaterial(Algorithm.EDDSA, public)


@pytest.mark.clause("TC-TOK-02")
@pytest.mark.parametrize("sign", [0, SIGN], ids=["plain", "with the sign bit"])
@pytest.mark.parametrize("y", SMALL.values(), ids=SMALL)
def test_a_point_of_small_order_is_no_key_in_any_encoding(y: int, sign: int) -> None:
    assert decoded_x(y % P) is not None
    with pytest.raises(KeyFileError, match="small order: anybody can sign"):
        made(encoded(y | sign))


@pytest.mark.clause("TC-TOK-02")
@pytest.mark.parametrize("sign", [0, SIGN], ids=["plain", "with the sign bit"])
def test_an_encoding_that_is_not_canonical_is_no_key(sign: int) -> None:
    for k in range(2, 19):
        with pytest.raises(KeyFileError, match="not in its canonical encoding"):
            made(encoded(P + k | sign))


@pytest.mark.clause("TC-TOK-02")
def test_publicare_a_key_exactly_if_rfc_8032_decodes_them() -> None:
    accepted = 0
    for y, sign in product((*range(2, 120), *range(P - 120, P - 1)), (0, SIGN)):
        if decoded_x(y) is not None:
            assert made(encoded(y | sign)).public == encoded(y | sign)
            accepted += 1
        else:
            with pytest.raises(KeyFileError, match="no point of the curve"):
                made(encoded(y | sign))
    assert 150 < accepted < 350  # about half of all numbers are the y of a point


def test_the_public_half_of_any_private_key_is_a_key() -> None:
    for number in range(50):
        key = KeyMaterial.from_private(bytes([number]) * 32)
        assert made(key.public).public == key.public


@pytest.mark.clause("TC-TOK-02")
@pytest.mark.parametrize("y", [2, P + 3, P - Y8 | SIGN])
def test_such_a_key_is_refused_in_every_form_of_a_file(y: int, program: Program) -> None:
    public = encoded(y)
    with pytest.raises(KeyFileError) as direct:
        made(public)
    expected = str(direct.value)
    body = base64.encodebytes(SPKI + public)
    pem = b"-----BEGIN PUBLIC KEY-----\n" + body + b"-----END PUBLIC KEY-----\n"
    for content in (pem, cbor.encode({1: 1, -1: 6, -2: public})):
        with pytest.raises(KeyFileError) as refused:
            key_files.parse(content)
        assert str(refused.value) == expected
    assert expected in program.bad("verify", "any", "--key", f"developer={public.hex()}")
