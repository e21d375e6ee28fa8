"""Which calls a rewritten module counts, so that calls nest as deep on every engine (ADR 25).

An engine that compiles bounds its stack in bytes. So calls are counted by code that is put in, but
only where it matters: where the way from a hook can be longer than what is allowed, as in and after
a recursion. Most modules have no such way, and stay as they are.

A call is counted before it is made and after it returned; that there is none too many is checked in
the function that is called, because a call through the table may fail for a reason of its own.

One global holds two numbers. Its low half is how many calls are still allowed, and one more: 0 is
one call too many. Its high half is the fuel that counting itself took, which is not charged; every
piece of code that counts adds what it costs.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from .. import opcodes
from ..reader import FunctionType, Reader, encode_leb
from ..scan import ScannedModule
from .lines import Body

FUEL_BIT: Final = 32
"""Where the half of the global begins that holds fuel."""
COUNTER_KIND: Final = bytes([0x7E, 1])
"""The global's type: i64, mutable."""

_I64_ADD: Final = 0x7C
_I32_WRAP_I64: Final = 0xA7
_GLOBAL_SET: Final = 0x24
_EMPTY: Final = 0x40
_COUNT_FUEL: Final = 4
_CHECK_FUEL: Final = 3
"""What both pieces of code cost: all their instructions but blocks, ``end`` and ``unreachable``."""

CallTarget: TypeAlias = int | FunctionType
"""A function by its index, or all that a call through the table may reach by their type."""


class CountingCode(NamedTuple):
    """What is put into one function body.

    Attributes:
        entry: before its first instruction.
        calls: by the place of an instruction that calls: what is put before it and after it.
    """

    entry: bytes
    calls: Mapping[int, tuple[bytes, bytes]]


NOTHING: Final = CountingCode(b"", {})


def find_counting_code(
    code: bytes, module: ScannedModule, bodies: Sequence[Body], call_depth: int
) -> list[CountingCode]:
    """What is put into each body, so that a call beyond the depth traps.

    Args:
        code: a scanned module; it need not be valid.
        module: what the scan learned of it.
        bodies: its functions, taken apart.
        call_depth: how many calls may be nested; the hook is the first.

    Returns:
        For each body its code; nothing for any of them if no way is too long.
    """
    calls = _Calls(code, module)
    calls.note_bodies(bodies)
    if call_depth > 1 and not any(calls.edges[index] for index in calls.sites):
        return [NOTHING] * len(bodies)
    deep = _find_deep(calls, module, call_depth)
    leading = _find_leading(calls, deep)
    called = set[CallTarget]().union(*(calls.edges[node] for node in deep))
    checking = set[CallTarget]().union(*(calls.find_all(node) for node in called))
    return [
        _make_code(calls, len(module.imports) + number, deep, leading, checking)
        for number in range(len(bodies))
    ]


@dataclass(slots=True)
class _Calls:
    """The calls of a module's own functions among each other.

    Attributes:
        code: the module.
        module: what the scan learned of it.
        sites: for each function, the places at which it calls, and what.
        edges: for each function what it calls, and for each type what it may stand for.
    """

    code: bytes
    module: ScannedModule
    sites: dict[int, dict[int, CallTarget]] = field(default_factory=dict)
    edges: dict[CallTarget, set[CallTarget]] = field(default_factory=dict)

    def note_bodies(self, bodies: Sequence[Body]) -> None:
        """Find all calls in all functions."""
        referenced = set(self.module.references)
        for index, body in enumerate(bodies, len(self.module.imports)):
            sites = self.sites[index] = {}
            for place in body.calls:
                operand = Reader(self.code, body.offsets[place] + 1, body.offsets[-1]).read_u32()
                if body.instructions[place] == opcodes.REF_FUNC:
                    referenced.add(operand)
                elif body.instructions[place] == opcodes.CALL:
                    sites[place] = operand
                elif operand < len(self.module.types):
                    sites[place] = self.module.types[operand]
        for index in filter(self._is_own, referenced):
            kind = self.module.function_type(index)
            if kind is not None:
                self.edges.setdefault(kind, set()).add(index)
        for index, found in self.sites.items():
            # A call of a native function begins none of the module's own.
            self.edges[index] = {
                node for node in found.values() if self._is_own(node) or node in self.edges
            }

    def find_all(self, node: CallTarget) -> Set[CallTarget]:
        """The functions that a node stands for."""
        return {node} if isinstance(node, int) else self.edges[node]

    def _is_own(self, node: CallTarget) -> bool:
        return isinstance(node, int) and (
            len(self.module.imports) <= node < len(self.module.functions)
        )


