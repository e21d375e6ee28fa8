"""An operator's interrupt at any line: every change is whole, and the device answers (ADR 21)."""

from contextlib import suppress
from random import Random
from typing import Any

import pytest
from support.drivers import raising
from support.interrupting import KINDS, LineCounter, TheDay, make_runtime

from tinycontainer.interfaces.runtime import Runtime

engines = pytest.mark.parametrize("engine", KINDS)


def counts(some: int, many: int) -> pytest.MarkDecorator:
    """How many interrupts each engine gets; 5,000 are the requirement, for all together."""
    long = pytest.param(many, id="many", marks=pytest.mark.long)
    return pytest.mark.parametrize("interrupts", [pytest.param(some, id="some"), long])


def lines_of_calls(engine: str, runtime: Runtime) -> list[int]:
    """How many lines each call of the day executes."""
    day = TheDay(engine, runtime)
    lines = []
    for _, call in day.calls:
        counter = LineCounter()
        with counter.counting():
            call()
        lines.append(counter.lines)
    day.check_it_answers()
    return lines


def interrupt_day(
    engine: str, runtime: Runtime, number: int, line: int, recovery_line: int | None = None
) -> None:
    """Interrupt one call of a day at a line, look at the device, and let it go on.

    With a second line, what the call has left is not completed at once, but by the next look at the
    device, which is itself interrupted.
    """
    day = TheDay(engine, runtime)
    for _, call in day.calls[:number]:
        call()
    counter = LineCounter(line)
    name, call = day.calls[number]
    management: Any = day.device._managing
    recover = management._recover
    if recovery_line is not None:
        management._recover = raising(KeyboardInterrupt())
    try:
        with pytest.raises(KeyboardInterrupt), counter.counting():
            call()
        management._recover = recover
        if recovery_line is not None:
            counter = LineCounter(recovery_line)
            with suppress(KeyboardInterrupt), counter.counting():
                len(day.device)
        day.check_sound()
        day.check_it_answers()
    except BaseException as error:
        lines = f"{line}, {recovery_line}"
        error.add_note(f"{engine}: {name}, interrupted at {lines}, {counter.place}")
        raise


@pytest.mark.clause("TC-LIFE-24")
@engines
@counts(34, 1667)
def test_a_change_that_is_interrupted_at_any_line_is_whole_or_not_begun(
    engine: str, interrupts: int
) -> None:
    runtime = make_runtime(engine)
    lines_of_calls(engine, runtime)  # what is imported or kept when it is first used
    lines = lines_of_calls(engine, runtime)
    random = Random(f"{engine} {interrupts}")
    for _ in range(interrupts):
        number = random.randrange(len(lines))
        interrupt_day(engine, runtime, number, random.randint(1, lines[number]))


@engines
@counts(12, 300)
def test_what_an_interrupt_has_left_is_completed_even_if_that_is_interrupted(
    engine: str, interrupts: int
) -> None:
    runtime = make_runtime(engine)
    lines_of_calls(engine, runtime)
    lines = lines_of_calls(engine, runtime)
    random = Random(f"{engine} {interrupts} twice")
    for _ in range(interrupts):
        number = random.randrange(len(lines))
        line = random.randint(1, lines[number])
        interrupt_day(engine, runtime, number, line, recovery_line=random.randint(1, 600))
