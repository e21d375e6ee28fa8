"""Rules on form and sizes: each fires where it should, and nowhere else."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.audits import (
    DESK,
    LIMITED,
    calls,
    findings,
    ids,
    judged,
    mask,
    message,
    plan,
    read,
    subject,
)
from support.wasm import modules as wasm
from support.worlds import KEYS, local, piped

from tinycontainer.device.containers.limits import BOARDS, Capacity
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.metadata import ContainerType, Direction, decode, encode
from tinycontainer.tools.firmware.c_layout import Layout
from tinycontainer.tools.lint import Host
from tinycontainer.tools.packing.packing import pack
from tinycontainer_tokens import Profile

RIOT = Host("board riot-2024", capacity=BOARDS["riot-2024"])
NO_HOOKS = wasm.loop("i32.const 0")


def sized(**capacity: int) -> Host:
    return Host("device.toml", capacity=replace(Capacity(), **capacity))  # type: ignore[arg-type]


def test_sections_are_put_into_a_slot_of_the_device() -> None:
    code = calls()
    found = subject(plan(), code, b"x" * 101)
    small = sized(metadata_bytes=100, code_bytes=8, data_bytes=100)
    assert [
        (each.place, each.message)
        for each in findings(found, host=small)
        if each.rule.id == "TCL301"
    ] == [
        ("metadata", f"metadata of {len(found.metadata.raw)} bytes; 100 fit (device.toml)"),
        ("code", f"code of {len(code)} bytes; 8 fit (device.toml)"),
        ("data", "data of 101 bytes; 100 fit (device.toml)"),
    ]
    exact = sized(metadata_bytes=len(found.metadata.raw), code_bytes=len(code), data_bytes=101)
    assert "TCL301" not in ids(found, host=exact)


def test_code_and_data_share_what_the_firmwares_board_has() -> None:
    code = calls()
    room = 1024 - (len(code) + 3) // 4 * 4
    small = plan(profile=Profile.RIOT_2024)
    fits, beyond = (subject(small, code, bytes(room + more), host=RIOT) for more in (0, 1))
    assert "TCL301" not in ids(fits, host=RIOT)
    assert message("TCL301", beyond, host=RIOT).startswith(f"data of {room + 1} bytes; {room} fit")


def test_slots_are_counted_once_for_each_uid() -> None:
    four = [subject(plan(uid), b"") for uid in "abcd"]
    assert message("TCL302", *four, host=RIOT) == "4 containers; 3 slots (board riot-2024)"
    assert "TCL302" not in ids(*four[:3], four[0], host=RIOT)


def test_a_bundle_whose_metadata_is_too_long_is_nobodys_peer() -> None:
    many = tuple(local(number) for number in range(1, 200))
    packed = pack(plan("peer", endpoints=many), b"", b"", KEYS)
    large = judged(decode(packed.metadata, 1 << 16), None)
    assert len(large.metadata.raw) > DESK.capacity.metadata_bytes
    one_end = subject(plan("box", endpoints=(piped(5, "peer", 1, Direction.OUT),)), b"")
    assert ids(large) == ["TCL301"]
    assert "TCL213" in ids(one_end, large)  # as if it were not there
    assert "TCL607" not in ids(large, subject(plan("peer"), b""))
    three = [subject(plan(uid), b"") for uid in "abc"]
    assert "TCL302" not in ids(large, *three, host=RIOT)


def test_memory_is_held_against_the_device_and_is_told_once() -> None:
    made = subject(plan(), wasm.loop("i32.const 0", memory="2"))
    assert message("TCL303", made) == "begins with 2 pages of 64 KiB; 1 are allowed (board default)"
    assert "TCL604" not in ids(made)
    roomy = Host("device.toml", capacity=Capacity(runtime=RuntimeLimits(memory_pages=2)))
    assert ids(subject(plan(), wasm.loop("i32.const 0", memory="2"), host=roomy), host=roomy) == []


@pytest.mark.parametrize(
    "code",
    [
        wasm.build({wasm.MEMORY: None}),
        wasm.build({wasm.CODE: wasm.vector(wasm.body(b"\x42\0"))}),
        b"\0asm",
    ],
    ids=["no memory", "ill-typed", "cut short"],
)
def test_code_that_is_not_admitted_is_an_error_with_the_reason(code: bytes) -> None:
    made = subject(plan(allows=mask("heartbeat")), code)
    (finding,) = findings(made)
    assert finding.rule.id == "TCL604"
    assert len(finding.message) > 10


def test_code_that_is_not_at_hand_or_of_another_type_is_not_analysed() -> None:
    assert message("TCL605", subject(plan(), b"")) == "the code section is not at hand"
    other = subject(plan(kind=ContainerType.PYTHON), b"print()")
    assert message("TCL605", other) == "no analyser for type python is installed"
    assert ids(subject(plan())) == []


def test_what_the_firmware_would_not_take_is_told_under_its_profile() -> None:
    made = subject(plan(priority=3, profile=Profile.RIOT_2024), b"")
    assert message("TCL601", made) == "container.priority (key 8) is unknown to riot-2024"
    good = subject(plan(profile=Profile.RIOT_2024), b"")
    assert "TCL601" not in ids(good)
    assert "TCL601" not in ids(subject(plan(priority=3)))


def test_an_endpoint_id_beyond_the_firmwares_is_told_once() -> None:
    made = subject(plan(endpoints=(local(200), local(201)), profile=Profile.RIOT_2024), b"")
    assert ids(made).count("TCL208") == 2
    assert "TCL601" not in ids(made)


def test_the_type_is_held_against_the_payload() -> None:
    made = subject(plan(kind=ContainerType.BPF), calls())
    assert message("TCL602", made) == "type 3 (bpf); the code begins like wasm"
    assert "TCL602" in ids(subject(plan(), b"rBPF" + bytes(24)))
    assert "TCL602" not in ids(subject(plan(kind=ContainerType.BPF), b"rBPF" + bytes(24)))


def test_the_type_is_held_against_the_file_beside_it() -> None:
    made = subject(plan(), b"")
    layout = Layout(Path("box"), "rbpf")
    wrong = replace(made, artefact=replace(made.artefact, layout=layout))
    assert message("TCL603", wrong) == "type 4 (wasm); RUNTIME says rbpf"
    right = replace(made, artefact=replace(made.artefact, layout=Layout(Path("box"), "wamr")))
    assert "TCL603" not in ids(right)


def test_the_firmware_calls_all_three_hooks() -> None:
    made = subject(plan(profile=Profile.RIOT_2024), NO_HOOKS)
    messages = [each.message for each in findings(made) if each.rule.id == "TCL606"]
    assert messages == [
        "start is not exported; the firmware calls it",
        "stop is not exported; the firmware calls it",
    ]
    assert "TCL606" not in ids(subject(plan(profile=Profile.RIOT_2024), calls()))
    assert "TCL606" not in ids(subject(plan(), NO_HOOKS))


def test_a_uid_stands_once() -> None:
    one, two = subject(plan("a")), subject(plan("a"))
    (finding,) = findings(one, two)
    assert (finding.rule.id, finding.subject) == ("TCL607", 1)
    assert finding.message == "box.tcb has the uid a too"


def test_a_device_needs_a_runtime_for_the_type() -> None:
    host = Host("device.toml", types=frozenset({ContainerType.WASM}))
    made = subject(plan(kind=ContainerType.JAVASCRIPT), b"")
    assert message("TCL608", made, host=host) == "type 6 (javascript); there are: wasm"
    assert "TCL608" not in ids(subject(plan()), host=host)
    assert "TCL608" not in ids(made)


def test_data_that_is_never_read_is_a_note() -> None:
    assert ids(subject(plan(), calls(), b"four")) == ["TCL609"]
    assert "TCL609" not in ids(subject(plan(), calls("data_read"), b"four"))
    assert "TCL609" not in ids(subject(plan(), calls()))


def test_listed_bundles_that_are_not_there_are_a_note() -> None:
    host = replace(DESK, missing=("a.tcb", "b\x1b.tcb"))
    messages = [each.message for each in findings(host=host)]
    assert messages == ["a.tcb is not there", "b\\x1b.tcb is not there"]


@pytest.mark.parametrize("uid", [b"a b", b"a\n", b"\xff", "\u202e".encode(), b"\x00"])
def test_a_uid_that_can_be_mistaken_is_found(uid: bytes) -> None:
    made = plan()
    made = replace(made, container=replace(made.container, uid=uid))
    found = ids(read(pack(made, calls(), b"", KEYS)))
    assert found == ["TCL611"]


def test_findings_stand_in_one_order_whatever_happens() -> None:
    metadata = decode(pack(plan("z", allows=0xFF, priority=0), b"", b"", KEYS).metadata)
    everything = [judged(metadata, None, None, name=name) for name in ("b", "a")]
    found = findings(*everything, host=sized(slots=1, metadata_bytes=10))
    keys = [(-1 if each.subject is None else each.subject, each.rule.id) for each in found]
    assert keys == sorted(keys)
    assert found == findings(*everything, host=sized(slots=1, metadata_bytes=10))


def test_durations_of_the_tests_are_ones_with_which_nothing_is_wrong() -> None:
    made = plan(security=LIMITED, endpoints=(local(1, 1, Direction.OUT),))
    assert ids(subject(replace(made, endpoints=()))) == []


def test_what_no_device_holds_is_not_looked_into() -> None:
    ends = tuple(local(number, number, Direction.OUT) for number in range(20_000))
    raw = encode(plan().container, ends, None)
    with wasm.within(10):
        large = judged(decode(raw, len(raw)), calls(), b"")
        assert ids(large, subject(plan("b"))) == ["TCL301"]
        long_code = wasm.build({wasm.CODE: wasm.vector(wasm.body(b"\x01\x41\0\x1a" * 900_000))})
        found = subject(plan(), long_code)
        assert ids(found) == ["TCL301", "TCL605"]
    assert message("TCL605", found).endswith("bytes of code; up to 65536 are looked at")
