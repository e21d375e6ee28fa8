"""A device that is served by a process of its own, and ways to ask it over the network."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from support.project import KEY_LINES, Program, check_answer
from support.wasm.modules import loop
from tinycontainer.interfaces.network.security_context import read_security_context
from tinycontainer.network.agent.requests.message import CoapAnswer, CoapRequest, Method

COAP_CLIENT = shutil.which("coap-client-notls") or shutil.which("coap-client")
HOST = "127.0.0.1"
_SERVERS_PORTS = range(20_000, 32_000)
DEVICE = """
[device]
board = "default"
[state]
file = "device.db"
[agent]
bind = "{host}:{port}"
insecure = true
[trust]
keys = [
{keys}
]
"""
MANIFEST = """
[container]
uid = "{uid}"
code = "box.wasm"
period_ms = 100
"""


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    """A port that nobody uses: of UDP, or of TCP by its kind of socket.

    It is below those that systems give to clients: between this look and its use, one of the many
    clients of tests beside this one would now and then get it.
    """
    while True:
        port = secrets.choice(_SERVERS_PORTS)
        with socket.socket(socket.AF_INET, kind) as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port


def make_desk(directory: Path, program: Program, uids: tuple[str, ...] = ("box",)) -> int:
    """Make keys, bundles and a device file in a directory; the port of the device."""
    port = free_port()
    program.good("keygen", directory / "keys")
    for uid in uids:
        source = directory / uid
        source.mkdir()
        (source / "box.wasm").write_bytes(loop("i32.const 0"))
        (source / "container.toml").write_text(MANIFEST.format(uid=uid))
        keys = directory / "keys"
        program.good("pack", source, "--keys", keys, "-o", directory / f"{uid}.tcb")
    device = DEVICE.format(host=HOST, port=port, keys=KEY_LINES)
    (directory / "device.toml").write_text(device)
    return port


PEER = """
[[agent.peers]]
name = "{name}"
context = "{name}/device"
rights = {rights}
"""


def protect(directory: Path, program: Program, **rights: list[str]) -> None:
    """Let only these peers manage the device of a directory; each has its side in NAME/operator."""
    file = directory / "device.toml"
    text = file.read_text().replace("insecure = true\n", "")
    for name, each in rights.items():
        program.good("keygen", "--oscore", directory / name)
        text += PEER.format(name=name, rights=json.dumps(each))
    file.write_text(text)


def protect_by_edhoc(directory: Path, program: Program, **rights: list[str]) -> None:
    """The same by EDHOC: the device is desk.edhoc, each peer NAME.edhoc."""
    file = directory / "device.toml"
    text = file.read_text().replace("insecure = true", 'identity = "desk.edhoc"')
    program.good("keygen", "--edhoc", directory / "desk")
    for name, each in rights.items():
        program.good("keygen", "--edhoc", directory / name)
        table = PEER.format(name=name, rights=json.dumps(each))
        text += table.replace(f'context = "{name}/device"', f'credential = "{name}.ccs"')
    file.write_text(text)


@contextmanager
def asking(uri: str, context: Path | None = None) -> Iterator[Callable[..., CoapAnswer]]:
    """Ask with our client's transport: method, path with its query, payload, options."""
    from tinycontainer.interfaces.network.oscore import open_context  # noqa: PLC0415
    from tinycontainer.network.agent.operator.coap_transport import (  # noqa: PLC0415 - an optional part
        open_transport,
    )

    with ExitStack() as held:
        security = None
        if context is not None:
            security = held.enter_context(open_context(read_security_context(context)))
        transport = held.enter_context(open_transport(uri, 10, security))

        def ask(
            method: Method, path: str, payload: bytes = b"", *options: tuple[int, bytes]
        ) -> CoapAnswer:
            place, _, query = path.partition("?")
            parts = tuple(query.split("&")) if query else ()
            request = CoapRequest(b"", method, tuple(place.split("/")[1:]), parts, options, payload)
            return transport.ask(request)

        yield ask


def memory_bytes(process: "subprocess.Popen[bytes]") -> int:
    """How much memory a process uses now; what it shares with others counts as its own."""
    with open(f"/proc/{process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Served:
    """A running `serve`.

    Attributes:
        process: its process.
        uri: where it is served.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, printed: Path) -> None:
        self.process = process
        self.uri = f"coap://{HOST}:{port}"
        self._printed = printed

    def wait_until_ready(self) -> None:
        """Wait until it says that it is served; raise what it says if it ends before."""
        while '"serving"' not in self._printed.read_text():
            if self.process.poll() is not None:
                raise RuntimeError(f"it did not begin: {self._complaints()}")
            time.sleep(0.02)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, list[dict[str, Any]], str]:
        """Send a signal and wait: the exit code, the events, standard error."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        events = [json.loads(line) for line in self._printed.read_text().splitlines()]
        for event in events:
            check_answer(["serve"], event)
        return code, events, self._complaints()

    def printed(self) -> str:
        """What it has printed so far."""
        return self._printed.read_text()

    def memory_bytes(self) -> int:
        """How much memory it uses now."""
        return memory_bytes(self.process)

    def _complaints(self) -> str:
        return self._printed.with_suffix(".err").read_text()


@contextmanager
def serving(
    directory: Path,
    port: int,
    *options: object,
    program: tuple[str, ...] = ("-m", "tinycontainer"),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """Serve the device of a directory, until the block is left.

    It prints into files: a pipe that nobody reads would stop it when it is full.

    Args:
        directory: has the device's file.
        port: of the device.
        options: more of ``serve``.
        program: what Python runs.
        environment: what is added to this process's own.
    """
    given = map(str, ("serve", directory / "device.toml", *options))
    command = [sys.executable, *program, *given]
    printed = directory / f"{secrets.token_hex(4)}.out"
    with (
        printed.open("wb") as out,
        printed.with_suffix(".err").open("wb") as err,
        subprocess.Popen(
            [*command, "--json"], stdout=out, stderr=err, env={**os.environ, **(environment or {})}
        ) as process,
    ):
        try:
            served = Served(process, port, printed)
            served.wait_until_ready()
            yield served
        finally:
            if process.poll() is None:
                process.kill()


def coap(uri: str, method: str = "get", *options: str, payload: Path | None = None) -> str:
    """Ask with libcoap's client: code and content of the answer, as it shows them."""
    if COAP_CLIENT is None:
        raise RuntimeError("libcoap's client is not installed")
    command = [COAP_CLIENT, "-v", "6", "-B", "10", "-m", method, *options]
    if payload is not None:
        command += ["-f", str(payload)]
    done = subprocess.run(
        [*command, uri], capture_output=True, check=False, text=True, errors="replace"
    )
    return done.stdout + done.stderr
