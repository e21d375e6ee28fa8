"""The rule of sequences, and the memory of accepted ones that is forgotten with the process."""

import pytest

from tinycontainer_tokens import (
    Accepted,
    Kind,
    MemorySequenceStore,
    SequenceOvertaken,
    SequenceStoreError,
    SequenceSubject,
    TokenError,
    require_not_overtaken,
)

CODE = SequenceSubject(b"uid", Kind.CODE)
METADATA = SequenceSubject(b"uid", Kind.METADATA)
OLD, NEW = Accepted(1, bytes(32)), Accepted(2, bytes(range(32)))
NEW_TWIN = Accepted(2, bytes(32))


@pytest.mark.parametrize(("recorded", "wanted"), [(None, OLD), (OLD, NEW), (NEW, NEW)])
@pytest.mark.clause("TC-TOK-18")
def test_a_first_a_higher_and_the_same_token_are_accepted(
    recorded: Accepted | None, wanted: Accepted
) -> None:
    require_not_overtaken(recorded, wanted)


@pytest.mark.parametrize(
    ("recorded", "wanted", "words"),
    [
        (NEW, OLD, "sequence 1 is older than 2, accepted before"),
        (NEW, NEW_TWIN, "sequence 2 was accepted before with other bytes"),
    ],
)
@pytest.mark.clause("TC-TOK-18")
def test_a_lower_number_and_an_equal_one_with_other_bytes_are_refused(
    recorded: Accepted, wanted: Accepted, words: str
) -> None:
    with pytest.raises(SequenceOvertaken, match=words) as caught:
        require_not_overtaken(recorded, wanted)
    assert (caught.value.found, caught.value.newest) == (wanted.sequence, recorded.sequence)


def test_refusals_belong_to_both_families_of_errors() -> None:
    assert issubclass(SequenceOvertaken, SequenceStoreError)
    assert issubclass(SequenceStoreError, TokenError)
    assert issubclass(SequenceStoreError, ValueError)


@pytest.mark.parametrize("wanted", [OLD, NEW_TWIN])
def test_a_memory_records_nothing_where_one_entry_is_overtaken(wanted: Accepted) -> None:
    store = MemorySequenceStore()
    store.accept([(CODE, NEW)])
    with pytest.raises(SequenceOvertaken):
        store.accept([(METADATA, NEW), (CODE, wanted)])
    assert (store.newest(METADATA), store.newest(CODE)) == (None, NEW)
