"""Drives a Chromium without a window over the DevTools protocol, on a pipe: no port, no driver."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--remote-debugging-pipe", "--window-size=1280,900",
)  # fmt: skip
_DEADLINE_S = 30.0


class Browser:
    """One page of a browser.

    Attributes:
        requested: the addresses that it has asked for.
    """

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = os.fdopen(commands, "wb", buffering=0)
        self._answers = os.fdopen(answers, "rb")
        self._number = 0
        self._session: str | None = None
        self.requested: list[str] = []

    def begin(self) -> None:
        """Make the page."""
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        attached = self.do("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.do(f"{domain}.enable")

    def close(self) -> None:
        """Close the pipes."""
        self._commands.close()
        self._answers.close()

    def do(self, method: str, **parameters: object) -> Any:
        """Give a command, and wait for its answer."""
        self._number += 1
        command: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        self._commands.write(json.dumps(command).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            if answer.get("method") == "Network.requestWillBeSent":
                self.requested.append(answer["params"]["request"]["url"])
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self) -> Any:
        parts = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser has ended"
            parts += byte
        return json.loads(parts)

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Wait until an expression is true, and return its value.

        Raises:
            TimeoutError: it does not become true.
        """
        deadline = time.monotonic() + _DEADLINE_S
        while time.monotonic() < deadline:
            if value := self.ask(expression):
                return value
            time.sleep(0.05)
        raise TimeoutError(expression)

    def open(self, address: str) -> None:
        """Go to an address, and wait until the page is there."""
        self.do("Page.navigate", url=address)
        self.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'")


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser with an empty profile, until the block is left."""
    assert CHROMIUM is not None
    read_commands, write_commands = os.pipe()
    read_answers, write_answers = os.pipe()
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        browser = Browser(write_commands, read_answers)
        process = _begin(Path(profile), read_commands, write_answers)
        try:
            browser.begin()
            yield browser
        finally:
            browser.close()
            with suppress(OSError):
                process.kill()
            process.wait()


def _begin(profile: Path, commands: int, answers: int) -> subprocess.Popen[bytes]:
    """Start it; it reads commands on descriptor 3 and writes answers on descriptor 4."""
    words = [str(CHROMIUM), *_FLAGS, f"--user-data-dir={profile}"]
    script = f'exec "$@" 3<&{commands} 4>&{answers}'
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", *words],
        pass_fds=(commands, answers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(profile)},
    )
    os.close(commands)
    os.close(answers)
    return process
