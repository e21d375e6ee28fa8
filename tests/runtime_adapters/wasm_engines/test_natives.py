"""Native calls of a module: pointers, signs, sizes and what the service gets to see."""

import pytest
from support.wasm.modules import NATIVE_TYPES, PAGE, Tenant, loop

from tinycontainer.interfaces.runtime import Completed, Hook, RuntimeLimits, Trapped
from tinycontainer_runtimes.wasm.traps import TrapCode

pytestmark = pytest.mark.usefixtures("engine")

ALL_NATIVES = tuple(NATIVE_TYPES)
TWO_PAGES = RuntimeLimits(memory_pages=2)

AT_THE_END = [
    (0, 0),
    (0, PAGE),
    (PAGE - 1, 1),
    (PAGE, 0),
    (PAGE - 255, 255),
]
OUTSIDE = [
    (0, PAGE + 1),
    (PAGE - 1, 2),
    (PAGE, 1),
    (PAGE + 1, 0),
    (-1, 0),
    (-1, 1),
    (0, -1),
    (1, -1),
    (-1, -1),
    (-(2**31), 4),
    (2**31 - 1, 2**31 - 1),
]


def tenant(body: str, more: str = "", *, data: bytes = b"", memory: str = "1") -> Tenant:
    """A container that imports every native function."""
    return Tenant(
        loop(body, more, uses=ALL_NATIVES, memory=memory),
        limits=TWO_PAGES if memory != "1" else None,
        data=data,
    )


def call(name: str, *arguments: int) -> str:
    return f"(call ${name} {' '.join(f'(i32.const {number})' for number in arguments)})"


def transfer(name: str, pointer: int, size: int) -> str:
    """A call that takes a pointer and a size behind one other argument."""
    return call(name, 3, pointer, size)


# Arguments and results


