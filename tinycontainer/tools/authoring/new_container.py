"""New containers: a directory that builds, packs, runs and tests at once."""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from string import Template
from tempfile import mkdtemp
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
        type: of the container, as the manifest names it.
        code: name of the built code.
        language: as the table ``build`` names it.
        sources: as the table ``build`` lists them; the first is the container's own.
        origins: files and directories of the examples, each with its place in the new directory.
    """

    words: str
    type: str
    code: str
    language: str
    sources: tuple[str, ...]
    origins: Mapping[str, str] = field(default_factory=dict)


_SHARED: Final = {
    "new/shared/container.toml": "container.toml",
    "new/shared/device.toml": "device.toml",
    "new/shared/temperature.csv": "temperature.csv",
    "new/shared/README.md": "README.md",
    "new/shared/gitignore": ".gitignore",
    "new/shared/tests/test_container.py": "tests/test_container.py",
}
_HEADER: Final = {"include/tinycontainer.h": "src/tinycontainer.h"}

STARTERS: Final[Mapping[str, Starter]] = {
    "c": Starter(
        words="C",
        type="wasm",
        code="container.wasm",
        language="c",
        sources=("src/main.c",),
        origins=_SHARED
        | _HEADER
        | {
            "new/c/src/main.c": "src/main.c",
            "new/c/container.wasm": "container.wasm",
            "new/c/container.debug": "container.debug",
        },
    ),
    "rust": Starter(
        words="Rust",
        type="wasm",
        code="container.wasm",
        language="rust",
        sources=("src/lib.rs", "tinycontainer/tinycontainer.rs"),
        origins=_SHARED
        | {
            "new/rust/Cargo.toml": "Cargo.toml",
            "new/rust/src/lib.rs": "src/lib.rs",
            "new/rust/container.wasm": "container.wasm",
            "new/rust/container.debug": "container.debug",
            "bindings/rust/Cargo.toml": "tinycontainer/Cargo.toml",
            "bindings/rust/tinycontainer.rs": "tinycontainer/tinycontainer.rs",
        },
    ),
    "zig": Starter(
        words="Zig",
        type="wasm",
        code="container.wasm",
        language="zig",
        sources=("src/main.zig", "src/tinycontainer.zig"),
        origins=_SHARED
        | {
            "new/zig/src/main.zig": "src/main.zig",
            "new/zig/container.wasm": "container.wasm",
            "new/zig/container.debug": "container.debug",
            "bindings/zig/tinycontainer.zig": "src/tinycontainer.zig",
        },
    ),
    "assemblyscript": Starter(
        words="AssemblyScript",
        type="wasm",
        code="container.wasm",
        language="assemblyscript",
        sources=("src/main.ts", "src/tinycontainer.ts"),
        origins=_SHARED
        | {
            "new/assemblyscript/src/main.ts": "src/main.ts",
            "new/assemblyscript/container.wasm": "container.wasm",
            "new/assemblyscript/container.debug": "container.debug",
            "bindings/assemblyscript/tinycontainer.ts": "src/tinycontainer.ts",
        },
    ),
    "rbpf-c": Starter(
        words="C, for rBPF",
        type="bpf",
        code="container.rbf",
        language="c",
        sources=("src/main.c",),
        origins=_SHARED
        | _HEADER
        | {
            "new/c/src/main.c": "src/main.c",
            "new/c/container.rbf": "container.rbf",
            "new/c/container-rbpf.debug": "container.debug",
        },
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
    if directory.exists():
        raise NameRefused("exists; choose another name")
    draft = Path(mkdtemp(prefix=f".{name}.", dir=directory.parent))
    try:
        made = list(_fill(draft, starter, _fillings(name, starter)))
        draft.chmod(0o755)
        draft.rename(directory)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return made


def _fillings(name: str, starter: Starter) -> dict[str, str]:
    return {
        "name": name,
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
            target = draft / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            yield Path(place)
