"""New containers: a directory that builds, packs, runs and tests at once."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Final

_EXAMPLES: Final = "tinycontainer_examples"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_FILLED: Final = frozenset({".toml", ".md"})
"""Suffixes of files in which names are filled in."""


class NameRefused(ValueError):
    """A directory that no container can be made in, or a name that none can have."""


@dataclass(frozen=True, slots=True)
class Starter:
    """What a new container in one language begins with.

    Attributes:
        words: the language, for people.
        language: as the table ``build`` of a manifest names it.
        folder: of the examples, with source and built code.
        sources: as the table ``build`` lists them; the first is the container's own.
        bindings: files of the examples, each with its place in the new directory.
        type: of the container, as the manifest names it.
        code: name of the built code.
        debug: name of its debug file in the folder.
        more: further files of the folder.
    """

    words: str
    language: str
    folder: str
    sources: tuple[str, ...]
    bindings: Mapping[str, str]
    type: str = "wasm"
    code: str = "container.wasm"
    debug: str = "container.debug"
    more: tuple[str, ...] = ()

    @property
    def origins(self) -> dict[str, str]:
        """All files of the examples that are copied, each with its place."""
        own = (self.sources[0], self.code, *self.more)
        return {
            **{f"new/shared/{each}": each for each in _SHARED},
            "new/shared/gitignore": ".gitignore",
            # pytest wants names that differ where the tests of several containers run together.
            "new/shared/test_container.py": "tests/test_$module.py",
            **{f"{self.folder}/{each}": each for each in own},
            f"{self.folder}/{self.debug}": "container.debug",
            **self.bindings,
        }


_SHARED: Final = (
    "container.toml",
    "device.toml",
    "temperature.csv",
    "README.md",
)
_HEADER: Final = {"include/tinycontainer.h": "src/tinycontainer.h"}

STARTERS: Final[Mapping[str, Starter]] = {
    "c": Starter("C", "c", "new/c", ("src/main.c",), _HEADER),
    "rust": Starter(
        words="Rust",
        language="rust",
        folder="new/rust",
        sources=("src/lib.rs", "tinycontainer/tinycontainer.rs"),
        bindings={
            "bindings/rust/Cargo.toml": "tinycontainer/Cargo.toml",
            "bindings/rust/tinycontainer.rs": "tinycontainer/tinycontainer.rs",
        },
        more=("Cargo.toml",),
    ),
    "zig": Starter(
        words="Zig",
        language="zig",
        folder="new/zig",
        sources=("src/main.zig", "src/tinycontainer.zig"),
        bindings={"bindings/zig/tinycontainer.zig": "src/tinycontainer.zig"},
    ),
    "assemblyscript": Starter(
        words="AssemblyScript",
        language="assemblyscript",
        folder="new/assemblyscript",
        sources=("src/main.ts", "src/tinycontainer.ts"),
        bindings={"bindings/assemblyscript/tinycontainer.ts": "src/tinycontainer.ts"},
    ),
    "rbpf-c": Starter(
        words="C, for rBPF",
        language="c",
        folder="new/c",
        sources=("src/main.c",),
        bindings=_HEADER,
        type="bpf",
        code="container.rbf",
        debug="container-rbpf.debug",
    ),
}
"""Languages by the names that ``new --lang`` takes."""


def make_container(directory: Path, starter: Starter) -> list[Path]:
    """Make the directory of a new container, whole or not at all.

    Args:
        directory: its last part is the container's uid.
        starter: what it begins with.

    Returns:
        The files, relative to the directory.

    Raises:
        NameRefused: the name is no uid of the usual form, or the directory exists.
        OSError: it cannot be written.
    """
    name = directory.name
    if not _NAME.fullmatch(name):
        problem = "begins with a letter and has at most 40 letters, digits, - and _"
        raise NameRefused(f"the name of a container {problem}")
    if os.path.lexists(directory):
        raise NameRefused("exists; choose another name")
    with TemporaryDirectory(prefix=f".{name}.", dir=directory.parent) as scratch:
        draft = Path(scratch) / name
        draft.mkdir()
        made = list(_fill(draft, starter, _fillings(name, starter)))
        draft.rename(directory)
    return made


def _fillings(name: str, starter: Starter) -> dict[str, str]:
    return {
        "name": name,
        "module": name.replace("-", "_"),
        "listener": "alarms" if name != "alarms" else "listener",
        "type": starter.type,
        "code": starter.code,
        "language": starter.language,
        "language_name": starter.words,
        "sources": ", ".join(f'"{source}"' for source in starter.sources),
        "main": starter.sources[0],
    }


def _fill(draft: Path, starter: Starter, fillings: Mapping[str, str]) -> Iterator[Path]:
    with as_file(files(_EXAMPLES)) as examples:
        for origin, place in starter.origins.items():
            content = (examples / origin).read_bytes()
            if Path(origin).suffix in _FILLED:
                content = Template(content.decode()).substitute(fillings).encode()
            path = Path(Template(place).substitute(fillings))
            (draft / path.parent).mkdir(parents=True, exist_ok=True)
            (draft / path).write_bytes(content)
            yield path
