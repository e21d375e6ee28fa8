"""Holds answers of a gateway against its description."""

import json
import re
from typing import Any, cast

import jsonschema_rs


class Description:
    """The description of a gateway's resources.

    Args:
        document: of OpenAPI.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._paths = sorted(document["paths"], key=lambda path: path.count("{"))
        self._validators: dict[str, Any] = {}

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """What is described for a method and a path; None if nothing is."""
        for template in self._paths:
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                known = self.document["paths"][template]
                name = "get" if method == "HEAD" else method.lower()
                return cast("dict[str, Any] | None", known.get(name))
        return None

    def complaints(
        self, method: str, path: str, status: int, content_type: str, body: bytes | None
    ) -> list[str]:
        """What is not as described; nothing if all is.

        Args:
            method: of the request.
            path: of the request, as it was sent.
            status: of the answer.
            content_type: of the answer; empty if it has none.
            body: of the answer; None to leave it out.
        """
        operation = self.operation(method, path)
        media_type = content_type.partition(";")[0].strip().lower()
        if operation is None:  # what is not described is refused
            if status not in (401, 403, 404, 405, 429) or media_type != "application/problem+json":
                return [f"{method} {path}: is not described, and answered {status} {content_type}"]
            return self._misfits({"$ref": "#/components/schemas/Problem"}, body)
        described = operation["responses"].get(str(status))
        if described is None:
            return [f"{method} {path}: the status {status} is not described"]
        if "$ref" in described:
            name = described["$ref"].rpartition("/")[2]
            described = self.document["components"]["responses"][name]
        contents = {
            name.partition(";")[0]: each for name, each in described.get("content", {}).items()
        }
        if not contents or method == "HEAD":
            return [f"{method} {path}: has a content"] if body else []
        if media_type not in contents:
            return [f"{method} {path}: {status} with {content_type or 'no type'} is not described"]
        if not media_type.endswith("json"):
            return []
        return self._misfits(contents[media_type].get("schema", {}), body)

    def _misfits(self, schema: dict[str, Any], body: bytes | None) -> list[str]:
        if body is None:
            return []
        key = json.dumps(schema)
        if key not in self._validators:
            rooted = {**schema, "components": closed(self.document["components"])}
            self._validators[key] = jsonschema_rs.Draft202012Validator(rooted)
        value = json.loads(body, parse_constant=_refuse_constant)
        return [
            f"{list(each.instance_path)}: {each.message}"
            for each in self._validators[key].iter_errors(value)
        ]


def closed(value: Any) -> Any:
    """Schemas whose objects have no fields but those that are described."""
    if isinstance(value, list):
        return [closed(each) for each in value]
    if not isinstance(value, dict):
        return value
    more = {"additionalProperties": False} if "required" in value and "properties" in value else {}
    return {**{key: closed(each) for key, each in value.items()}, **more}


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
