"""What a platform asks to have signed, as a checked value; its meaning is not judged here."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from tinycontainer.interfaces.nesting import require_shallow_text
from tinycontainer.text import show
from tinycontainer_tokens import Profile
from tinycontainer_tokens.claims import MAX_CLAIMS_BYTES, MAX_UID_BYTES

from ..releases.parts import ReleasePart
from .refusal import RefusalReason, SigningRefused

MAX_ANSWER_BYTES: Final = 8 << 20
"""Longest answer that is read."""

_MAX_NUMBER: Final = (1 << 64) - 1
_MAX_PROBLEM_BYTES: Final = 1 << 16
_MAX_COMMAS: Final = 16
"""Between fields; no value holds one."""
_SHOWN_BYTES: Final = 300
_FIELDS: Final = frozenset({"uid", "number", "part", "profile", "payload", "covered"})
_HEXADECIMAL: Final = re.compile(r"(?:[0-9a-f]{2})+")


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What is to be signed, as a platform says. All of it is untrusted.

    Attributes:
        uid: of the container.
        number: of the release.
        part: which part of it.
        profile: layout of the token.
        payload: the claims that are to be signed, encoded.
        covered: the bytes whose hash the claims carry; None if there are none.
    """

    uid: bytes
    number: int
    part: ReleasePart
    profile: Profile
    payload: bytes
    covered: bytes | None


def read_request(body: bytes) -> SigningRequest:
    """Read the answer to the question what is to be signed.

    Args:
        body: untrusted bytes.

    Raises:
        SigningRefused: it does not have the form that was agreed.
    """
    values = _read_object(body)
    if values.keys() != _FIELDS:
        strange = sorted(values.keys() ^ _FIELDS)[0]
        verb = "lacks" if strange in _FIELDS else "has the unknown field"
        _refuse(f"it {verb} {show(strange, 40)}")
    covered = values["covered"]
    return SigningRequest(
        uid=_read_uid(values["uid"]),
        number=_read_number(values["number"]),
        part=_read_part(values["part"]),
        profile=_read_profile(values["profile"]),
        payload=_read_base64("payload", values["payload"], MAX_CLAIMS_BYTES),
        covered=None if covered is None else _read_base64("covered", covered, MAX_ANSWER_BYTES),
    )


def read_problem(body: bytes) -> str:
    """The detail of a problem (RFC 9457), escaped and cut; empty if there is none.

    Args:
        body: untrusted bytes.
    """
    if len(body) > _MAX_PROBLEM_BYTES:
        return ""
    try:
        text = body.decode("utf-8")
        require_shallow_text(text)
        values = json.loads(text)
    except ValueError:
        return ""
    detail = values.get("detail") if isinstance(values, dict) else None
    return show(detail, _SHOWN_BYTES) if isinstance(detail, str) else ""


def _read_object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_ANSWER_BYTES:
        _refuse(f"it is longer than {MAX_ANSWER_BYTES} bytes")
    # No value holds one of these. So nothing nests, the parser does not recurse, and makes little.
    if body.count(b"{") != 1 or b"[" in body or body.count(b",") > _MAX_COMMAS:
        _refuse("it is not one flat object of JSON")
    try:
        values = json.loads(
            body.decode("utf-8"), object_pairs_hook=_as_object, parse_constant=_refuse_constant
        )
    except ValueError:
        _refuse("it is not one flat object of JSON")
    if not isinstance(values, dict):
        _refuse("it is not one flat object of JSON")
    return values


def _as_object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("it has a field twice")
    return found


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


def _read_uid(value: object) -> bytes:
    if not isinstance(value, str) or not _HEXADECIMAL.fullmatch(value):
        _refuse("its uid is not in small hexadecimal digits")
    if len(value) > 2 * MAX_UID_BYTES:
        _refuse(f"its uid has more than {MAX_UID_BYTES} bytes")
    return bytes.fromhex(value)


def _read_number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        _refuse("its number is not an integer of 0 to 2**64 - 1")
    return value


def _read_part(value: object) -> ReleasePart:
    if not isinstance(value, str):
        _refuse("its part is not a text")
    try:
        return ReleasePart.parse(value)
    except ValueError as error:
        _refuse(f"its part: {error}")


def _read_profile(value: object) -> Profile:
    if not isinstance(value, str) or value not in set(Profile):
        _refuse(f"its profile is none of {', '.join(Profile)}")
    return Profile(value)


def _read_base64(name: str, value: object, limit_bytes: int) -> bytes:
    if not isinstance(value, str):
        _refuse(f"its {name} is not a text")
    try:
        found = base64.b64decode(value.encode("ascii"), validate=True)
    except ValueError:
        _refuse(f"its {name} is not in base64")
    if base64.b64encode(found).decode("ascii") != value:  # there is one form only
        _refuse(f"its {name} is not in base64")
    if len(found) > limit_bytes:
        _refuse(f"its {name} has {len(found)} bytes; at most {limit_bytes} are allowed")
    return found


def _refuse(problem: str) -> NoReturn:
    text = f"the platform's answer cannot be used: {problem}"
    raise SigningRefused(RefusalReason.ANSWER, text)
