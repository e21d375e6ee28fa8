"""What is described at /openapi.json beside what each resource says: how requests are refused."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from pydantic import Field

from ...gateway.web.problems import MEDIA_TYPE, TYPE
from .bodies import JsonAnswer

_NAME: Final = "Problem"
_REFUSED: Final[Mapping[int, str]] = {
    400: "it cannot be read",
    401: "nobody who is known asks",
    403: "who asks may not do this",
    404: "it is not there, or belongs to others",
    409: "it does not fit what is there",
    413: "it is too long",
    422: "the token is not what is to be signed",
    429: "asked too often",
    503: "the platform cannot answer now",
}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"$ref": f"#/components/responses/{_NAME}", "description": why}
    for status, why in _REFUSED.items()
}
"""Of every operation, beside its own."""


class ProblemShown(JsonAnswer):
    """Why a request is refused (RFC 9457)."""

    type: str = Field(pattern=f"^{TYPE}")
    title: str
    status: int
    detail: str


class DescribedApplication(FastAPI):
    """An application whose description also says what a refusal is made of."""

    def openapi(self) -> dict[str, Any]:
        """The description."""
        document = super().openapi()
        components = document.setdefault("components", {})
        components.setdefault("schemas", {})[_NAME] = ProblemShown.model_json_schema()
        schema = {"$ref": f"#/components/schemas/{_NAME}"}
        components.setdefault("responses", {})[_NAME] = {
            "description": "a problem",
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        return document
