"""A verifier remembers signatures that held, and nothing can be mistaken for one of them."""

from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tinycontainer_tokens.keys import Verifier

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
COVERED = b"what is covered"
SIGNATURE = PRIVATE.sign(COVERED)


@pytest.fixture
def verifier() -> Verifier:
    """One that has met the signature before."""
    made = Verifier(PRIVATE.public_key().verify)
    assert made.has_signed(COVERED, SIGNATURE)
    return made


def test_a_signature_that_held_still_holds(verifier: Verifier) -> None:
    assert all(verifier.has_signed(COVERED, SIGNATURE) for _ in range(3))


def test_no_other_signature_or_content_holds_after_it(verifier: Verifier) -> None:
    chance = Random(7)
    for _ in range(200):
        changed = bytearray(SIGNATURE + COVERED)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        assert not verifier.has_signed(bytes(changed[64:]), bytes(changed[:64]))


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 64 + len(COVERED)])
def test_bytes_cannot_be_shifted_between_signature_and_content(
    verifier: Verifier, length: int
) -> None:
    together = SIGNATURE + COVERED
    assert not verifier.has_signed(together[length:], together[:length])


def test_one_key_knows_nothing_of_another(verifier: Verifier) -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(reversed(range(32))))
    assert not Verifier(other.public_key().verify).has_signed(COVERED, SIGNATURE)
    assert not verifier.has_signed(COVERED, other.sign(COVERED))


def test_what_is_remembered_is_bounded_and_every_signature_still_holds(verifier: Verifier) -> None:
    contents = [number.to_bytes(2, "big") for number in range(Verifier.MAX_KNOWN + 10)]
    signatures = [PRIVATE.sign(content) for content in contents]
    for _ in range(2):
        for content, signature in zip(contents, signatures, strict=True):
            assert verifier.has_signed(content, signature)
            assert len(verifier._known) <= Verifier.MAX_KNOWN
