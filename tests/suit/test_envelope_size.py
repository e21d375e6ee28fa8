"""How much an envelope adds to the bundle that it carries."""

import pytest
from support.updates import IDENTITY, draft, sections, sign, version
from support.worlds import blueprint, local, times

from tinycontainer.suit.drafts import make_envelope
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey

MOST_BYTES = 500
"""For the three components of a container."""

PLAN = blueprint("courier", endpoints=(local(),), security=times(period=10, loop=5))


@pytest.mark.parametrize("data_bytes", [0, 300, 60_000])
@pytest.mark.parametrize("algorithm", UpdateAlgorithm)
def test_a_signed_envelope_adds_at_most_500_bytes(
    algorithm: UpdateAlgorithm, data_bytes: int
) -> None:
    bundle = sections(PLAN, data=bytes(data_bytes))
    what = draft(version(bundle, b"courier", starts=True), number=1_700_000_000)
    content = sign(make_envelope(what), UpdateKey.from_private(algorithm, b"\x31" * 32))
    assert len(content) - len(bundle.encode()) <= MOST_BYTES


def test_even_for_one_device_alone_it_does() -> None:
    bundle = sections(PLAN)
    what = draft(version(bundle, b"courier"), identity=IDENTITY)
    assert len(sign(make_envelope(what))) - len(bundle.encode()) <= MOST_BYTES
