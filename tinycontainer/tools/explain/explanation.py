"""In words that can be shown: what a failed check expected, what it found, and why it failed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tinycontainer.device.containers.verification import TokenReport
from tinycontainer.text import show
from tinycontainer_tokens import Claims, Expectation, Kind
from tinycontainer_tokens.keys import MAX_KID_BYTES
from tinycontainer_tokens.kinds import SIGNING_ROLE
from tinycontainer_tokens.unverified import UnverifiedToken, read_unverified

from ..artefact.moments import format_duration, format_utc


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a check failed; all of it is fit to be shown.

    Attributes:
        expected: what would have passed.
        found: what was there.
        cause: the likely mistake, found by an experiment; None if no experiment fits.
    """

    expected: str
    found: str
    cause: str | None = None


def name_of(kind: Kind) -> str:
    """A kind in words, such as ``mask``."""
    return kind.name.lower()


def contrast_failure(report: TokenReport) -> Explanation:
    """What a report's failed step expected and what it found, without a cause.

    Args:
        report: of a token that failed.

    Raises:
        ValueError: it did not fail.
    """
    failure = report.verification.failure if report.verification else None
    if failure is None or report.verification is None:
        raise ValueError("a token that did not fail needs no explanation")
    words = _CONTRASTS.get(failure.check)
    if words is None:
        return Explanation(_FORMS[failure.check], failure.detail)
    said = read_unverified(report.token, report.expected.kind)
    return words(report.expected, said, report.verification.claims or Claims())


def _present(expected: Expectation, _token: UnverifiedToken, _claims: Claims) -> Explanation:
    kind = name_of(expected.kind)
    return Explanation(f"a {kind} token of the {SIGNING_ROLE[expected.kind]}", "none")


def _profile(expected: Expectation, token: UnverifiedToken, _claims: Claims) -> Explanation:
    if token.profile is expected.profile:
        return Explanation("the tags 61 and 18, or 61 and 17, before it", "no tags")
    return Explanation(str(expected.profile), str(token.profile or "no token"))


def _key(expected: Expectation, token: UnverifiedToken, _claims: Claims) -> Explanation:
    algorithm = f" for {token.envelope.algorithm}" if token.envelope else ""
    kid = f" with the key id {show(token.kid)}" if token.kid else ""
    role = SIGNING_ROLE[expected.kind]
    wanted = f"a key of the role {role}{algorithm} in {expected.profile}{kid}"
    return Explanation(wanted, "no such key")


def _signature(expected: Expectation, _token: UnverifiedToken, _claims: Claims) -> Explanation:
    return Explanation(
        f"made with a key of the role {SIGNING_ROLE[expected.kind]} over what it carries now",
        "a signature that none of the keys of this role fits",
    )


def _kind(expected: Expectation, _token: UnverifiedToken, claims: Claims) -> Explanation:
    found = "no kind" if claims.kind is None else f"kind {claims.kind} ({name_of(claims.kind)})"
    return Explanation(f"kind {int(expected.kind)} ({name_of(expected.kind)})", found)


def _uid(expected: Expectation, _token: UnverifiedToken, claims: Claims) -> Explanation:
    return Explanation(f"uid {show(expected.uid)}", f"uid {show(claims.uid or b'')}")


def _audience(expected: Expectation, _token: UnverifiedToken, claims: Claims) -> Explanation:
    device = expected.audience
    return Explanation(
        "no audience: this device has no id" if device is None else f"audience {show(device)}",
        f"audience {show(claims.audience or '')}",
    )


def _time(expected: Expectation, _token: UnverifiedToken, claims: Claims) -> Explanation:
    now_s = expected.now_s
    found = format_utc(now_s)
    begins_s = claims.not_before_s
    if begins_s is not None and now_s < begins_s:
        early = format_duration(begins_s - now_s)
        return Explanation(
            f"a time from {format_utc(begins_s)} on", f"{found}, which is {early} too early"
        )
    ends_s = claims.expires_s or 0
    late = format_duration(now_s - ends_s)
    return Explanation(f"a time before {format_utc(ends_s)}", f"{found}, which is {late} later")


def _content(expected: Expectation, _token: UnverifiedToken, claims: Claims) -> Explanation:
    there = expected.content_sha256 or b""
    carried = claims.sha256 or b""
    return Explanation(
        f"sha256 {there.hex()}, that of the {_CONTENT[expected.kind]}",
        f"sha256 {carried.hex()} in the token",
    )


_FORMS: Final = {
    "structure": "one COSE_Sign1 or COSE_Mac0 in strict CBOR",
    "header": f"alg as the tag demands, a kid of 1 to {MAX_KID_BYTES} bytes if any, nothing else",
    "claims": "exactly the claims of this kind and profile",
    "sequence": "a higher sequence than any accepted before, or the very bytes accepted before",
}
_CONTRASTS: Final[dict[str, Callable[[Expectation, UnverifiedToken, Claims], Explanation]]] = {
    "present": _present,
    "profile": _profile,
    "key": _key,
    "signature": _signature,
    "kind": _kind,
    "uid": _uid,
    "audience": _audience,
    "time": _time,
    "content": _content,
}
_CONTENT: Final = {
    Kind.CODE: "code",
    Kind.DATA: "data",
    Kind.METADATA: "metadata before this token",
    Kind.ENDPOINT: "endpoint entry without its token",
    Kind.MASK: "mask",
}
