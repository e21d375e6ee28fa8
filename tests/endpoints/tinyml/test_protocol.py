"""The protocol of specs/tinyml.md, frame by frame, on workers that need no interpreter."""

import struct

import pytest
from support.tinyml.client import (
    COMPUTE,
    RESET_INPUTS,
    RESET_MODEL,
    input_frames,
    load_frames,
    refused,
    select,
)
from support.tinyml.contexts import (
    COMPUTING,
    DIGEST,
    DONE,
    EMPTY,
    INPUT,
    LOADING,
    MODEL,
    PRIMED,
    READY,
    client,
    in_state,
    state,
)
from support.tinyml.models import F32, I8, seed

from tinycontainer_endpoints.tinyml.protocol.codes import ElementType, ErrorCode, What
from tinycontainer_endpoints.tinyml.protocol.states import (
    TRANSITIONS,
    ContextEvent,
    ContextState,
    find_next_state,
)

FRAMES: dict[ContextEvent, bytes] = {
    ContextEvent.BEGIN_MODEL: next(load_frames(MODEL)),
    ContextEvent.MODEL_DATA: b"\x11\0",
    ContextEvent.BIND: b"\x12\0\0\0" + DIGEST,
    ContextEvent.INPUT: next(input_frames(0, INPUT, 4)),
    ContextEvent.INPUT_DATA: b"\x21\0",
    ContextEvent.COMPUTE: COMPUTE,
    ContextEvent.RESET_INPUTS: RESET_INPUTS,
    ContextEvent.RESET_MODEL: RESET_MODEL,
}


@pytest.mark.clause("TC-TML-06")
@pytest.mark.parametrize("event", FRAMES)
@pytest.mark.parametrize("before", ContextState)
def test_every_frame_in_every_state_does_what_the_table_says(
    before: ContextState, event: ContextEvent
) -> None:
    here = in_state(before)
    fits = (before, event) in TRANSITIONS
    if event is ContextEvent.INPUT_DATA and before is READY:
        with refused(ErrorCode.INVALID_STATE):  # no input was begun
            here.send(FRAMES[event])
    elif event is ContextEvent.BIND and fits:
        with refused(ErrorCode.NOT_FOUND):  # nothing is kept
            here.send(FRAMES[event])
    elif fits:
        here.send(FRAMES[event])
        expected = DONE if event is ContextEvent.COMPUTE else TRANSITIONS[before, event]
        assert state(here) is expected
    else:
        with refused(ErrorCode.BUSY if before is COMPUTING else ErrorCode.INVALID_STATE):
            here.send(FRAMES[event])
        if before is not COMPUTING:
            assert state(here) is before


@pytest.mark.parametrize("before", [EMPTY, LOADING, READY])
def test_there_is_no_output_before_anything_was_computed(before: ContextState) -> None:
    with refused(ErrorCode.INVALID_STATE):
        in_state(before).read()


@pytest.mark.clause("TC-TML-06")
def test_every_event_that_has_no_row_is_refused_by_name() -> None:
    for before in ContextState:
        for event in ContextEvent:
            if (before, event) not in TRANSITIONS:
                with refused(ErrorCode.BUSY if before is COMPUTING else ErrorCode.INVALID_STATE):
                    find_next_state(before, event)


@pytest.mark.clause("TC-TML-05")
def test_a_model_is_told_of_and_computes() -> None:
    here = client()
    assert here.status() == (1, EMPTY, 0, 0, 0, 0, 0)
    here.load(MODEL, digest=DIGEST)
    assert here.status() == (1, READY, 1, 1, len(MODEL), 32 + 16, 24)
    here.send(select(What.INPUT_INFO))
    head = struct.pack("<BBHIfi2I", ElementType.F32, 2, 0, 24, 0.0, 0, 1, 6)
    assert here.read_all() == head + b"t0"
    here.send(select(What.OUTPUT))
    here.give([INPUT])
    assert here.read() == INPUT[:16]
    assert here.read() == b""
    here.send(select(What.OUTPUT, 0, 12))
    assert here.read(3) == INPUT[12:15]
    assert here.read(3) == INPUT[15:16]
    assert state(here) is DONE


@pytest.mark.clause("TC-TML-05")
def test_a_quantised_tensor_is_told_with_scale_and_zero_point() -> None:
    here = client()
    here.load(seed("softmax", I8))
    here.send(select(What.OUTPUT_INFO))
    expected = struct.pack("<BBHIfi2I", ElementType.I8, 2, 0, 10, 1 / 256, -128, 2, 5)
    assert here.read_all() == expected + b"t1"


@pytest.mark.clause("TC-TML-05")
def test_the_last_error_can_be_read() -> None:
    here = client()
    here.send(select(What.LAST_ERROR))
    assert here.read_all() == b"\0"
    with refused(ErrorCode.UNSUPPORTED_OPERATION):
        here.send(b"\x99")
    here.send(select(What.LAST_ERROR))
    assert here.read_all() == b"\x06there is no operation 0x99"