@pytest.mark.parametrize("answer", [0, 7, -1, -5, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("name", ["heartbeat", "open", "close", "write"])
def test_results_reach_the_container_with_their_sign(name: str, answer: int) -> None:
    arguments = {"heartbeat": (), "open": (1,), "close": (1,), "write": (1, 0, 4)}[name]
    subject = tenant(call(name, *arguments))
    subject.natives.answers[name] = answer
    assert subject.loop() == answer


@pytest.mark.parametrize("answer", [2**31, 2**32, -(2**31) - 1, 1 << 70])
def test_a_result_of_more_than_32_bits_is_a_trap_and_no_number(answer: int) -> None:
    subject = tenant(call("heartbeat"))
    subject.natives.answers["heartbeat"] = answer
    assert subject.trap() == TrapCode.ENGINE


@pytest.mark.parametrize("endpoint", [0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1])
def test_endpoint_ids_are_unsigned_and_never_cut(endpoint: int) -> None:
    subject = tenant(call("open", endpoint))
    subject.loop()
    assert subject.natives.calls == [("open", endpoint)]


@pytest.mark.parametrize("fd", [0, 1, 10, -1, 2**31 - 1, -(2**31)])
def test_descriptors_are_signed(fd: int) -> None:
    subject = tenant(
        f"(drop {call('close', fd)}) (drop {call('read', fd, 0, 1)}) {call('write', fd, 0, 1)}"
    )
    subject.loop()
    assert subject.natives.calls == [("close", fd), ("read", fd, 1), ("write", fd, b"\0")]


def test_a_native_called_through_the_table_is_the_same() -> None:
    subject = tenant(
        "(call_indirect (param i32) (result i32) (i32.const -2) (i32.const 0))",
        "(table 1 funcref) (elem (i32.const 0) $open)",
    )
    subject.natives.answers["open"] = 4
    assert subject.loop() == 4
    assert subject.natives.calls == [("open", 2**32 - 2)]


# Pointers


@pytest.mark.parametrize("name", ["read", "write", "data_read"])
@pytest.mark.parametrize(("pointer", "size"), AT_THE_END)
def test_ranges_up_to_the_end_of_memory_are_served(name: str, pointer: int, size: int) -> None:
    subject = tenant(transfer(name, pointer, size))
    assert isinstance(subject.run().outcome, Completed)
    assert len(subject.natives.calls) == 1


@pytest.mark.parametrize("name", ["read", "write", "data_read"])
@pytest.mark.parametrize(("pointer", "size"), OUTSIDE)
@pytest.mark.clause("TC-CALL-05", "TC-RT-13")
def test_ranges_outside_of_memory_trap_before_the_service_is_asked(
    name: str, pointer: int, size: int
) -> None:
    subject = tenant(transfer(name, pointer, size), '(func (export "stop"))')
    subject.natives.incoming = b"x" * 4
    before = subject.memory()
    outcome = subject.run().outcome
    assert isinstance(outcome, Trapped)
    assert outcome.code == "native-pointer"
    assert "outside of memory" in outcome.detail
    assert subject.natives.calls == []
    assert subject.memory() == before
    assert subject.run(Hook.STOP).outcome == Completed()


def test_memory_of_no_pages_has_room_for_nothing() -> None:
    assert tenant(transfer("write", 0, 0), memory="0").loop() == 0
    assert tenant(transfer("write", 0, 1), memory="0").trap() == "native-pointer"
    assert tenant(call("logger", 0) + " i32.const 0", memory="0").trap() == "native-pointer"


def test_grown_memory_is_seen_by_natives() -> None:
    subject = tenant(
        "(if (result i32) (i32.eq (memory.size) (i32.const 1))"
        f" (then {transfer('write', PAGE, 4)}) (else {transfer('write', 2 * PAGE - 4, 4)}))",
        '(func (export "stop") (drop (memory.grow (i32.const 1)))'
        " (i32.store (i32.const 131068) (i32.const 0x64636261)))",
        memory="1 2",
    )
    assert subject.trap() == "native-pointer"
    assert subject.run(Hook.STOP).outcome == Completed()
    assert subject.instance.size() == 2 * PAGE
    subject.loop()
    assert subject.natives.calls == [("write", 3, b"abcd")]


# read and write


def test_write_hands_over_the_bytes_of_memory() -> None:
    subject = tenant(transfer("write", 100, 5), '(data (i32.const 100) "hello world")')
    subject.natives.answers["write"] = 2
    assert subject.loop() == 2
    assert subject.natives.calls == [("write", 3, b"hello")]


def test_what_write_hands_over_does_not_change_afterwards() -> None:
    subject = tenant(
        f"(drop {transfer('write', 0, 2)}) (i32.store (i32.const 0) (i32.const -1)) i32.const 0",
        '(data (i32.const 0) "ab")',
    )
    subject.loop()
    assert subject.natives.calls == [("write", 3, b"ab")]
    assert isinstance(subject.natives.calls[0][2], bytes)


@pytest.mark.parametrize("incoming", [b"", b"a", b"abcdefgh"])
def test_read_stores_what_came_and_nothing_else(incoming: bytes) -> None:
    subject = tenant(transfer("read", 40, 8), f'(data (i32.const 36) "{"-" * 16}")')
    subject.natives.incoming = incoming
    assert subject.loop() == len(incoming)
    assert subject.natives.calls == [("read", 3, 8)]
    kept = b"-" * (12 - len(incoming))
    assert subject.instance.load(36, 16) == b"----" + incoming + kept


@pytest.mark.parametrize("refusal", [-1, -77, -(2**31)])
def test_a_refused_read_leaves_memory_alone(refusal: int) -> None:
    subject = tenant(transfer("read", 0, 8), '(data (i32.const 0) "unharmed")')
    subject.natives.incoming = refusal
    assert subject.loop() == refusal
    assert subject.instance.load(0, 8) == b"unharmed"


def test_a_read_at_the_end_does_not_lengthen_memory() -> None:
    subject = tenant(transfer("read", PAGE - 4, 4))
    subject.natives.incoming = b"last"
    assert subject.loop() == 4
    assert subject.instance.size() == PAGE
    assert subject.instance.load(PAGE - 4, 4) == b"last"


# logger


def logged(text: str, pointer: int) -> Tenant:
    subject = tenant(f"{call('logger', pointer)} i32.const 0", text)
    subject.loop()
    return subject


def test_a_line_ends_before_its_zero_byte() -> None:
    assert logged('(data (i32.const 8) "two words\\00more")', 8).natives.calls == [
        ("log", b"two words")
    ]


def test_an_empty_line_is_a_line() -> None:
    assert logged("", 8).natives.calls == [("log", b"")]


def test_bytes_of_a_line_are_passed_as_they_are() -> None:
    assert logged('(data (i32.const 0) "\\ff\\1b[31m\\0a\\00")', 0).natives.calls == [
        ("log", b"\xff\x1b[31m\n")
    ]


def test_a_line_whose_zero_is_the_last_byte_of_memory_is_logged() -> None:
    text = f'(data (i32.const {PAGE - 4}) "end\\00")'
    assert logged(text, PAGE - 4).natives.calls == [("log", b"end")]
    assert logged(text, PAGE - 1).natives.calls == [("log", b"")]


@pytest.mark.parametrize("length", [1, 4, 255, 256])
@pytest.mark.clause("TC-RT-15")
def test_a_line_that_runs_out_of_memory_is_a_trap(length: int) -> None:
    subject = tenant(
        f"{call('logger', PAGE - length)} i32.const 0",
        f'(data (i32.const {PAGE - length}) "{"x" * length}")',
    )
    assert subject.trap() == "native-pointer"
    assert subject.natives.calls == []


@pytest.mark.parametrize("pointer", [PAGE, PAGE + 1, -1, -(2**31), 2**31 - 1])
def test_a_line_that_begins_outside_of_memory_is_a_trap(pointer: int) -> None:
    subject = tenant(f"{call('logger', pointer)} i32.const 0")
    outcome = subject.run().outcome
    assert isinstance(outcome, Trapped)
    assert outcome.code == TrapCode.NATIVE_POINTER
    assert outcome.detail == "logger: the line begins outside of memory"
    assert subject.natives.calls == []


@pytest.mark.clause("TC-RT-15")
def test_of_an_endless_line_only_the_beginning_is_looked_at() -> None:
    fill = f"(memory.fill (i32.const 0) (i32.const 120) (i32.const {PAGE}))"
    subject = tenant(f"{fill} {call('logger', 0)} i32.const 0")
    subject.loop()
    [(name, line)] = subject.natives.calls
    assert name == "log"
    assert isinstance(line, bytes)
    assert 255 <= len(line) <= 256  # the device cuts at 255 and sees that there was more
    assert set(line) == {ord("x")}


# The container's own data


def test_the_size_of_the_data_section() -> None:
    assert tenant(call("data_size"), data=b"12345").loop() == 5
    assert tenant(call("data_size")).loop() == 0


@pytest.mark.parametrize(
    ("offset", "size", "expected"),
    [
        (0, 3, b"abc"),
        (2, 4, b"cdef"),
        (4, 9, b"ef"),
        (5, 0, b""),
        (6, 4, b""),
        (7, 4, b""),
        (-1, 4, b""),
        (-(2**31), 4, b""),
        (2**31 - 1, 4, b""),
    ],
)
@pytest.mark.clause("TC-CALL-16")
def test_data_read_copies_what_there_is(offset: int, size: int, expected: bytes) -> None:
    subject = tenant(call("data_read", offset, 8, size), data=b"abcdef")
    assert subject.loop() == len(expected)
    assert subject.instance.load(8, 10) == expected.ljust(10, b"\0")
    assert subject.natives.calls == [("data_read", offset & 0xFFFFFFFF, size)]


def test_data_read_needs_room_for_all_that_it_asks_for() -> None:
    subject = tenant(call("data_read", 0, PAGE - 2, 3), data=b"x")
    assert subject.trap() == "native-pointer"
    assert subject.natives.calls == []


def test_functions_are_looked_up_at_every_call() -> None:
    subject = tenant(call("heartbeat"))
    assert subject.loop() == 0
    subject.natives.answers["heartbeat"] = -1
    assert subject.loop() == -1
    subject.natives.heartbeat = lambda: 9  # type: ignore[method-assign]
    assert subject.loop() == 9
