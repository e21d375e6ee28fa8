"""What does a message from container to container cost? A bare queue, and a pipe; by length."""

import pytest
from support.measuring.measuring import Measure
from support.scripted import Program, Steps
from support.worlds import World, blueprint
from support.worlds import piped as end_of_pipe

from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import Direction

TIMES = 100


def ends() -> tuple[Natives, Natives]:
    """The natives of two containers with a pipe between them, open on both sides as 1 and 2."""
    caught: dict[str, Natives] = {}

    def hooks(uid: str) -> Program:
        def start(natives: Natives) -> Steps:
            caught[uid] = natives
            natives.open(1)
            yield 1
            return 0

        def loop(_natives: Natives) -> Steps:
            yield 1
            return 0

        return Program(loop=loop, start=start)

    world = World(bare=True, silent=True)
    plans = [
        blueprint("writer", endpoints=(end_of_pipe(1, "reader", 1, Direction.IN),)),
        blueprint("reader", endpoints=(end_of_pipe(1, "writer", 1, Direction.OUT),)),
    ]
    for plan in plans:
        world.add(plan, hooks(plan.container.uid.decode()))
    for plan in plans:
        world.device.start(plan.container.uid)
    world.device.run(for_ms=1)
    return caught["writer"], caught["reader"]


@pytest.mark.parametrize("size", [1, 16, 64, 255])
def test_pipe_against_bare_queue(measure: Measure, size: int) -> None:
    writer, reader = ends()
    queue, message = bytearray(), bytes(size)

    def bare() -> bytes:
        for _ in range(TIMES):
            queue.extend(message)
            received = bytes(queue[:255])
            del queue[:255]
        return received

    def piped() -> object:
        for _ in range(TIMES):
            writer.write(1, message)
            received = reader.read(2, 255)
        return received

    assert bare() == message
    against = {"bare queue": bare}
    received = measure(
        "pipes", f"{size} bytes", "pipe", piped, against=against, per=TIMES, message_bytes=size
    )
    assert received == message
