"""Refused requests, each with its status and a reason from a closed list."""

from collections.abc import Mapping


class PlatformRefused(Exception):
    """A request that is answered with an error.

    Attributes:
        status: of HTTP.
        reason: the kind of refusal: words with hyphens.
        detail: what exactly and what to do, in one line without secrets.
        headers: of the answer.
    """

    def __init__(
        self, status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {reason}: {detail}")
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = dict(headers or {})


def bad_request(detail: str) -> PlatformRefused:
    """A request that cannot be read."""
    return PlatformRefused(400, "bad-request", detail)


def unauthorized(detail: str) -> PlatformRefused:
    """Nobody who is known asks."""
    challenge = {"WWW-Authenticate": 'Bearer realm="platform"'}
    return PlatformRefused(401, "unauthorized", detail, challenge)


def forbidden(detail: str) -> PlatformRefused:
    """Who asks is known, sees it, and may not do this to it."""
    return PlatformRefused(403, "forbidden", detail)


def not_found(what: str) -> PlatformRefused:
    """It is not there, or belongs to somebody else; the answer is the same.

    Args:
        what: the kind of thing, such as ``person``.
    """
    return PlatformRefused(404, "not-found", f"there is no such {what}")


def conflict(detail: str) -> PlatformRefused:
    """It does not fit what is there already."""
    return PlatformRefused(409, "conflict", detail)


def too_many(detail: str, wait_s: float) -> PlatformRefused:
    """Asked too often.

    Args:
        detail: what was asked too often.
        wait_s: when to try again.
    """
    return PlatformRefused(429, "too-many-requests", detail, {"Retry-After": f"{int(wait_s) + 1}"})


def failed(detail: str) -> PlatformRefused:
    """The platform cannot answer now; the same request can work later."""
    return PlatformRefused(503, "failed", detail)
