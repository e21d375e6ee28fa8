"""A translated module: its functions, compiled, and what instances begin with.

This is the one place that compiles what was generated (ADR 45). The source holds numbers of the
module under names of ours, and nothing else of it.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tinycontainer.interfaces.runtime import RuntimeLimits

from ..wasm.scan import ScannedModule
from .decoding import decode_body
from .flat import RunLine, run_flat
from .flat_translation import translate_flat
from .function import translate_function
from .instructions import floats, integers, memory
from .machine import Call, WasmMachine, bound_growth
from .module_types import ModuleTypes
from .room import TooMuch
from .segments import InitialState, read_initial_state

FILENAME: Final = "<wasm>"
"""Of the generated source, by which frames of it are known."""
_NAMES: Final[dict[str, Any]] = {
    **memory.FUNCTIONS,
    **floats.FUNCTIONS,
    **integers.FUNCTIONS,
    "abs": abs,
    "float": float,
    "len": len,
    "min": min,
    "__builtins__": {},
}
"""All that generated source can name, but for its own functions."""

_MOST_CHARACTERS: Final = 400_000
"""Of the source of all functions in the first form; to compile it takes up to 0.3 s and 30 MB."""
_BYTES_PER_CHARACTER: Final = 6
_BYTES_PER_BYTE: Final = 600
_BYTES_PER_FUNCTION: Final = 2_000
_BYTES_PER_ELEMENT: Final = 32


@dataclass(frozen=True, slots=True)
class TranslatedModule:
    """What instances are made from. It is shared: nobody changes it.

    Attributes:
        scanned: what the scan learned of it.
        limits: with which it was translated.
        state: what instances begin with.
        functions: what calls each function, imported ones first.
        type_numbers: of each function.
        offsets: of the own functions in the first form: for each line of source, the offset of its
            instruction; empty in the second one.
        is_warm: whether all is compiled, so that no turn has to do it.
        held_bytes: what all of it holds of the host's memory, at most.
    """

    scanned: ScannedModule
    limits: RuntimeLimits
    state: InitialState
    functions: tuple[Callable[..., Call], ...]
    type_numbers: tuple[int, ...]
    offsets: tuple["array[int]", ...]
    is_warm: bool
    held_bytes: int

    def make_machine(self) -> WasmMachine:
        """A machine for one instance.

        Raises:
            WasmTrap: a segment does not fit.
        """
        scanned, limits = self.scanned, self.limits
        pages = 0 if scanned.memory is None else scanned.memory[0]
        return WasmMachine(
            self.state,
            pages,
            bound_growth(scanned.memory_maximum, limits.memory_pages),
            bound_growth(scanned.table_maximum, limits.table_elements),
            tuple(zip(self.functions, self.type_numbers, strict=True)),
        )


def translate_module(
    code: bytes, scanned: ScannedModule, limits: RuntimeLimits
) -> TranslatedModule:
    """Translate a module.

    Args:
        code: a module that was scanned and validated.
        scanned: what the scan learned of it.
        limits: what its instances may take.
    """
    types = ModuleTypes.of(scanned)
    names = dict(_NAMES)
    offsets = [array("I") for _ in range(scanned.bodies)]
    left = _MOST_CHARACTERS
    # The shortest ones first, so that a long one does not take what would do for many.
    for number in sorted(range(scanned.bodies), key=lambda each: _size(scanned, each)):
        body = decode_body(code, scanned, number)
        index = types.natives + number
        try:
            source = translate_function(body, index, types, limits, left)
        except TooMuch:
            flat = translate_flat(body, index, types, limits, _compile_line)
            names[f"f{index}"] = partial(run_flat, flat)
            continue
        _compile(source.text, names)
        offsets[number] = source.offsets
        left -= len(source.text)
    natives = (_make_native(number) for number in range(types.natives))
    own = (names[f"f{types.natives + number}"] for number in range(scanned.bodies))
    return TranslatedModule(
        scanned=scanned,
        limits=limits,
        state=read_initial_state(code),
        functions=(*natives, *own),
        type_numbers=tuple(types.numbers[each] for each in scanned.functions),
        offsets=tuple(offsets),
        is_warm=all(offsets),
        held_bytes=_held_bytes(scanned, _MOST_CHARACTERS - left),
    )


def _compile(text: str, names: dict[str, Any]) -> None:
    exec(compile(text, FILENAME, "exec", dont_inherit=True), names)  # noqa: S102


def _compile_line(text: str, name: str) -> RunLine:
    """The function of a line of the second form."""
    names = dict(_NAMES)
    _compile(text, names)
    run: RunLine = names[name]
    return run


def _size(scanned: ScannedModule, number: int) -> int:
    begin, end = scanned.spans[number]
    return end - begin


def _held_bytes(scanned: ScannedModule, characters: int) -> int:
    """A bound of the memory that a translated module holds, from counts of what it consists of."""
    section_bytes = sum(end - start for start, end in scanned.sections)
    return (
        characters * _BYTES_PER_CHARACTER
        + section_bytes * _BYTES_PER_BYTE
        + scanned.bodies * _BYTES_PER_FUNCTION
        + scanned.elements * _BYTES_PER_ELEMENT
    )


def _make_native(number: int) -> Callable[..., Call]:
    """An imported function as what is called through the table."""

    def call(machine: WasmMachine, *arguments: Any) -> Call:
        yield from ()
        return machine.natives[number](*arguments[:-3])

    return call
