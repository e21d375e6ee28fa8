"""The structure of the code as it is: its modules with their jobs, its wings and who imports whom.

Everything is read from the sources, as text: nothing is imported.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.project import ROOT

PACKAGES = {
    "tinycontainer": ROOT / "tinycontainer",
    "tinycontainer_runtimes": ROOT / "runtime_adapters" / "tinycontainer_runtimes",
    "tinycontainer_endpoints": ROOT / "endpoints" / "tinycontainer_endpoints",
    "tinycontainer_tokens": ROOT / "tokens" / "tinycontainer_tokens",
}
"""The importable packages of the project, and where they lie."""

DOCS = ROOT / "docs"

_PAGE_HEAD = """# Module map

Generated from the first sentence of each docstring, by `python tests/specification/renew.py`;
change the docstrings.

"""


@dataclass(frozen=True)
class Module:
    """One file of code.

    Attributes:
        name: dotted.
        path: where it lies, relative to the project.
        is_package: whether it is the ``__init__`` of a folder.
        job: first sentence of its docstring.
        imports: modules of the project that it imports, by dotted name.
    """

    name: str
    path: Path
    is_package: bool
    job: str
    imports: frozenset[str]

    @property
    def wing(self) -> str:
        """The folder under ``tinycontainer/`` that it belongs to, or its package."""
        parts = self.name.split(".")
        inside = len(parts) > 2 or (len(parts) == 2 and self.is_package)
        return parts[1] if parts[0] == "tinycontainer" and inside else parts[0]


def modules() -> list[Module]:
    """All modules of the project, in the order of their names."""
    sources = {name: path for package in PACKAGES for name, path in sorted(_sources(package))}
    return [_read_module(name, path, frozenset(sources)) for name, path in sources.items()]


def public_types() -> dict[str, list[str]]:
    """Each public class or type alias of the production code, with the modules that define it."""
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        for name, path in sorted(_sources(package)):
            for node in ast.walk(ast.parse(path.read_text())):
                defined = ""
                if isinstance(node, ast.ClassDef):
                    defined = node.name
                elif (
                    isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias"
                ):
                    defined = ast.unparse(node.target)
                if defined and not defined.startswith("_"):
                    found.setdefault(defined, []).append(name)
    return found


def _defined_type(node: ast.AST) -> str | None:
    if isinstance(node, ast.ClassDef):
        return node.name
    if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
        return ast.unparse(node.target)
    return None


def module_page() -> str:
    """Every folder and module with its job: the page docs/modules.md."""
    found = modules()
    lines = []
    for folder in (module for module in found if module.is_package):
        inside = [m for m in found if not m.is_package and m.path.parent == folder.path.parent]
        lines += [f"## `{folder.path.parent}/`", "", folder.job, ""]
        if inside:
            lines += ["| module | job |", "|---|---|"]
            lines += [f"| `{module.path.stem}` | {module.job} |" for module in inside]
            lines.append("")
    return _PAGE_HEAD + "\n".join(lines)


def wing_diagram() -> str:
    """Which wing imports which, as a Mermaid graph.

    An arrow that follows from two others is left out.
    """
    arrows: dict[str, set[str]] = {}
    wings = {module.name: module.wing for module in modules()}
    for module in modules():
        known = arrows.setdefault(module.wing, set())
        known |= {wings[each] for each in module.imports} - {module.wing, "tinycontainer"}
    del arrows["tinycontainer"]  # its root: public names, errors and text, which everybody may use
    reach = {wing: _reachable(wing, arrows) for wing in arrows}
    lines = ["```mermaid", "graph TD"]
    for wing in sorted(arrows):
        short = {each for each in arrows[wing] if not _follows(wing, each, arrows, reach)}
        lines += [f"    {wing} --> {each}" for each in sorted(short)]
    return "\n".join([*lines, "```"])


def _follows(
    wing: str, target: str, arrows: dict[str, set[str]], reach: dict[str, set[str]]
) -> bool:
    return any(target in reach[other] for other in arrows[wing] - {target})


def _reachable(wing: str, arrows: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(arrows[wing])
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += arrows[each]
    return found


def _sources(package: str) -> Iterator[tuple[str, Path]]:
    folder = PACKAGES[package]
    for path in folder.rglob("*.py"):
        parts = [package, *path.relative_to(folder).with_suffix("").parts]
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _read_module(name: str, path: Path, known: frozenset[str]) -> Module:
    tree = ast.parse(path.read_text())
    is_package = path.name == "__init__.py"
    docstring = ast.get_docstring(tree) or ""
    package = name if is_package else name.rpartition(".")[0]
    imports = {
        each
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for each in _imported(node, package, known)
    }
    job = docstring.partition("\n")[0]
    return Module(name, path.relative_to(ROOT), is_package, job, frozenset(imports - {name}))


def _imported(
    node: ast.Import | ast.ImportFrom, package: str, known: frozenset[str]
) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
        return
    above = package.split(".")[: len(package.split(".")) - max(0, node.level - 1)]
    origin = ".".join([*above, node.module or ""]).strip(".") if node.level else node.module or ""
    for alias in node.names:
        full = f"{origin}.{alias.name}"
        if full in known:
            yield full
        elif origin in known:
            yield origin
