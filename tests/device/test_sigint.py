"""Real interrupts: SIGINT at any moment of a device's work, on every engine (ADR 21)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from support.interrupting import KINDS

TESTS = Path(__file__).parents[1]

WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
from support.interrupting import TheDay, make_runtime

def work(day):
    for _, call in day.calls:
        call()

engine, rounds = sys.argv[2], int(sys.argv[3])
runtime = make_runtime(engine)
work(TheDay(engine, runtime))
for _ in range(rounds):
    day = None
    try:
        print("working", flush=True)
        while True:
            day = TheDay(engine, runtime)
            work(day)
    except KeyboardInterrupt:
        pass
    if day is not None:
        day.check_sound()
        day.check_it_answers()
    print("sound", flush=True)
"""


def interrupt_worker(engine: str, interrupts: int) -> None:
    """Send SIGINT to a process that works, at random moments; each has to be answered once."""
    random = Random(f"{engine} {interrupts}")
    arguments = [sys.executable, "-X", "faulthandler", "-c", WORKER, str(TESTS), engine]
    with subprocess.Popen(
        [*arguments, str(interrupts)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as worker:
        assert worker.stdout is not None
        assert worker.stderr is not None
        for _ in range(interrupts):
            line = worker.stdout.readline()
            if line != "working\n":
                break
            time.sleep(random.uniform(0, 0.1))  # anywhere in a day, which takes about as long
            worker.send_signal(signal.SIGINT)
            line = worker.stdout.readline()
            if line != "sound\n":
                break
        problems = worker.stderr.read()
        assert (worker.wait(), problems) == (0, "")


@pytest.mark.clause("TC-LIFE-24")
@pytest.mark.parametrize("engine", KINDS)
@pytest.mark.parametrize(
    "interrupts", [pytest.param(5, id="some"), pytest.param(100, id="many", marks=pytest.mark.long)]
)
def test_sigint_is_answered_once_and_leaves_a_sound_device(engine: str, interrupts: int) -> None:
    interrupt_worker(engine, interrupts)
