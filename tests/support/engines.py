"""The WebAssembly engines, and the one that the current test runs on."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Protocol

from tinycontainer.interfaces.runtime import (
    Ability,
    Described,
    Inspectable,
    Instance,
    Runtime,
    RuntimeFactory,
)
from tinycontainer_runtimes import wasm_pywasm, wasm_wasmtime

ENGINES: dict[str, RuntimeFactory] = {
    "pywasm": wasm_pywasm.create_runtime,
    "wasmtime": wasm_wasmtime.create_runtime,
}
"""By the names that a device file gives them."""

_CURRENT = ContextVar("engine", default="pywasm")


class WasmInstance(Instance, Inspectable, Protocol):
    """What both adapters make: an instance whose memory can be looked at."""


def current() -> str:
    """Name of the engine that the test runs on."""
    return _CURRENT.get()


@contextmanager
def running_on(name: str) -> Iterator[None]:
    """Let runtimes be made of one engine."""
    token = _CURRENT.set(name)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def make_runtime() -> Runtime:
    """A new runtime of the current engine."""
    return ENGINES[current()]()


@cache
def abilities(name: str) -> frozenset[Ability]:
    """What an engine can."""
    runtime = ENGINES[name]()
    assert isinstance(runtime, Described)
    return runtime.describe().abilities
