"""The files that the firmware's authors published, judged by our verification."""

from contextlib import suppress

import pytest
from support.project import VECTORS
from support.worlds import FOREIGN

from tinycontainer.device.containers.verification import (
    Grant,
    Trust,
    Validity,
    grant_rights,
    verify_tokens,
)
from tinycontainer.errors import LoadError, MetadataError
from tinycontainer.metadata import decode, encode
from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Profile,
    Role,
)

PLACES = ["metadata token", "code token", "data token", "mask token"]
PUBLISHED_KEY = "112ff4c9cddecbe153d72dcd7c5ffaf2bfc77603fd8478e300bafe8dd1946078"
needs_vectors = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the firmware's own files are not part of this project"
)


def failed_checks(
    name: str, data: bytes = b"not yet implemented", key: str = PUBLISHED_KEY, flipped_bit: int = -1
) -> dict[str, str]:
    """Judge a published file; the failed step of each place. Its code was not published."""
    content = bytearray((VECTORS / f"{name}.metadata").read_bytes())
    if flipped_bit >= 0:
        content[flipped_bit // 8] ^= 1 << flipped_bit % 8
    material = KeyMaterial(Algorithm.EDDSA, bytes.fromhex(key))
    believed = Trust(
        KeyStore(KeyEntry(role, Profile.RIOT_2024, material) for role in Role),
        profiles=(Profile.RIOT_2024,),
    )
    metadata = decode(bytes(content))
    assert encode(metadata.container, metadata.endpoints, metadata.security) == content
    found = verify_tokens(metadata, None, data, believed, now_s=0)
    failures = {each.place: each.verification.failure for each in found if each.verification}
    assert list(failures) == PLACES
    failed = {place: step.check for place, step in failures.items() if step}
    if failed:
        with pytest.raises(LoadError, match=f"{next(iter(failed))}: step "):
            grant_rights(metadata, found, believed)
    else:
        assert metadata.uid == name.encode()
        assert grant_rights(metadata, found, believed) == Grant(
            0xFF, Profile.RIOT_2024, Validity(), ()
        )
    return failed


@needs_vectors
def test_the_published_container_verifies_with_its_data_and_its_key_alone() -> None:
    assert failed_checks("simple_container") == {}
    assert failed_checks("simple_container", data=b"not yet") == {"data token": "content"}
    failed = failed_checks("simple_container", key=FOREIGN.public.hex())
    assert failed == dict.fromkeys(PLACES, "signature")


@needs_vectors
def test_no_byte_of_the_published_container_can_be_changed() -> None:
    judged = 0
    for i in range((VECTORS / "simple_container.metadata").stat().st_size):
        with suppress(MetadataError):
            assert failed_checks("simple_container", flipped_bit=8 * i + i % 8) != {}
            judged += 1
    assert judged > 100


@needs_vectors
def test_the_published_example_is_refused_for_its_metadata_token() -> None:
    assert failed_checks("example_app") == {"metadata token": "content"}
