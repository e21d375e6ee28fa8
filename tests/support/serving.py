"""A device that is served by a process of its own, and ways to ask it over the network."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.project import KEY_LINES, Program
from support.wasm.modules import loop

COAP_CLIENT = shutil.which("coap-client-notls") or shutil.which("coap-client")
HOST = "127.0.0.1"
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


def free_port() -> int:
    """A port of UDP that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
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


class Served:
    """A running `serve`.

    Attributes:
        process: its process.
        uri: where it is served.
    """

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.port = port
        self.uri = f"coap://{HOST}:{port}"

    def end(self, number: int = signal.SIGTERM) -> tuple[int, list[dict[str, Any]], str]:
        """Send a signal and wait: the exit code, the events, standard error."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err

    def memory_bytes(self) -> int:
        """How much memory it uses now."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serving(directory: Path, port: int) -> Iterator[Served]:
    """Serve the device of a directory, until the block is left."""
    command = [sys.executable, "-m", "tinycontainer", "serve", str(directory / "device.toml")]
    with subprocess.Popen(
        [*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("its output is not read")
            while '"serving"' not in (line := process.stdout.readline()):
                if not line:
                    raise RuntimeError(f"it did not begin: {process.communicate()}")
            yield Served(process, port)
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
