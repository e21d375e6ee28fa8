"""Refused HTTP requests, as problem details (RFC 9457)."""

import json
from collections.abc import Mapping
from typing import Final

from tinycontainer.text import flatten

from ...agent.requests.refusing import MAX_PROBLEM_CHARACTERS

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:tinycontainer:problem:"


class HttpRefused(Exception):
    """A request that is answered with an error.

    Attributes:
        status: of the answer.
        reason: the kind of refusal, from a closed list.
        detail: what exactly and what to do, in one line.
        headers: of the answer.
        code: of the device's answer, such as ``4.09``; empty if it is the gateway that refuses.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        code: str = "",
    ) -> None:
        super().__init__(f"{status} {reason}: {detail}")
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = dict(headers or {})
        self.code = code

    def body(self) -> bytes:
        """The problem as JSON."""
        reason = flatten(self.reason)
        problem = {
            "type": TYPE + reason,
            "title": reason.replace("-", " "),
            "status": self.status,
            "detail": flatten(self.detail)[:MAX_PROBLEM_CHARACTERS],
        }
        if self.code:
            problem["code"] = self.code
        return json.dumps(problem).encode() + b"\n"


def bad_request(detail: str) -> HttpRefused:
    """A request that cannot be read."""
    return HttpRefused(400, "bad-request", detail)
