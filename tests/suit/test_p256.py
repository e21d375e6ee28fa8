"""Keys on P-256: points of the curve, and private numbers in their range."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.errors import catch_error

from tinycontainer.suit.keys import p256
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey
from tinycontainer_tokens import KeyFileError

ES256 = UpdateAlgorithm.ES256
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
SECRET = b"correct horse battery staple 123"

# RFC 6979, appendix A.2.5: a public key.
POINT_X = bytes.fromhex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6")
POINT_Y = bytes.fromhex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299")


def key_of(algorithm: UpdateAlgorithm, secret: bytes = SECRET) -> UpdateKey:
    return UpdateKey.from_private(algorithm, secret)


@pytest.mark.parametrize(
    ("public", "problem"),
    [
        (b"\x00", "an uncompressed point of 65 bytes"),
        (b"\x02" + POINT_X, "an uncompressed point of 65 bytes"),
        (b"\x03" + POINT_X, "an uncompressed point of 65 bytes"),
        (b"\x06" + POINT_X + POINT_Y, "an uncompressed point of 65 bytes"),
        (b"\x04" + POINT_X, "an uncompressed point of 65 bytes"),
        (POINT_X + POINT_Y, "an uncompressed point of 65 bytes"),
        (b"\x04" + bytes(64), "no point of the curve"),
        (b"\x04" + POINT_Y + POINT_X, "no point of the curve"),
        (b"\x04" + b"\xff" * 64, "no point of the curve"),
        (b"\x04" + bytes(32) + PRIME.to_bytes(32, "big"), "no point of the curve"),
    ],
)
def test_what_is_no_point_of_p256_is_no_key(public: bytes, problem: str) -> None:
    with pytest.raises(KeyFileError, match=problem):
        UpdateKey(ES256, public)


def test_a_coordinate_beyond_the_prime_is_no_second_form_of_a_key() -> None:
    # x = 5 is on the curve; x + p fits in 32 bytes and means the same to who reduces it.
    y = (
        ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), b"\x02" + (5).to_bytes(32, "big")
        )
        .public_numbers()
        .y.to_bytes(32, "big")
    )
    assert UpdateKey(ES256, p256.point_of((5).to_bytes(32, "big"), y)).public[32] == 5
    with pytest.raises(KeyFileError, match="no point of the curve"):
        UpdateKey(ES256, p256.point_of((5 + PRIME).to_bytes(32, "big"), y))


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, (1 << 256) - 1])
def test_a_private_number_out_of_its_range_is_no_key(number: int) -> None:
    problem = str(catch_error(KeyFileError, key_of, ES256, number.to_bytes(32, "big")))
    assert problem == "this P-256 private key is not from 1 to the order of the group less 1"
