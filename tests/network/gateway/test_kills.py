"""Gateway and devices are killed in the middle of their work: each job is done once, and kept."""

import os
import random
import signal
import threading
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateways import Gateway, wait_until
from support.project import Program
from support.yards import Yard, make_yard, wait_for

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
BOX = "tc/c/626f78"
DEVICES = ("one", "two")
GATEWAY = "gateway"


class Busy:
    """A yard at work, whose processes are killed and begun again.

    Attributes:
        yard: its files.
        gateway: the running one.
        acknowledged: ids of jobs that the gateway has acknowledged.
        seen: ids of jobs that were looked at.
        newest: number of the newest event that was looked at, by device.
    """

    def __init__(self, yard: Yard) -> None:
        self.yard = yard
        self.acknowledged: set[str] = set()
        self.seen: set[str] = set()
        self.newest = dict.fromkeys(DEVICES, 0)
        self._running: dict[str, tuple[AbstractContextManager[Any], Any]] = {}
        for name in (GATEWAY, *DEVICES):
            self.begin(name)

    @property
    def gateway(self) -> Gateway:
        found: Gateway = self._running[GATEWAY][1]
        return found

    def begin(self, name: str) -> None:
        """Begin a process that does not run."""
        process = self.yard.gateway() if name == GATEWAY else self.yard.device(name)
        self._running[name] = process, process.__enter__()

    def kill_later(self, name: str, after_s: float) -> threading.Timer:
        """Kill a process after a while."""
        number = self._running[name][1].process.pid
        timer = threading.Timer(after_s, os.kill, (number, signal.SIGKILL))
        timer.start()
        return timer

    def end(self, name: str) -> None:
        """Wait for the end of a process that was killed."""
        process, running = self._running.pop(name)
        running.process.wait(timeout=30)
        process.__exit__(None, None, None)

    def end_all(self) -> None:
        """Kill everything."""
        for name in [*self._running]:
            self._running[name][1].process.kill()
            self.end(name)

    def ask_for_job(self, device: str, metadata: bytes) -> None:
        """Have a device reconfigured by a job; it may not be acknowledged."""
        headers = {"Prefer": "respond-async", "Content-Type": "application/cbor"}
        path = f"/devices/{device}/{BOX}/m"
        try:
            answer = self.gateway.ask("PUT", path, content=metadata, headers=headers)
        except httpx.TransportError:
            return
        assert answer.status_code in (202, 503), answer.text
        if answer.status_code == 202:
            self.acknowledged.add(answer.json()["id"])

    def jobs_of(self, device: str) -> list[dict[str, Any]]:
        """The jobs of a device that were not looked at yet."""
        found: list[dict[str, Any]] = self.gateway.ask("GET", f"/devices/{device}/jobs").json()
        return [job for job in found if job["id"] not in self.seen]

    def reconfigurations(self, device: str) -> int:
        """How often a device was reconfigured since this was asked last."""
        count = 0
        while True:
            since = self.newest[device]
            page = self.gateway.ask("GET", f"/devices/{device}/tc/e?since={since}").json()
            if not page["events"]:
                return count
            count += sum(each["event"]["event"] == "reconfigured" for each in page["events"])
            self.newest[device] = page["events"][-1]["number"]


def check_truth(busy: Busy) -> None:
    """Each job has been carried out once, and none that was acknowledged is missing."""
    for device in DEVICES:
        wait_for(busy.gateway, device)
        wait_until(
            lambda device=device: all(  # type: ignore[misc]
                job["state"] not in ("queued", "sending") for job in busy.jobs_of(device)
            )
        )
    known: set[str] = set()
    for device in DEVICES:
        jobs = busy.jobs_of(device)
        assert {(job["state"], job["code"]) for job in jobs} <= {("done", "2.04")}
        assert busy.reconfigurations(device) == len(jobs)
        known |= {job["id"] for job in jobs}
    busy.seen |= known
    assert busy.acknowledged <= busy.seen


@pytest.mark.clause("TC-GW-48")
@pytest.mark.parametrize(
    "kills", [pytest.param(6, id="some"), pytest.param(200, id="many", marks=pytest.mark.long)]
)
def test_each_job_is_done_once_whoever_is_killed(
    tmp_path: Path, program: Program, kills: int
) -> None:
    draws = random.Random(kills)
    yard = make_yard(tmp_path, program, DEVICES)
    headers = {"Content-Type": "application/octet-stream"}
    with ExitStack() as held:
        busy = Busy(yard)
        held.callback(busy.end_all)
        for device in DEVICES:
            wait_for(busy.gateway, device)
            path = f"/devices/{device}/{BOX}"
            loaded = busy.gateway.ask("PUT", path, content=yard.bundle, headers=headers)
            assert loaded.status_code == 201
        metadata = busy.gateway.ask("GET", f"/devices/one/{BOX}/m").content
        check_truth(busy)
        for _ in range(kills):
            victim = draws.choice([GATEWAY, *DEVICES])
            timer = busy.kill_later(victim, draws.uniform(0.02, 0.4))
            while timer.is_alive():
                busy.ask_for_job(draws.choice(DEVICES), metadata)
            timer.join()
            busy.end(victim)
            busy.begin(victim)
            check_truth(busy)
        assert len(busy.acknowledged) > kills
