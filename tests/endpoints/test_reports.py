"""The example's compliance container reports to a resource on another machine."""

import re
from pathlib import Path

import pytest
from support.project import Program
from support.remote_resource import remote_resource

from tinycontainer import Device, WallClock
from tinycontainer.trace.events import Refused

pytest.importorskip("aiocoap")


@pytest.mark.clause("TC-END-14")
def test_an_alarm_is_reported_and_nobody_else_can_report(tmp_path: Path, program: Program) -> None:
    box = tmp_path / "box"
    program.good("demo", "--keep", box)
    (box / "recordings" / "temperature.csv").write_text("time_ms,temperature_mK\n0,400000\n")
    file = box / "device.toml"
    with remote_resource() as resource:
        # Without the model the container watches ranges, and so alarms at once.
        text = file.read_text().replace('driver = "tinyml"', 'driver = "buffer"')
        text = text.replace("{ required = false }", "{}")
        text = text.replace("loop_max_ms = 100", "loop_max_ms = 10000")
        assert "coap://[::1]:5690/reports" in text
        file.write_text(text.replace("coap://[::1]:5690/reports", resource.uri))
        for uid in ("compliance", "intruder-10"):
            give_time(box, uid, program)
        refusals: list[Refused] = []
        device = Device.from_file(
            file,
            clock=WallClock(),
            sinks=[lambda event: refusals.append(event) if isinstance(event, Refused) else None],
        )
        for uid in ("compliance", "intruder-10"):
            device.load((box / f"{uid}.tcb").read_bytes())
            device.start(uid)
        for _ in range(100):
            device.run(for_ms=100)
            if resource.received and refusals:
                break
        device.close()
    assert resource.received == [b"ALARM: temperature"]
    found = [(each.call, each.reason) for each in refusals if each.uid == b"intruder-10"]
    assert found[:1] == [("open", "not-served")]


def give_time(box: Path, uid: str, program: Program) -> None:
    """Pack a container anew with durations that a busy machine keeps."""
    source = "compliance/container.toml" if uid == "compliance" else "intruder/attack-10.toml"
    manifest = box / source
    text = re.sub(r"(max_duration_ms) = \d+", r"\1 = 10000", manifest.read_text())
    manifest.write_text(text.replace("loop_period_ms = 1000", "loop_period_ms = 10000"))
    program.good("pack", manifest, "--keys", box / "keys", "-o", box / f"{uid}.tcb", "--force")
