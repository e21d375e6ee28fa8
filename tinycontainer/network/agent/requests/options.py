"""Which options a request may have, and which formats it may name (TC-MGMT-02)."""

from collections import Counter
from typing import Final

from .message import CoapRequest, Code, Format, Option, from_uint
from .refusing import CoapRefused

_ANYWHERE: Final = frozenset({Option.URI_HOST, Option.URI_PORT, Option.ACCEPT, Option.BLOCK2})
"""Critical options that every resource knows; those of the path and the query are read already."""


def require_known_options(request: CoapRequest, known: frozenset[Option]) -> None:
    """Refuse critical options that a resource does not know, and repeated ones.

    Args:
        request: all of its options are looked at.
        known: what the resource knows, beside what every resource does.

    Raises:
        CoapRefused: there is such an option.
    """
    counts = Counter(number for number, _ in request.options)
    for number, count in counts.items():
        is_known = number in known or number in _ANYWHERE
        if number % 2 and not is_known:
            raise _bad_option(f"option {number} is critical and not known here")
        if count > 1 and number != Option.IF_MATCH and (number % 2 or number in known):
            raise _bad_option(f"option {number} is there more than once")


def require_format(found: bytes, wanted: Format, code: Code) -> None:
    """Refuse another content format than the one that a resource has.

    Args:
        found: the value of Content-Format or of Accept.
        wanted: the only one that is taken or given.
        code: of the refusal.

    Raises:
        CoapRefused: it is another one.
    """
    if from_uint(found) != wanted:
        problem = f"the content format here is {int(wanted)}"
        raise CoapRefused(code, "format", problem)


def _bad_option(problem: str) -> CoapRefused:
    return CoapRefused(Code.BAD_OPTION, "bad-option", problem)
