"""What code shows of itself without being run, for those who audit it.

An analyser is a function ``(code: bytes) -> CodeFacts`` in the entry point group
``tinycontainer.analysers``, named after a container type in lower case. It raises
`InadmissibleCode` for code that it cannot read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What was found.

    Attributes:
        natives: names of the native functions that it can call, such as ``open``.
        imported: names of those that have to be there for it to be linked, called or not.
        hooks: hooks that it has, such as ``loop``.
        opened: endpoint ids that it passes to ``open`` as constants.
        opens_computed: whether it passes ``open`` other values too, so that `opened` is not all.
        memory_bytes: linear memory that it begins with.
        exported_globals: names of the global variables that others can read.
        grows_memory: whether it can ask for more memory.
    """

    natives: frozenset[str]
    imported: frozenset[str]
    hooks: frozenset[str]
    opened: frozenset[int]
    opens_computed: bool
    memory_bytes: int
    exported_globals: frozenset[str] = frozenset()
    grows_memory: bool = False


Analyser: TypeAlias = Callable[[bytes], CodeFacts]