@pytest.mark.clause("TC-TML-01", "TC-TML-02")
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x10", ErrorCode.INVALID_ARGUMENT),
        (struct.pack("<BBBBI", 0x10, 3, 0, 0, 9), ErrorCode.INVALID_ENCODING),
        (struct.pack("<BBBBI", 0x10, 4, 4, 0, 9), ErrorCode.INVALID_ARGUMENT),
        (struct.pack("<BBBBI", 0x10, 4, 0, 1, 9), ErrorCode.INVALID_ARGUMENT),
        (struct.pack("<BBBBI", 0x10, 4, 0, 0, 0), ErrorCode.INVALID_ARGUMENT),
        (struct.pack("<BBBBI", 0x10, 4, 0, 0, 2) + b"abc", ErrorCode.INVALID_ARGUMENT),
        (struct.pack("<BBBBI", 0x10, 4, 1, 0, 99) + bytes(31), ErrorCode.INVALID_ARGUMENT),
        (struct.pack("<BBBBI", 0x10, 4, 0, 0, 65537), ErrorCode.TOO_LARGE),
        (b"\x11", ErrorCode.INVALID_ARGUMENT),
        (b"\x12\0\0\0" + bytes(31), ErrorCode.INVALID_ARGUMENT),
        (b"\x12\0\0\1" + bytes(32), ErrorCode.INVALID_ARGUMENT),
        (b"\x12\0\0\0" + bytes(32), ErrorCode.NOT_FOUND),
        (b"\x21", ErrorCode.INVALID_ARGUMENT),
        (b"\x30\1\0\0", ErrorCode.INVALID_ARGUMENT),
        (b"\x30\0\0", ErrorCode.INVALID_ARGUMENT),
        (b"\x40\5\0\0\0\0\0\0", ErrorCode.INVALID_ARGUMENT),
        (b"\x40\0\0\0\0\0\0", ErrorCode.INVALID_ARGUMENT),
        (select(What.STATUS, 1), ErrorCode.INVALID_ARGUMENT),
        (select(What.OUTPUT), ErrorCode.INVALID_STATE),
        (b"\x7f\2", ErrorCode.INVALID_ARGUMENT),
        (b"\x7f", ErrorCode.INVALID_ARGUMENT),
        (b"\x7f\0\0", ErrorCode.INVALID_ARGUMENT),
        (b"\0", ErrorCode.UNSUPPORTED_OPERATION),
        (bytes(256), ErrorCode.INVALID_ARGUMENT),
    ],
)
def test_a_wrong_frame_is_refused_and_nothing_changes(frame: bytes, code: ErrorCode) -> None:
    here = client()
    with refused(code):
        here.send(frame)
    assert here.status() == (1, EMPTY, 0, 0, 0, 0, 0)


def as_input(index: int, kind: int, total: int, *dims: int, data: bytes = b"") -> bytes:
    head = struct.pack("<BBBBI", 0x20, index, kind, len(dims), total)
    return head + struct.pack(f"<{len(dims)}I", *dims) + data


@pytest.mark.clause("TC-TML-04")
@pytest.mark.parametrize(
    "frame",
    [
        as_input(1, 255, 24),
        as_input(0, ElementType.I8, 24),
        as_input(0, 255, 23),
        as_input(0, 255, 24, 6),
        as_input(0, 255, 24, 6, 1),
        as_input(0, 255, 24, data=bytes(25)),
        as_input(0, 255, 24, 1, 6)[:-1],
        as_input(0, 255, 24, *range(9)),
    ],
)
def test_an_input_that_is_not_the_models_is_refused(frame: bytes) -> None:
    here = in_state(PRIMED)
    with refused(ErrorCode.INVALID_ARGUMENT):
        here.send(frame)
    assert state(here) is PRIMED


@pytest.mark.clause("TC-TML-04")
def test_an_input_may_say_its_type_and_shape_and_come_in_pieces() -> None:
    here = in_state(READY)
    here.send(as_input(0, ElementType.F32, 24, 1, 6, data=INPUT[:5]), b"\x21" + INPUT[5:20])
    assert state(here) is READY
    with refused(ErrorCode.INVALID_ARGUMENT):
        here.send(b"\x21" + bytes(5))
    here.send(b"\x21" + INPUT[20:], COMPUTE, select(What.OUTPUT))
    assert here.read() == INPUT[:16]
    with refused(ErrorCode.INVALID_STATE):
        here.send(COMPUTE)


@pytest.mark.clause("TC-TML-04")
def test_all_inputs_are_needed_and_the_next_round_begins_anew() -> None:
    here = client()
    here.load(seed("branches", F32))
    here.give([bytes(16), bytes(16)])
    here.send(COMPUTE)
    here.send(*input_frames(1, bytes(16)))
    assert state(here) is READY
    with refused(ErrorCode.INVALID_STATE):
        here.send(COMPUTE)
    here.send(*input_frames(0, bytes(16)))
    assert state(here) is PRIMED
    here.send(RESET_INPUTS)
    assert state(here) is READY