def _find_deep(calls: _Calls, module: ScannedModule, call_depth: int) -> set[CallTarget]:
    """The functions whose calls may be nested too deep."""
    hooks = {index for indexes in module.hook_functions().values() for index in indexes}
    reached = _find_reached(calls.edges, hooks)
    waits_for = dict.fromkeys(reached, 0)
    for node in reached:
        for callee in calls.edges[node]:
            waits_for[callee] += 1
    # The longest way to each, in an order in which all its callers come first. What is in or
    # behind a circle of calls never has its turn: there is no longest way to it.
    depths: dict[CallTarget, int] = dict.fromkeys(reached, 1)
    ready = [node for node in reached if not waits_for[node]]
    bounded: set[CallTarget] = set()
    while ready:
        node = ready.pop()
        bounded.add(node)
        depth = depths[node] + isinstance(node, int)
        for callee in calls.edges[node]:
            depths[callee] = max(depths[callee], depth)
            waits_for[callee] -= 1
            if not waits_for[callee]:
                ready.append(callee)
    return {
        node
        for node in reached
        if isinstance(node, int) and not (node in bounded and depths[node] < call_depth)
    }


def _find_leading(calls: _Calls, deep: Set[CallTarget]) -> set[CallTarget]:
    """What leads to a call that may be too deep, those that make one included."""
    callers: dict[CallTarget, set[CallTarget]] = {}
    for node, callees in calls.edges.items():
        for callee in callees:
            callers.setdefault(callee, set()).add(node)
    return _find_reached(callers, {node for node in deep if calls.edges[node]})


def _find_reached(
    edges: Mapping[CallTarget, Iterable[CallTarget]], begin: Iterable[CallTarget]
) -> set[CallTarget]:
    reached = set(begin)
    pending = list(reached)
    while pending:
        for node in edges.get(pending.pop(), ()):
            if node not in reached:
                reached.add(node)
                pending.append(node)
    return reached


def _make_code(
    calls: _Calls,
    function: int,
    deep: Set[CallTarget],
    leading: Set[CallTarget],
    checking: Set[CallTarget],
) -> CountingCode:
    counter = encode_leb(calls.module.globals)
    entry = b""
    if function in checking:
        entry = _change(counter, _COUNT_FUEL + _CHECK_FUEL, 0) + _check(counter)
    around = _change(counter, _COUNT_FUEL, -1), _change(counter, _COUNT_FUEL, 1)
    called = calls.edges[function]
    counted = called if function in deep else called & leading
    found = {place: around for place, callee in calls.sites[function].items() if callee in counted}
    return CountingCode(entry, found) if entry or found else NOTHING


def _change(counter: bytes, fuel: int, calls: int) -> bytes:
    """Code that changes both halves of the counter."""
    change = encode_leb((fuel << FUEL_BIT) + calls, end=0x40)
    return (
        bytes([opcodes.GLOBAL_GET])
        + counter
        + bytes([opcodes.I64_CONST])
        + change
        + bytes([_I64_ADD, _GLOBAL_SET])
        + counter
    )


def _check(counter: bytes) -> bytes:
    """Code that traps if one call too many was begun."""
    return (
        bytes([opcodes.BLOCK, _EMPTY, opcodes.GLOBAL_GET])
        + counter
        + bytes([_I32_WRAP_I64, opcodes.BR_IF, 0, opcodes.UNREACHABLE, opcodes.END])
    )
