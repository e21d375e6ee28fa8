"""What runtimes make from code and share between devices, bounded by the memory that it holds.

A runtime is made once for each installation; its devices may run in several threads. What is dear
for each code (scan, validation, parsing, compiling) is done once and kept here, and instances start
from it.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from threading import RLock
from typing import Final, Generic, TypeAlias, TypeVar

from tinycontainer.interfaces.runtime import RuntimeLimits

Made = TypeVar("Made")
_Key: TypeAlias = tuple[bytes, RuntimeLimits]

WASM_CACHE_BYTES: Final = 47 << 20
"""Bound of a WebAssembly runtime. All bounds here together are 64 MiB, as an installation has one
runtime for each container type."""
VERDICT_CACHE_BYTES: Final = 1 << 20
"""Bound of the verdicts of a runtime that keeps them apart."""
RBPF_CACHE_BYTES: Final = 16 << 20
"""Bound of the rBPF runtime."""


class CodeCache(Generic[Made]):
    """What was made from admitted code; what was used longest ago is dropped first.

    An entry belongs to a code and to all limits that it was judged by, so a device never sees the
    verdict of one with other limits. Refusals are not kept. What is dropped lives on as long as an
    instance refers to it. It can be used by several threads at once.

    Args:
        max_bytes: bound of what all entries hold; a larger entry is not kept at all.
        measure_bytes: how much one entry holds, at most.
    """

    def __init__(self, max_bytes: int, measure_bytes: Callable[[Made], int]) -> None:
        self._max_bytes = max_bytes
        self._measure_bytes = measure_bytes
        self._entries: OrderedDict[_Key, tuple[Made, int]] = OrderedDict()
        self._held_bytes = 0
        # Reentrant: an interrupt at the end of a `with` can leave it locked (ADR 21).
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def held_bytes(self) -> int:
        """What all entries hold together."""
        return self._held_bytes

    def find_or_make(self, code: bytes, limits: RuntimeLimits, make: Callable[[], Made]) -> Made:
        """The entry of a code under these limits.

        Args:
            code: untrusted code; it is known by its hash.
            limits: what it is judged by.
            make: judges the code and makes the entry; what it raises is raised here.
        """
        key = sha256(code).digest(), limits
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key][0]
        # Not under the lock: compiling takes up to seconds, and other codes must not wait for it.
        # Two threads that offer the same code at once both make it, and the first one is kept.
        made = make()
        held_bytes = self._measure_bytes(made)
        if held_bytes > self._max_bytes:
            return made
        with self._lock:
            if key in self._entries:
                return self._entries[key][0]
            # One step each, so that an interrupt leaves no entry that is not counted.
            entry = made, held_bytes
            self._entries[key], self._held_bytes = entry, self._held_bytes + held_bytes
            while self._held_bytes > self._max_bytes:
                self._held_bytes -= self._entries.popitem(last=False)[1][1]
        return made
