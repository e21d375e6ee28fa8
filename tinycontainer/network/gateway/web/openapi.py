"""The description of all resources over HTTP, as OpenAPI."""

import json


def write_openapi() -> bytes:
    """The description, as JSON."""
    return json.dumps({"openapi": "3.1.0"}).encode()
