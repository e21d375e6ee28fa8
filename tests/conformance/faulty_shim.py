"""A deliberately wrong implementation: our own shim with one line of the device changed.

Run as a program: ``python faulty_shim.py MODULE OLD NEW``. The source of the module is read, the
old text, which has to stand there, is replaced, and the result is imported in its place.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType


class Changed(importlib.abc.MetaPathFinder):
    """Finds one module, and finds it changed."""

    def __init__(self, name: str, old: str, new: str) -> None:
        self._name, self._old, self._new = name, old, new

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or spec.origin is None:
            raise ImportError(f"{fullname} is not there")
        return importlib.util.spec_from_file_location(
            fullname,
            spec.origin,
            loader=ChangedLoader(fullname, spec.origin, self._old, self._new),
            submodule_search_locations=spec.submodule_search_locations,
        )


class ChangedLoader(importlib.machinery.SourceFileLoader):
    """Loads a module's source with a text in it replaced; compiles it anew each time."""

    def __init__(self, name: str, path: str, old: str, new: str) -> None:
        super().__init__(name, path)
        self._old, self._new = old, new

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        source = self.get_source(fullname)
        if source is None or self._old not in source:
            raise ImportError(f"{fullname}: the line to be changed is not there: {self._old}")
        return compile(source.replace(self._old, self._new), self.path, "exec")


def main(module: str, old: str, new: str) -> int:
    sys.meta_path.insert(0, Changed(module, old, new))
    from tinycontainer.conformance.shim.__main__ import main as answer  # noqa: PLC0415 - after the finder is in place

    return answer(["--runtime", "wasm=wasmtime"])  # the faster engine; no fault is in one


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
