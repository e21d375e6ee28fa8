"""The two interpreters, with one small interface for both.

Only worker processes call `load_backend`; the device asks `find_backend` which one is installed,
which imports nothing. Both interpreters run their reference-exact kernels on one thread, without
delegates, so that both give the same bits.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from importlib import metadata
from types import MappingProxyType
from typing import Any, Final, Protocol

MODULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ai-edge-litert": "ai_edge_litert",
        "tflite-runtime": "tflite_runtime",
    }
)
"""Distributions of the interpreters, the preferred one first, and their packages."""

HOW_TO_INSTALL: Final = (
    "no inference runtime is installed: pip install 'tinycontainer[tinyml]' brings ai-edge-litert,"
    " 'tinycontainer[tflite-runtime]' (Python 3.11 on Linux) its predecessor"
)


class Session(Protocol):
    """A loaded model."""

    def run(self, inputs: bytes) -> bytes:
        """One inference: all inputs, one after the other, become all outputs.

        Raises:
            ValueError: the inputs have another length than the model's.
            Exception: whatever the interpreter raises.
        """
        ...


class Backend(Protocol):
    """An interpreter of models."""

    def load(self, content: bytes) -> Session:
        """Interpret a model.

        Raises:
            Exception: whatever the interpreter raises.
        """
        ...


class BackendMissing(Exception):
    """No interpreter can be used; the message says what to do."""


def find_backend(wanted: str = "auto") -> str:
    """Name of the interpreter to use.

    Args:
        wanted: a name of `MODULES`, or ``auto`` for the first that is installed.

    Raises:
        BackendMissing: there is none.
    """
    problem = HOW_TO_INSTALL
    for name, module in MODULES.items():
        if wanted in ("auto", name) and importlib.util.find_spec(module) is not None:
            # With a newer numpy, tflite-runtime installs, imports, and then fails on good models.
            if name != "tflite-runtime" or _read_major_version("numpy") < 2:
                return name
            problem = "tflite-runtime fails on good models with this numpy: pip install 'numpy<2'"
    raise BackendMissing(problem)


def _read_major_version(distribution: str) -> int:
    try:
        return int(metadata.version(distribution).split(".")[0])
    except (metadata.PackageNotFoundError, ValueError):
        return 0


def load_backend(name: str) -> Backend:
    """Import an interpreter.

    Args:
        name: of `MODULES`.

    Raises:
        ImportError: it is not there, or does not fit what else is installed.
    """
    return _Interpreters(importlib.import_module(f"{MODULES[name]}.interpreter"))


class _Interpreters:
    """Interpreters of one module; both modules have the same classes.

    Args:
        module: ``ai_edge_litert.interpreter`` or ``tflite_runtime.interpreter``.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._numpy = importlib.import_module("numpy")

    def load(self, content: bytes) -> Session:
        resolver = self._module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = self._module.Interpreter(
            model_content=content, num_threads=1, experimental_op_resolver_type=resolver
        )
        interpreter.allocate_tensors()
        return _Interpretation(interpreter, self._numpy)


class _Interpretation:
    """A model in an interpreter.

    Args:
        interpreter: with its tensors allocated.
        numpy: the module.
    """

    def __init__(self, interpreter: Any, numpy: Any) -> None:
        self._interpreter = interpreter
        self._numpy = numpy
        self._inputs = [
            (each["index"], each["dtype"], each["shape"])
            for each in interpreter.get_input_details()
        ]
        self._outputs = [each["index"] for each in interpreter.get_output_details()]

    def run(self, inputs: bytes) -> bytes:
        begin = 0
        for index, dtype, shape in self._inputs:
            count = int(self._numpy.prod(shape))
            array = self._numpy.frombuffer(inputs, dtype, count, begin).reshape(shape)
            self._interpreter.set_tensor(index, array)
            begin += array.nbytes
        if begin != len(inputs):
            problem = f"the inputs have {len(inputs)} bytes; the model needs {begin}"
            raise ValueError(problem)
        self._interpreter.invoke()
        outputs = (self._interpreter.get_tensor(index) for index in self._outputs)
        return b"".join(output.tobytes() for output in outputs)
