"""Compiling a tenant's module: in this process if it is provably cheap, else in one with limits.

No count of what a module consists of bounds what the compiler makes of it: 64 KiB became 1.4 GB.
So the compiler runs in a process of its own that has bounds of memory and time, and from which
only the compiled module comes back, through a pipe. A module of a few KiB cannot need much, and
starting a process would double the time of its load (ADR 20).
"""

import math
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import wasmtime
from wasmtime import _ffi

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.text import show

from ..wasm.scan import ScannedModule
from .compiler_process import REFUSED
from .engine import SETTINGS

MEMORY_BYTES_PER_BYTE: Final = 608
"""What compiling may take for each byte of code that the device allows: 38 MiB for 64 KiB."""
PROCESSOR_S_PER_BYTE: Final = 3e-6
"""The same of processor time: 0.2 s for 64 KiB. Code of real compilers needs a tenth of both."""
MEMORY_BYTES: Final = range(16 << 20, 1 << 30)
PROCESSOR_S: Final = (0.2, 10.0)
"""The least and the most of both, however much code is allowed."""

CHEAP_BYTES: Final = 4096
"""A prepared module of at most so many bytes is compiled in this process, if its types are small:
the dearest that was found, nested loops of three parameters, needs 53 MB and 0.06 s."""
_CHEAP_PARAMETERS: Final = 3
_CHEAP_RESULTS: Final = 1
"""Blocks of more parameters or results make compilers take 200 MB for 4 KiB."""

_ENVIRONMENT: Final = {"LC_ALL": "C", "MALLOC_ARENA_MAX": "1"}
"""Nothing of the device's environment, such as secrets. In glibc each thread would else reserve a
part of the address space that compiling may take."""
_WALL_S: Final = 60.0
"""After so long the process is ended even if it used no processor time."""
_OUT_OF_TIME: Final = frozenset({-signal.SIGPROF, -signal.SIGXCPU})
_SHOWN_MESSAGE: Final = 400


def compile_module(
    engine: wasmtime.Engine, scanned: ScannedModule, prepared: bytes, limits: RuntimeLimits
) -> wasmtime.Module:
    """Compile a module, within bounds that its device states.

    Args:
        engine: with the settings of `engine.SETTINGS`.
        scanned: what the scan learned of it.
        prepared: what is compiled; it is valid.
        limits: of the device.

    Raises:
        InadmissibleCode: compiling takes too much memory or time (TC-RT-26).
        wasmtime.WasmtimeError: the compiler refuses it.
    """
    if is_cheap(scanned, prepared):
        return wasmtime.Module(engine, prepared)
    return wasmtime.Module.deserialize(engine, _compile_apart(prepared, limits))


def is_cheap(scanned: ScannedModule, prepared: bytes) -> bool:
    """Whether a module can need little only, whatever it consists of."""
    return len(prepared) <= CHEAP_BYTES and all(
        len(kind.parameters) <= _CHEAP_PARAMETERS and len(kind.results) <= _CHEAP_RESULTS
        for kind in scanned.types
    )


def find_memory_bound(limits: RuntimeLimits) -> int:
    """Bytes of memory that compiling may take on a device, beside what an idle compiler takes."""
    allowed = limits.code_bytes * MEMORY_BYTES_PER_BYTE
    return max(MEMORY_BYTES.start, min(allowed, MEMORY_BYTES.stop))


def find_time_bound(limits: RuntimeLimits) -> float:
    """Seconds of processor time that compiling may take on a device."""
    least, most = PROCESSOR_S
    return max(least, min(limits.code_bytes * PROCESSOR_S_PER_BYTE, most))


def _compile_apart(prepared: bytes, limits: RuntimeLimits) -> bytes:
    """The compiled form of a module, made by a process of its own."""
    program = Path(__file__).with_name("compiler_process.py")
    memory_bytes = find_memory_bound(limits)
    processor_s = find_time_bound(limits)
    settings = [f"{name}={int(value)}" for name, value in SETTINGS]
    command = [sys.executable, "-I", "-S", "-B", str(program), _ffi.dll._name]
    try:
        ended = subprocess.run(  # noqa: S603 - our own program, no shell
            [*command, str(memory_bytes), str(processor_s), *settings],
            input=prepared,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            start_new_session=True,  # an interrupt at the terminal is the device's to handle
            timeout=_WALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _refuse_time(processor_s) from None
    except OSError as error:
        reason = f"no process can be started to compile it: {error.strerror}"
        raise InadmissibleCode(reason) from None
    if ended.returncode == 0:
        return ended.stdout
    if ended.returncode == REFUSED:
        message = show(" ".join(ended.stdout.decode("utf-8", "replace").split()), _SHOWN_MESSAGE)
        raise wasmtime.WasmtimeError(message)
    if ended.returncode in _OUT_OF_TIME:
        raise _refuse_time(processor_s)
    raise InadmissibleCode(
        f"compiling it takes more than {memory_bytes >> 20} MiB of memory, or breaks the compiler",
        _REMEDY,
    )


_REMEDY: Final = (
    "split its largest function, or raise code_bytes in [capacity] of the device file: for each"
    f" byte, compiling may take {MEMORY_BYTES_PER_BYTE} bytes of memory and"
    f" {PROCESSOR_S_PER_BYTE * 1e6:g} us of time"
)


def _refuse_time(processor_s: float) -> InadmissibleCode:
    shown = math.ceil(processor_s * 100) / 100
    return InadmissibleCode(f"compiling it takes more than {shown} s of processor time", _REMEDY)
