"""Servers in processes of their own, whose processor time can be read, and a client that asks them.

A server's cost is the processor time of its whole process: what the kernel does for it is in, and
nothing of the client, however slow that is.
"""

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiocoap

from support.project import KEY_LINES
from support.serving import HOST, free_port
from support.worlds import KEYS
from tinycontainer_tokens import key_files

TESTS = Path(__file__).parents[2]
REQUESTS_PER_S = 200
"""What the agent takes of one peer."""
DEVICE = """
[device]
board = "default"
[agent]
bind = "{host}:{port}"
insecure = true
[trust]
keys = [
{keys}
]
"""


class Server:
    """A running server.

    Attributes:
        uri: where it is.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.uri = f"coap://{HOST}:{port}"
        self._process = process
        # As clock_getcpuclockid(3) makes it; Python has that for threads only.
        self._clock = ~process.pid << 3 | 2

    def cpu_s(self) -> float:
        """Processor time that its process has used."""
        return time.clock_gettime(self._clock)

    def require_running(self) -> None:
        """Raise if it has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"a server ended with exit code {self._process.returncode}")


class Client:
    """Asks servers, from one address, one request after the other."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._context = self._runner.run(aiocoap.Context.create_client_context(transports=["udp6"]))
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._context.shutdown())
        self._runner.close()

    def new_id(self) -> str:
        """The part of a query that names a request."""
        return f"id={next(self._numbers):016x}"

    def ask(self, method: str, uri: str, payload: bytes = b"", *, times: int = 1) -> Any:
        """Ask so many times; the last answer. All must be good."""
        return self._runner.run(self._ask(getattr(aiocoap, method), uri, payload, times))

    async def _ask(self, code: Any, uri: str, payload: bytes, times: int) -> Any:
        for _ in range(times):
            message = aiocoap.Message(code=code, uri=uri, payload=payload)
            answer = await self._context.request(message).response
            if not answer.code.is_successful():
                raise RuntimeError(f"{code} {uri}: {answer.code} {answer.payload!r}")
        return answer

    def wait_for(self, server: Server, path: str) -> None:
        """Wait until a server answers."""
        while True:
            server.require_running()
            try:
                self.ask("GET", server.uri + path)
            except aiocoap.error.NetworkError:
                time.sleep(0.05)
            else:
                return


@contextmanager
def running(arguments: Sequence[str], port: int) -> Iterator[Server]:
    """A server, until the block is left."""
    with subprocess.Popen([sys.executable, *arguments], cwd=TESTS) as process:
        try:
            yield Server(process, port)
        finally:
            process.kill()


@contextmanager
def agent(directory: Path, *, more: str = "") -> Iterator[Server]:
    """A served device that prints nothing.

    Args:
        directory: where its file is made.
        more: tables of that file.
    """
    port = free_port()
    keys = directory / "keys"
    keys.mkdir()
    for role, key in KEYS.items():
        (keys / f"{role}.pub").write_bytes(key_files.to_public_pem(key))
    file = directory / "device.toml"
    file.write_text(DEVICE.format(host=HOST, port=port, keys=KEY_LINES) + more)
    with running(["-m", "tinycontainer", "serve", "--quiet", str(file)], port) as server:
        yield server


@contextmanager
def bare_server(path: str, size: int) -> Iterator[Server]:
    """A bare server with one resource, whose content is of this size."""
    port = free_port()
    arguments = ["-m", "support.measuring.bare_server", str(port), str(size), path]
    with running(arguments, port) as server:
        yield server
