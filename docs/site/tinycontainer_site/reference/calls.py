"""The page of the calls that a container can make, from the C header and the specs' tables."""

import re
import tomllib
from typing import Any

from tinycontainer.interfaces.syscalls import Syscall

from ..pages import Page, Stage
from ..project import ROOT
from .markdown import block, code, table

_ORIGIN = "examples/include/tinycontainer.h"
_DECLARED = re.compile(
    r"/\* (?P<text>[^*]*?) \*/\nTC_IMPORT\((?P<name>\w+)\) (?P<declaration>[^;]+;)"
)
_HELPER = re.compile(
    r"/\* (?P<text>(?:(?!\*/).)*?) \*/\nstatic inline (?P<declaration>[^{]+?)\n\{", re.DOTALL
)
_HEAD = """# Calls of a container

A container in WebAssembly imports these functions from the module `env`; one in rBPF calls helpers.
The C header [tinycontainer.h](#the-whole-header) declares them as `tc_...`. A refused call returns
-1, and the device's owner sees
[the reason](site:reference/trace-events.md#reasons-for-a-refused-call); a driver's own refusal is a
negative number too (TC-CALL-02, TC-CALL-03). No call waits (TC-CALL-12).

Every call costs instructions (TC-SCHED-11). Which calls a container may make, its owner decides,
with one bit for each (TC-CALL-01); the log and a container's own data are always there.
"""


def add_calls(stage: Stage) -> None:
    """Add the page."""
    header = (ROOT / _ORIGIN).read_text(encoding="utf-8")
    helpers = tomllib.loads((ROOT / "specs" / "tables.toml").read_text())["rbpf"]["helpers"]
    found = list(_DECLARED.finditer(header))
    parts = [_HEAD, "## All of them\n", _overview(found, helpers)]
    for each in found:
        name = "log" if each["name"] == "logger" else each["name"]
        parts += [f"## {name}\n", f"{_flat(each['text'])}\n", block("c", each["declaration"])]
    parts.append("## What the header adds in C\n")
    rows = [
        (code(_flat(each["declaration"])), _flat(each["text"])) for each in _HELPER.finditer(header)
    ]
    parts += [table(("function", "meaning"), rows), "\n## The whole header\n", block("c", header)]
    text = "\n".join(parts)
    stage.add(Page("reference/calls.md", text, _ORIGIN))


def _overview(found: list[re.Match[str]], helpers: dict[str, Any]) -> str:
    numbers = {each.name.lower(): each for each in Syscall}
    rows = []
    for each in found:
        name = each["name"]
        number = numbers.get(name)
        mask = (
            "always there"
            if number is None
            else f"{int(number)}, bit {int(number) - 1} of the mask"
        )
        wasm = "log" if name == "logger" else name
        rows.append((f"[`{wasm}`](#{wasm})", mask, code(hex(helpers[name]))))
    return table(("call in `env`", "number", "helper of rBPF"), rows)


def _flat(text: str) -> str:
    return " ".join(text.replace("\n *", "\n").split())
