"""The description of all resources over HTTP, as OpenAPI 3.1."""

import json
from importlib.metadata import version
from typing import Any

from .description.answers import refusals
from .description.operations import OPERATIONS
from .description.parameters import PARAMETERS
from .description.schemas import SCHEMAS

_ABOUT = """\
Devices over HTTP. Each path below /devices/{name} is one of the device itself; requests to it \
become requests of CoAP. Answers are JSON; with Accept: application/cbor they stay as the device \
gave them, and with Accept: text/event-stream you get them again whenever they change. HEAD is \
answered wherever GET is. A gateway whose file has no tokens asks for none. Every refusal is a \
problem (RFC 9457)."""


def write_openapi() -> bytes:
    """The description, as JSON."""
    return json.dumps(describe()).encode()


def describe() -> dict[str, Any]:
    """The description, as plain values."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TinyContainer gateway",
            "version": version("tinycontainer"),
            "description": _ABOUT,
        },
        "security": [{"bearer": []}],
        "paths": _paths(),
        "components": {
            "parameters": {name: each.as_dict() for name, each in PARAMETERS.items()},
            "responses": refusals(),
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of the gateway's file (keygen --bearer).",
                }
            },
        },
    }


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = operation.as_dict()
    return paths
