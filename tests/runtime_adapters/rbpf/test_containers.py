"""rBPF containers: hooks, what they are given, what they keep, what their calls may touch."""

import pytest
from support.rbpf.assembling import LIMITS, UNLIMITED, assemble, hooks, rbf
from support.rbpf.tenant import Tenant
from support.worlds import KEYS, World, blueprint, times

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.errors import CreationError
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Completed, Hook, Preempted, TrapFrame
from tinycontainer.metadata import ContainerType
from tinycontainer.testing import RecordingNatives, RuntimeSamples, check_runtime
from tinycontainer.tools.packing.packing import pack
from tinycontainer.trace.events import Refused as RefusedCall
from tinycontainer_runtimes.rbpf import create_runtime
from tinycontainer_runtimes.rbpf.codes import RbpfCode
from tinycontainer_runtimes.rbpf.helpers import HELPERS
from tinycontainer_runtimes.rbpf.image import Image, write_image

LINE = "lddwr r1, 0\ncall logger\nmov r0, 77\nexit"
"""Logs what stands first in rodata."""
BUSY = """call data_size
lddwd r1, 0
ldxdw r2, [r1+0]
add r2, r0
stxdw [r1+0], r2
mov r3, 50
sub r3, 1
jne r3, 0, -2
mov r0, r2
exit"""
ENDLESS = "mov r0, 1\n" * 20 + "ja -21\nexit"


def test_the_adapter_keeps_the_runtime_interface() -> None:
    busy = f"{LINE}\n{BUSY}\n{LINE}"
    samples = RuntimeSamples(
        busy=rbf(busy, bytes(8), b"line\0", start=0, loop=5, stop=16),
        busy_returns=(12, 24, 36),
        endless=rbf(ENDLESS),
        trapping=rbf("ldxb r0, [r0+0]\nexit"),
        only_loop=rbf("exit"),
        inadmissible=(rbf("exit")[:-1], rbf("call 1\nexit"), rbf("mov r0, 1")),
    )
    check_runtime(create_runtime(), samples)


@pytest.mark.clause("TC-TOOL-14")
def test_the_memory_of_a_program_is_its_regions() -> None:
    code = rbf("exit", bytes(24), b"a line\0\0")
    assert Tenant(code).instance.size() == 512 + 24 + 8
    assert Tenant(code, bytes(100)).instance.size() == 512 + 24 + 8 + 100


# Hooks and results.


@pytest.mark.clause("TC-BPF-12")
def test_hooks_run_their_functions_and_only_the_loop_has_a_result() -> None:
    tenant = Tenant(hooks(stop="mov r0, 3\nexit", start="mov r0, 2\nexit", loop="mov r0, 1\nexit"))
    assert tenant.run(Hook.START) == Completed(0)
    assert tenant.run(Hook.LOOP) == Completed(1)
    assert tenant.run(Hook.STOP) == Completed(0)


@pytest.mark.clause("TC-BPF-12", "TC-RT-02")
def test_hooks_that_are_not_there_complete_at_once_and_cost_nothing() -> None:
    tenant = Tenant(rbf("mov r0, 1\nexit"))
    assert tenant.run(Hook.START) == tenant.run(Hook.STOP) == Completed(0)
    assert tenant.charged == 0


@pytest.mark.parametrize(
    ("r0", "value"),
    [
        (0, 0),
        (5, 5),
        (0x7FFFFFFF, (1 << 31) - 1),
        (0x80000000, -(1 << 31)),
        (0xFFFFFFFF, -1),
        (0x1_00000000, 0),
        (0xFFFFFFFF_00000002, 2),
    ],
)
@pytest.mark.clause("TC-BPF-13")
def test_the_result_is_the_low_half_of_r0_signed(r0: int, value: int) -> None:
    assert Tenant(rbf(f"lddw r0, 0x{r0:x}\nexit")).loop() == value


@pytest.mark.clause("TC-BPF-13")
def test_the_data_section_lies_behind_r1_and_is_read_only() -> None:
    assert Tenant(rbf("ldxb r0, [r1+2]\nadd r0, r2\nexit"), b"abc").loop() == ord("c") + 3
    assert Tenant(rbf("mov r0, r1\nexit"), b"abc").loop() == 0x30000000
    trapped = Tenant(rbf("stb [r1+0], 1\nexit"), b"abc").trap()
    assert trapped.code == "illegal-memory"
    assert trapped.detail == "-2 at instruction 0: 1 bytes at 0x30000000"


