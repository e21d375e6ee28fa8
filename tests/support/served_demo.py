"""The demo of the platform, served by this process, with somebody who listens to its platform."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.platform_demo import MOST_S, run_program
from tinycontainer.network.agent.ending import Ending
from tinycontainer.network.platform.assembly import Surroundings
from tinycontainer.network.platform.demo.searching import HeardRequests, contents_of, find_key
from tinycontainer.network.platform.demo.world import DemoFiles, DemoSetting, serve_demo
from tinycontainer_tokens import KeyMaterial
from tinycontainer_tokens.key_files import parse


@dataclass(frozen=True, slots=True)
class ServedDemo:
    """A demo that is served.

    Attributes:
        files: of it.
        heard: all that its platform is asked.
    """

    files: DemoFiles
    heard: HeardRequests

    def private_keys(self) -> dict[str, KeyMaterial]:
        """Those of all people and of all boxes, by their files."""
        folders = [each.folder for each in self.files.people.values()]
        return {
            str(path): parse(path.read_bytes())
            for folder in (*folders, self.files.yard.directory)
            for path in folder.rglob("*.pem")
        }

    def places_of(self, key: bytes, sent: list[bytes]) -> list[str]:
        """Where a key lies, in any form: in what was sent, what was heard, or what is kept.

        Args:
            key: raw.
            sent: what browsers have noted of their requests.
        """
        places = {
            "sent": sent,
            "heard": [bytes(self.heard.content)],
            "kept": [*contents_of(self.files.platform)],
        }
        return [place for place, contents in places.items() if find_key(key, contents)]


@contextmanager
def serving_demo(directory: Path) -> Iterator[ServedDemo]:
    """Serve a new demo in a thread, until the block is left.

    Args:
        directory: is there, and is empty.
    """
    heard, ready = HeardRequests(), Future[DemoFiles]()
    ending, loop = Ending(), asyncio.new_event_loop()
    setting = DemoSetting(directory, run_program, _tell_nobody, _tell_nobody, Surroundings())

    def serve() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                runner.run(serve_demo(setting, ending, ready.set_result, heard.wrap))
            except BaseException as error:
                if ready.done():
                    raise
                ready.set_exception(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield ServedDemo(ready.result(MOST_S), heard)
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(ending.ask)
        thread.join()


def _tell_nobody(_line: str) -> None:
    """Take a line, and show it to nobody."""
