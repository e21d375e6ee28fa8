"""JSON Schema in words."""

from typing import Any

from .markdown import code


def describe_type(about: dict[str, Any], whole: dict[str, Any]) -> str:
    """The type of a value, with its range."""
    if "$ref" in about:
        return describe_type(whole["$defs"][about["$ref"].rpartition("/")[2]], whole)
    if "const" in about:
        return code(str(about["const"]))
    if "enum" in about:
        return ", ".join(code(str(each)) for each in about["enum"])
    if "anyOf" in about:
        kinds = (describe_type(each, whole) for each in about["anyOf"])
        return " or ".join(dict.fromkeys(kinds))
    return _describe_simple(about, whole)


def _describe_simple(about: dict[str, Any], whole: dict[str, Any]) -> str:
    match about.get("type"):
        case "array":
            items = about.get("items") or {}
            return f"array of {describe_type(items, whole)}" if items else "array"
        case "object":
            values = about.get("additionalProperties")
            if isinstance(values, dict) and values:
                return f"table of {describe_type(values, whole)}"
            return "table"
        case "integer" | "number" as kind:
            word = "whole number" if kind == "integer" else "number"
            return f"{word}{_range(about)}"
        case "string":
            return f"text{_length(about)}"
        case "boolean":
            return "`true` or `false`"
        case "null":
            return "nothing"
    return "any value"


def _range(about: dict[str, Any]) -> str:
    low = about.get("minimum", about.get("exclusiveMinimum"))
    high = about.get("maximum", about.get("exclusiveMaximum"))
    above = "above" if "exclusiveMinimum" in about else "from"
    below = "below" if "exclusiveMaximum" in about else "to"
    text = "" if low is None else f" {above} {low}"
    return text if high is None else f"{text} {below} {high}"


def _length(about: dict[str, Any]) -> str:
    low, high = about.get("minLength"), about.get("maxLength")
    if high is None:
        return f" of at least {low} characters" if low else ""
    return f" of {low or 0} to {high} characters"
