"""Types, ranges and defaults of every key of the files that people write, from their schemas."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from tinycontainer.files.device_file import DeviceFile
from tinycontainer.files.toml_file import Table
from tinycontainer.scenario.expectations import ExpectationsFile
from tinycontainer.scenario.script import ScriptFile
from tinycontainer.tools.packing.manifest import ManifestFile

from ..pages import Stage
from ..project import ROOT
from .markdown import block, code, table
from .schemas import describe_type

_FILES: Final[dict[str, type[Table]]] = {
    "container-file.md": ManifestFile,
    "device-file.md": DeviceFile,
    "script-file.md": ScriptFile,
    "expectations-file.md": ExpectationsFile,
}


def add_tables_of_files(stage: Stage) -> None:
    """Append to the page of each file what its schema says of every key."""
    for path, model in _FILES.items():
        page = stage.pages[path]
        schema = model.model_json_schema()
        stage.pages[path] = replace(page, text=f"{page.text}\n{_chapter(schema)}")
    page = stage.pages["bundle-file.md"]
    stage.pages["bundle-file.md"] = replace(page, text=f"{page.text}\n{_cddl()}")


def _chapter(schema: dict[str, Any]) -> str:
    rows = list(_rows(schema, schema, ""))
    return "## Types, ranges and defaults\n\n" + table(("key", "type", "default"), rows)


def _rows(whole: dict[str, Any], part: dict[str, Any], place: str) -> Iterator[tuple[str, ...]]:
    required = part.get("required", ())
    for name, about in part.get("properties", {}).items():
        key = f"{place}.{name}".strip(".")
        inner = _inner_table(whole, about)
        if inner is not None:
            yield from _rows(whole, inner, key)
            continue
        default = "required" if name in required else _default(about)
        yield code(key), describe_type(about, whole), default


def _inner_table(whole: dict[str, Any], about: dict[str, Any]) -> dict[str, Any] | None:
    """The table that a key has, or each element of its array."""
    about = about.get("items", about) if about.get("type") == "array" else about
    for each in (about, *about.get("anyOf", ())):
        target = whole.get("$defs", {}).get(each.get("$ref", "").rpartition("/")[2], {})
        if "properties" in target:
            found: dict[str, Any] = target
            return found
    return None


def _default(about: dict[str, Any]) -> str:
    default = about.get("default")
    return "" if default in (None, "", [], {}) else code(str(default).replace("True", "true"))


def _cddl() -> str:
    text = (ROOT / "specs" / "metadata.cddl").read_text(encoding="utf-8")
    return "## The bytes, in CDDL\n\n" + block("text", text)