@pytest.mark.clause("TC-BPF-13")
def test_without_a_data_section_r1_and_r2_are_0_as_in_the_firmware() -> None:
    assert Tenant(rbf("mov r0, r1\nor r0, r2\nexit")).loop() == 0


@pytest.mark.clause("TC-BPF-11")
def test_stack_and_data_persist_between_hooks_registers_do_not() -> None:
    code = rbf(
        """lddwd r1, 0
        ldxb r3, [r1+0]
        add r3, 1
        stxb [r1+0], r3
        ldxb r4, [r10-1]
        add r4, 10
        stxb [r10-1], r4
        mov r0, r3
        add r0, r4
        add r0, r9
        mov r9, 100
        exit""",
        data=b"\x05",
    )
    tenant = Tenant(code)
    assert [tenant.loop() for _ in range(3)] == [16, 27, 38]
    assert Tenant(code).loop() == 16


def test_branches_count_anew_in_each_hook() -> None:
    tenant = Tenant(rbf("mov r3, 9000\nsub r3, 1\njne r3, 0, -2\nexit"))
    assert [tenant.loop(), tenant.loop()] == [0, 0]


@pytest.mark.clause("TC-RT-04")
def test_after_a_trap_the_next_hook_starts_clean() -> None:
    code = hooks(loop="mov r9, 1\ndiv r9, 0\nexit", stop="mov r0, r9\nldxb r0, [r0+0]\nexit")
    tenant = Tenant(code)
    assert tenant.trap().code == "illegal-division"
    assert tenant.trap(Hook.STOP).detail.endswith("1 bytes at 0x0")


def test_an_abort_drops_the_hook() -> None:
    tenant = Tenant(rbf(ENDLESS))
    tenant.instance.begin(Hook.LOOP)
    tenant.meter.refill(10)
    assert tenant.instance.resume() == Preempted()
    tenant.instance.abort()
    assert tenant.instance.resume() == Completed()


def test_an_endless_loop_ends_with_its_branches() -> None:
    assert Tenant(rbf("ja -1\nexit")).trap().code == "out-of-branches"


def test_instances_are_made_of_admitted_code_only() -> None:
    meter = Meter(lambda instructions: None)
    natives = RecordingNatives(meter)
    with pytest.raises(CreationError, match="-5, illegal-length"):
        create_runtime().create(b"rBPF", b"", natives, meter, LIMITS)


@pytest.mark.parametrize("budget", [1, 3, 101, UNLIMITED])
@pytest.mark.clause("TC-BPF-14")
def test_instructions_and_calls_are_charged_whatever_the_budget(budget: int) -> None:
    tenant = Tenant(rbf("call heartbeat\nlddw r3, 1\ncall data_size\nexit"))
    tenant.run(budget=budget)
    assert tenant.charged == 4 + 2 * 100


def test_a_call_is_made_once_however_often_its_turn_is_cut() -> None:
    tenant = Tenant(rbf("call heartbeat\nexit"))
    tenant.run(budget=1)
    assert tenant.natives.calls == [("heartbeat",)]


# Calls and their pointers.


def test_numbers_of_helpers_keep_clear_of_those_in_use() -> None:
    taken = {1, 2, *range(0x10, 0x14), 0x20, *range(0x30, 0x33), *range(0x40, 0x44)}
    taken |= {0x50, 0x51, 0x60, 0x61}
    assert not taken & set(HELPERS)


@pytest.mark.clause("TC-BPF-16")
def test_arguments_of_32_bits_are_the_low_halves() -> None:
    source = """lddw r1, 0xffffffff80000007
    call open
    lddw r1, 0xabcdffffffff
    call close
    exit"""
    tenant = Tenant(rbf(source))
    tenant.natives.answers = {"close": -1}
    assert tenant.loop() == -1
    assert tenant.natives.calls == [("open", 0x80000007), ("close", -1)]


@pytest.mark.clause("TC-BPF-15")
def test_a_negative_answer_fills_all_of_r0() -> None:
    tenant = Tenant(rbf("call heartbeat\nrsh r0, 40\nexit"))
    tenant.natives.answers = {"heartbeat": -1}
    assert tenant.loop() == 0xFFFFFF


