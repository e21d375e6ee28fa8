"""The program of a compiler process: a module comes in, its compiled form goes out, within limits.

The device runs this file by its path (ADR 20). It imports nothing of the project and little of the
standard library, so that it begins with 13 MB and within 20 ms. Its limits are set before it reads
a byte of a tenant's.
"""

import _thread
import ctypes
import os
import signal
import sys
import time

REFUSED = 3
"""Exit code: the compiler refused the module, and its message was written."""
TOO_MUCH_MEMORY = 4
"""Exit code: compiling took more memory than allowed."""

_LOOK_EVERY_S = 0.001
_SPACE_FACTOR = 2
"""Compilers reserve up to twice as much address space as they use memory."""
_DATA_FACTOR = 1.5
"""The same of space that can be written to. This limit holds while the watch waits for its turn."""


def main(arguments: list[str]) -> int:
    """Compile the module on standard input, and write it to standard output.

    Args:
        arguments: wasmtime's library, bytes of memory and seconds of processor time that compiling
            may take, and then settings of the engine, ``NAME=NUMBER`` each.
    """
    path, memory_bytes, processor_s, *settings = arguments
    library = ctypes.CDLL(path)
    engine = _make_engine(library, settings)
    used_bytes = _read_sizes()[1]
    if used_bytes:
        _thread.start_new_thread(_watch_memory, (used_bytes + int(memory_bytes),))
    limit_process(int(memory_bytes), float(processor_s))
    code = sys.stdin.buffer.read()
    module = ctypes.c_void_p()
    new_module = _find(library, "wasmtime_module_new", ctypes.c_void_p)
    failed = new_module(engine, code, ctypes.c_size_t(len(code)), ctypes.byref(module))
    written = _Bytes()
    if failed:
        get_message = _find(library, "wasmtime_error_message", None)
        get_message(ctypes.c_void_p(failed), ctypes.byref(written))
    else:
        serialize = _find(library, "wasmtime_module_serialize", ctypes.c_void_p)
        failed = serialize(module, ctypes.byref(written))
    sys.stdout.buffer.write((ctypes.c_char * written.size).from_address(written.data))
    sys.stdout.buffer.flush()
    return REFUSED if failed else 0


class _Bytes(ctypes.Structure):
    """``wasm_byte_vec_t``."""

    _fields_ = (("size", ctypes.c_size_t), ("data", ctypes.c_void_p))


def limit_process(memory_bytes: int, processor_s: float) -> None:
    """Take away what compiling does not need: memory, time, files, core dumps, descriptors.

    Where the system does not know a limit, the others still hold.

    Args:
        memory_bytes: how much more memory this process may take.
        processor_s: how much more processor time.
    """
    try:
        import resource  # noqa: PLC0415, RUF100 - not on every system
    except ImportError:
        return
    signal.setitimer(signal.ITIMER_PROF, processor_s)  # ends the process by SIGPROF
    space_bytes, _, data_bytes = _read_sizes()
    for kind, amount in (
        (resource.RLIMIT_AS, space_bytes and space_bytes + _SPACE_FACTOR * memory_bytes),
        (resource.RLIMIT_DATA, data_bytes and data_bytes + int(_DATA_FACTOR * memory_bytes)),
        (resource.RLIMIT_CPU, int(processor_s) + 2),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        try:
            if amount or kind not in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
                resource.setrlimit(kind, (amount, amount))
        except (ValueError, OSError):
            pass


def _watch_memory(allowed_bytes: int) -> None:
    """End the process when it uses more memory than it may; no system has a limit for just that."""
    while _read_sizes()[1] <= allowed_bytes:
        time.sleep(_LOOK_EVERY_S)
    os._exit(TOO_MUCH_MEMORY)


def _read_sizes() -> tuple[int, int, int]:
    """Bytes of address space, of memory in use, and of space that can be written to.

    Each is 0 where nobody can know.
    """
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            pages = file.read(100).split()
    except OSError:
        return 0, 0, 0
    size = os.sysconf("SC_PAGE_SIZE")
    return int(pages[0]) * size, int(pages[1]) * size, int(pages[5]) * size


def _make_engine(library: ctypes.CDLL, settings: list[str]) -> ctypes.c_void_p:
    config = ctypes.c_void_p(_find(library, "wasm_config_new", ctypes.c_void_p)())
    for setting in settings:
        name, _, number = setting.partition("=")
        # Flags and numbers of any width are passed alike: one register each.
        _find(library, f"wasmtime_config_{name}_set", None)(config, ctypes.c_uint64(int(number)))
    make = _find(library, "wasm_engine_new_with_config", ctypes.c_void_p)
    return ctypes.c_void_p(make(config))


def _find(library: ctypes.CDLL, name: str, result: type[ctypes.c_void_p] | None):  # type: ignore[no-untyped-def]
    function = getattr(library, name)
    function.restype = result
    return function


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
