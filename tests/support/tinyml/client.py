"""Containers' side of the TinyML protocol, and what tests need of the interpreters."""

import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import BoardInfo, Driver, DriverSetup, SharedResources
from tinycontainer.testing import StillContext
from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.model.refusing import ModelRefused
from tinycontainer_endpoints.tinyml.processes.backends import (
    MODULES,
    BackendMissing,
    Session,
    find_backend,
    load_backend,
)
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode, What

Test = TypeVar("Test", bound=Callable[..., None])


def installed_backends() -> list[str]:
    """The interpreters that can be used here."""
    found = []
    for name in MODULES:
        try:
            found.append(find_backend(name))
        except BackendMissing:
            continue
    return found


BACKENDS = installed_backends()
needs_backend = pytest.mark.skipif(not BACKENDS, reason="no inference runtime is installed")
"""For tests that interpret models."""


def each_backend(test: Test) -> Test:
    """Run a test on every interpreter that is installed; skip it if there is none."""
    on_each = pytest.mark.parametrize("backend", BACKENDS or ["none"])
    marked: Test = needs_backend(on_each(test))
    return marked


def make_setup(
    *,
    virtual: bool = True,
    resources: SharedResources | None = None,
    capacities: str = "default",
    **options: Any,
) -> DriverSetup:
    """What a driver is made from; by default it shares nothing."""
    return DriverSetup(
        options,
        Path(),
        bytes,
        lambda _line: None,
        BoardInfo(),
        virtual,
        resources or SharedResources(),
        capacities,
    )


def make_driver(*, virtual: bool = True, **options: Any) -> TinyML:
    """A driver with these options."""
    return TinyML(make_setup(virtual=virtual, **options))


def bare_session(backend: str, content: bytes) -> Session:
    """A model in an interpreter of this process: what the endpoint is compared with."""
    return load_backend(backend).load(content)


def load_frames(
    content: bytes, *, digest: bytes | None = None, keep: bool = False, chunk: int = 200
) -> Iterator[bytes]:
    """The frames that load a model."""
    flags = (1 if digest else 0) | (2 if keep else 0)
    head = struct.pack("<BBBBI", 0x10, 4, flags, 0, len(content)) + (digest or b"")
    yield head + content[:chunk]
    for begin in range(chunk, len(content), 254):
        yield b"\x11" + content[begin : begin + 254]


def input_frames(index: int, data: bytes, chunk: int = 200) -> Iterator[bytes]:
    """The frames that give an input."""
    yield struct.pack("<BBBBI", 0x20, index, 255, 0, len(data)) + data[:chunk]
    for begin in range(chunk, len(data), 254):
        yield b"\x21" + data[begin : begin + 254]


COMPUTE = struct.pack("<BBH", 0x30, 0, 0)
RESET_INPUTS, RESET_MODEL = b"\x7f\0", b"\x7f\1"


def select(what: What, index: int = 0, offset: int = 0) -> bytes:
    """A SELECT frame."""
    return struct.pack("<BBBBI", 0x40, what, index, 0, offset)


class Client:
    """A container at its endpoint.

    Args:
        driver: the service.
        uid: who calls.
        context: the call in progress; by default one of its own.
    """

    def __init__(
        self, driver: Driver, uid: bytes = b"tenant", context: StillContext | None = None
    ) -> None:
        self.driver = driver
        self.context = context or StillContext(container=uid)
        self.fd = driver.open(1, self.context)

    def send(self, *frames: bytes) -> None:
        """Write frames that must be taken."""
        for frame in frames:
            assert self.driver.write(self.fd, frame) == len(frame)

    def load(self, content: bytes, **how: Any) -> None:
        self.send(*load_frames(content, **how))

    def give(self, inputs: Sequence[bytes]) -> None:
        for index, data in enumerate(inputs):
            self.send(*input_frames(index, data))

    def read(self, size: int = 255) -> bytes:
        return self.driver.read(self.fd, size)

    def read_all(self) -> bytes:
        """Everything up to the end."""
        parts = []
        while part := self.read():
            parts.append(part)
        return b"".join(parts)

    def outputs(self, count: int) -> list[bytes]:
        given = []
        for index in range(count):
            self.send(select(What.OUTPUT, index))
            given.append(self.read_all())
        return given

    def infer(self, inputs: Sequence[bytes], outputs: int = 1) -> list[bytes]:
        """One inference."""
        self.give(inputs)
        self.context.time_us += 1_000_000
        return self.outputs(outputs)

    def status(self) -> tuple[int, ...]:
        """Version, state, inputs, outputs, model bytes, arena, MACs."""
        self.send(select(What.STATUS))
        return struct.unpack("<BBBBIII", self.read_all())

    def close(self) -> None:
        self.driver.close(self.fd)


class refused:  # noqa: N801 - reads as a statement
    """A block of calls that must end in a refusal with this code."""

    def __init__(self, code: ErrorCode) -> None:
        self._code = code

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        assert isinstance(error, DriverError | ModelRefused), (
            f"expected {self._code!r}, not {error!r}"
        )
        found = ErrorCode(error.code)
        assert found is self._code, f"expected {self._code!r}, not {found!r}: {error}"
        return True