def test_read_puts_bytes_where_the_pointer_says() -> None:
    source = "mov r1, 4\nlddwd r2, 1\nmov r3, 6\ncall read\nlddwd r2, 0\nldxw r0, [r2+0]\nexit"
    tenant = Tenant(rbf(source, bytes(8)))
    tenant.natives.incoming = b"\x01\x02"
    assert tenant.loop() == 0x00020100
    assert tenant.natives.calls == [("read", 4, 6)]


def test_write_takes_bytes_from_any_readable_region() -> None:
    source = (
        "mov r4, r1\nmov r1, 1\nmov r2, r4\nmov r3, 3\ncall write\nlddwr r2, 1\ncall write\nexit"
    )
    tenant = Tenant(rbf(source, rodata=b"rodata"), b"own")
    tenant.loop()
    assert tenant.natives.calls == [("write", 1, b"own"), ("write", 1, b"oda")]


def test_data_read_copies_from_the_data_section() -> None:
    source = "mov r1, 1\nlddwd r2, 0\nmov r3, 8\ncall data_read\nmov r4, r0\nldxb r0, [r2+0]\n"
    assert Tenant(rbf(f"{source}lsh r4, 8\nor r0, r4\nexit", bytes(8)), b"abc").loop() == 0x262


@pytest.mark.parametrize(
    ("base", "offset", "size", "fits"),
    [
        ("lddwd r2, 0", 0, 8, True),
        ("lddwd r2, 0", 7, 1, True),
        ("lddwd r2, 0", 8, 0, True),
        ("lddwd r2, 0", 0, 9, False),
        ("lddwd r2, 0", 8, 1, False),
        ("lddwd r2, 0", 9, 0, False),
        ("lddwd r2, 0", -1, 1, False),
        ("lddwd r2, 0", -1, 2, False),
        ("lddwd r2, 0", 0, 0xFFFFFFFF, False),
        ("mov r2, r10", -512, 512, True),
        ("mov r2, r10", -513, 1, False),
        ("mov r2, r10", -1, 2, False),
        ("mov r2, 0", 0, 1, False),
        ("mov r2, 0", 0, 0, False),
        ("mov r2, 0x60000000", 0, 0, False),
        ("mov r2, 0x10000000", 0, 0, False),
        ("lddw r2, 0x140000000", 0, 1, False),
        ("mov r2, -1", 0, 2, False),
    ],
)
@pytest.mark.parametrize("call", ["read", "write", "data_read"])
@pytest.mark.clause("TC-BPF-16")
def test_pointers_are_checked_against_the_regions(
    call: str, base: str, offset: int, size: int, fits: bool
) -> None:
    source = f"{base}\nadd r2, {offset}\nmov r1, 1\nlddw r3, {size}\ncall {call}\nexit"
    tenant = Tenant(rbf(source, bytes(8)), b"own data")
    if fits:
        tenant.loop()
        assert tenant.natives.calls
    else:
        assert tenant.trap().code == "illegal-memory"
        assert tenant.natives.calls == []


@pytest.mark.parametrize("call", ["read", "data_read"])
@pytest.mark.parametrize("base", ["lddwr r2, 0", "mov r2, r1"])
@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.clause("TC-BPF-16")
def test_nothing_is_put_into_read_only_regions(call: str, base: str, size: int) -> None:
    source = f"{base}\nmov r1, 1\nmov r3, {size}\ncall {call}\nexit"
    tenant = Tenant(rbf(source, rodata=b"rodata"), b"own data")
    assert tenant.trap().code == "illegal-memory"
    assert tenant.natives.calls == []


@pytest.mark.parametrize(
    ("rodata", "line"),
    [
        (b"a line\0more", b"a line"),
        (b"\0", b""),
        (b"x" * 300 + b"\0", b"x" * 256),
        (b"x" * 255 + b"\0", b"x" * 255),
        (b"x" * 256, b"x" * 256),
        (b"x" * 248, None),
    ],
)
@pytest.mark.clause("TC-BPF-17")
def test_a_line_ends_with_a_zero_byte_within_its_region(rodata: bytes, line: bytes | None) -> None:
    tenant = Tenant(rbf("lddwr r1, 0\ncall logger\nexit", rodata=rodata))
    if line is None:
        assert tenant.trap().detail.endswith("the line at 0x50000000 has no end")
    else:
        assert tenant.loop() == 0
        assert tenant.natives.calls == [("log", line)]


