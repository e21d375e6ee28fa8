"""Writes TOML: JSON's values are TOML's, but for tables."""

import json
from typing import Any


def write_toml(values: dict[str, Any]) -> str:
    """A whole file; every table is written in one line."""
    return "".join(f"{json.dumps(key)} = {_write(value)}\n" for key, value in values.items())


def _write(value: Any) -> str:
    if isinstance(value, dict):
        inside = (f"{json.dumps(key)} = {_write(each)}" for key, each in value.items())
        return "{ " + ", ".join(inside) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
