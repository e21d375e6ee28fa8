"""A gateway in a process of its own, and devices that register with it."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from support.project import check_answer
from support.serving import HOST, free_port

OPEN = """
[http]
bind = "{http}"
insecure = true
[coap]
bind = "{coap}"
insecure = true
[limits]
requests_per_s = 100000
device_requests_per_s = 100000
"""


def free_web_port() -> int:
    """A port of TCP that nobody uses."""
    return free_port(socket.SOCK_STREAM)


class Gateway:
    """A running gateway.

    Attributes:
        process: its process.
        web: where it answers HTTP.
        coap: where it answers CoAP.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", line: dict[str, str], err: Path) -> None:
        self.process = process
        self.web = line["http"]
        self.coap = line["coap"]
        self._err = err

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask it over HTTP."""
        # Without TLS, nothing is verified; to read this machine's authorities takes 20 ms.
        return httpx.request(
            method, self.web + path, timeout=30, trust_env=False, verify=False, **options
        )

    def complaints(self) -> str:
        """What it has said on standard error."""
        return self._err.read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait: the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


def write_gateway_file(directory: Path, more: str = "", *, template: str = OPEN) -> Path:
    """A file of a gateway with free ports in a directory."""
    path = directory / "gateway.toml"
    http, coap = f"{HOST}:{free_web_port()}", f"{HOST}:{free_port()}"
    path.write_text(template.format(http=http, coap=coap) + more)
    return path


@contextmanager
def running_gateway(path: Path) -> Iterator[Gateway]:
    """Run the gateway of a file until the block is left."""
    err = path.with_suffix(".err")
    command = [sys.executable, "-m", "tinycontainer", "gateway", str(path), "--json"]
    with (
        err.open("ab") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise RuntimeError(f"it did not begin: {err.read_text()}")
            serving = json.loads(line)
            check_answer(["gateway"], serving)
            yield Gateway(process, serving, err)
        finally:
            if process.poll() is None:
                process.kill()


def wait_until(holds: Callable[[], bool], most_s: float = 30) -> None:
    """Wait until something holds; fail if it does not in time."""
    end_s = time.monotonic() + most_s
    while not holds():
        if time.monotonic() > end_s:
            raise TimeoutError("it did not come about in time")
        time.sleep(0.02)


def register(gateway: Gateway, name: str, base: str, **parameters: object) -> str:
    """Register a device in its place: unprotected, with its base."""
    from support.serving import asking  # noqa: PLC0415 - an optional part
    from tinycontainer.network.agent.requests.message import Method, Option  # noqa: PLC0415

    given = {"ep": name, "base": base, "lt": 300, **parameters}
    query = "&".join(f"{key}={value}" for key, value in given.items())
    with asking(gateway.coap) as ask:
        answer = ask(Method.POST, f"/rd?{query}")
    assert answer.code.dotted == "2.01", answer
    location = [value for number, value in answer.options if number == Option.LOCATION_PATH]
    return location[-1].decode()