def test_a_line_outside_of_memory_is_a_trap() -> None:
    assert Tenant(rbf("call logger\nexit")).trap().code == "illegal-memory"


# On a device.


def on_a_device(code: bytes, allowed: int = 0, data: bytes = b"") -> World:
    world = World(foreign={ContainerType.BPF: create_runtime()})
    timing = times(period=10, loop=500)
    plan = blueprint("box", kind=ContainerType.BPF, mask=allowed, security=timing)
    world.device.load(pack(plan, code, data, KEYS).encode())
    world.device.start("box")
    world.device.run(for_ms=100)
    return world


@pytest.mark.clause("TC-BPF-15")
def test_a_masked_helper_gives_minus_1_and_is_noted() -> None:
    world = on_a_device(rbf("call heartbeat\nadd r0, 1\nexit"))
    assert world.device["box"].state is State.RUNNING
    assert {(each.call, each.reason) for each in world.of(RefusedCall, "box")} == {
        ("heartbeat", "masked")
    }


def test_an_allowed_helper_does_what_it_should() -> None:
    world = on_a_device(rbf("call heartbeat\nexit"), allowed=1)
    assert world.device["box"].state is State.RUNNING
    assert world.of(RefusedCall, "box") == []


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("mov r0, 0\nldxb r1, [r0+0]\nexit", RbpfCode.ILLEGAL_MEMORY),
        ("ja -1\nexit", RbpfCode.OUT_OF_BRANCHES),
        ("mov r0, 0\ndiv r0, r0\nexit", RbpfCode.ILLEGAL_DIVISION),
    ],
)
@pytest.mark.clause("TC-BPF-07", "TC-BPF-09")
def test_a_fault_ends_the_container_with_its_code_for_good(source: str, code: RbpfCode) -> None:
    world = on_a_device(rbf(source))
    ended = world.exit_of("box")
    assert (ended.reason, ended.hook) == (ExitReason.TRAP, Hook.LOOP)
    assert ended.detail.startswith(f"{code.word}: {int(code)} at instruction ")
    assert world.device["box"].loops == 0
    assert world.device["box"].state is State.READY


@pytest.mark.parametrize(
    ("hook", "number", "slot"), [(Hook.START, 1, 6), (Hook.LOOP, 2, 2), (Hook.STOP, 0, 4)]
)
@pytest.mark.clause("TC-BPF-18")
def test_a_fault_is_at_an_instruction_of_the_file_in_a_function_of_its_table(
    hook: Hook, number: int, slot: int
) -> None:
    image = Image(
        data=bytes(16),
        rodata=b"",
        text=assemble("lddw r0, 5\nldxb r0, [r0+0]\nexit\ndiv r0, r1\nexit\nstb [r2+0], 1\nexit"),
        functions={"stop": 4 * 8, "start": 6 * 8, "loop": 0},
    )
    code = write_image(image)
    subject = Tenant(code)
    frame = TrapFrame(number, code.index(image.text) + 8 * slot)
    assert subject.trap(hook).frames == subject.trap(hook).frames == (frame,)


@pytest.mark.clause("TC-BPF-18")
def test_a_loop_that_is_not_in_the_table_is_function_0() -> None:
    code = rbf("mov r1, 1\nldxb r0, [r1+0]\nexit")
    text = code.index(assemble("mov r1, 1"))
    assert Tenant(code).trap().frames == (TrapFrame(0, text + 8),)
    ended = on_a_device(code).exit_of("box")
    assert str(ended).endswith(f" at function 0, offset {text + 8:#x}")


@pytest.mark.clause("TC-BPF-18")
def test_what_a_helper_refuses_is_at_the_call() -> None:
    code = rbf("mov r6, 0\nmov r1, 0\nmov r2, 0\nmov r3, 4\ncall write\nexit")
    assert Tenant(code).trap().frames[0].offset == code.index(assemble("mov r6, 0")) + 8 * 4


def test_a_non_zero_result_ends_the_container() -> None:
    ended = on_a_device(rbf("ldxb r0, [r1+0]\nexit"), data=b"\x07").exit_of("box")
    assert (ended.reason, ended.value) == (ExitReason.RETURNED, 7)
