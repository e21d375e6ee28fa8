"""Rules on rights: each fires where it should, and nowhere else."""

import pytest
from support import audits
from support.audits import calls, ids, mask, message, plan, subject, unsigned
from support.rbpf import assembling as rbpf
from support.wasm import modules as wasm
from support.worlds import local

from tinycontainer.device.containers.verification import Trust
from tinycontainer.metadata import ContainerType, Direction
from tinycontainer.tools.lint import AuditSubject, Host, Severity
from tinycontainer_tokens import Profile

DISPLAY = local(1, 10, Direction.IN)


def writer(allows: int, code: bytes | None = None) -> AuditSubject:
    """A container that opens and writes a display."""
    made = plan(allows=allows, endpoints=(DISPLAY,))
    return subject(made, calls("write", opens=[1]) if code is None else code)


def test_a_container_that_asks_for_what_it_uses_is_found_good() -> None:
    assert ids(writer(mask("open", "write"))) == []


def test_a_call_without_its_right_is_an_error() -> None:
    (finding,) = audits.findings(writer(mask("open")))
    assert (finding.rule.id, finding.severity) == ("TCL101", Severity.ERROR)
    assert finding.message == "the code calls write, which the mask does not allow"


def test_a_right_without_its_call_is_too_broad() -> None:
    found = writer(mask("open", "write", "close", "heartbeat"))
    assert ids(found) == ["TCL102"]
    assert message("TCL102", found) == "allows heartbeat, close, which the code never calls"


def test_a_right_that_only_a_table_can_use_is_used() -> None:
    text = "(table 1 funcref) (elem (i32.const 0) $heartbeat)"
    code = wasm.loop("i32.const 0", text, uses=("heartbeat",))
    assert ids(subject(plan(allows=mask("heartbeat")), code)) == ["TCL107"]


def test_bits_that_allow_no_call_are_named() -> None:
    found = subject(plan(allows=mask("heartbeat") | 0xE0), calls("heartbeat"))
    assert message("TCL103", found) == "the mask 0xe1 has bits that allow no call: 5, 6, 7"


@pytest.mark.parametrize(("allows", "fires"), [(0b11111, True), (0b01111, False)])
def test_all_five_calls_need_code_that_shows_why(allows: int, fires: bool) -> None:
    found = subject(plan(allows=allows, endpoints=(local(1, 10),)), b"")
    assert ids(found) == (["TCL104"] if fires else []) + ["TCL605"]


def test_all_five_calls_are_fine_where_all_are_made() -> None:
    code = calls("heartbeat", "close", "read", "write", opens=[1])
    assert ids(subject(plan(allows=0b11111, endpoints=(local(1, 10),)), code)) == ["TCL107"]


def test_open_without_any_endpoint_is_too_broad() -> None:
    found = subject(plan(allows=mask("open", "read")), calls("open", "read"))
    assert "TCL105" in ids(found)
    assert message("TCL105", found) == "allows open, read; 0 endpoints declared"
    assert "TCL105" not in ids(writer(mask("open", "write")))


def test_calls_on_descriptors_need_open() -> None:
    found = writer(mask("write", "close"))
    assert message("TCL106", found) == "allows close, write, but not open"
    assert "TCL106" not in ids(subject(plan(allows=mask("heartbeat")), calls("heartbeat")))


@pytest.mark.parametrize("native", ["heartbeat", "data_size", "data_read"])
def test_natives_that_the_firmware_lacks_are_a_note_and_under_its_profile_an_error(
    native: str,
) -> None:
    found = subject(plan(allows=mask("heartbeat") * (native == "heartbeat")), calls(native))
    (finding,) = audits.findings(found)
    assert (finding.rule.id, finding.severity) == ("TCL107", Severity.NOTE)
    assert f"env.{native}" in finding.message
    under = {each.rule.id: each for each in audits.findings(found, profile=Profile.RIOT_2024)}
    assert under["TCL107"].severity is Severity.ERROR


def test_a_native_that_is_imported_and_never_called_still_has_to_be_linked() -> None:
    code = wasm.loop("i32.const 0", "", uses=("heartbeat",))
    assert ids(subject(plan(), code)) == ["TCL107"]
    assert ids(subject(plan(), calls("logger"))) == []


def test_before_the_mask_is_signed_its_smallest_form_is_told() -> None:
    found = unsigned(plan(endpoints=(DISPLAY,)), calls("write", opens=[1]))
    assert message("TCL108", found) == "the code calls open, write: mask 0x12"
    assert "TCL101" not in ids(found)


def test_a_device_that_forgives_absent_tokens_gives_its_own_mask() -> None:
    trust = Trust(allow_unsigned=True, unsigned_mask=mask("open"))
    found = unsigned(plan(endpoints=(DISPLAY,)), calls("write", opens=[1]))
    assert ids(found, host=Host("desk", trust=trust)) == ["TCL511", "TCL101"]


def test_on_the_firmware_rbpf_has_no_calls_and_no_hook_but_its_loop() -> None:
    made = plan(kind=ContainerType.BPF, allows=mask("open"), endpoints=(DISPLAY,))
    found = subject(made, rbpf.rbf("mov r1, 1\ncall open\nexit"), b"data")
    assert message("TCL107", found) == "imports open, which the firmware does not offer"
    assert not {"TCL606", "TCL609"} & set(ids(found, profile=Profile.RIOT_2024))
