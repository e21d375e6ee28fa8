"""What a client would rather have (RFC 7240): an answer later, or to wait for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_WAIT_S: Final = 60
_WAIT: Final = re.compile(r"wait\s*=\s*([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Preferences:
    """Preferences of a request.

    Attributes:
        responds_async: whether a job is to be made of it.
        wait_s: how long to wait for its end, at most `MAX_WAIT_S`; 0 to answer at once.
    """

    responds_async: bool = False
    wait_s: int = 0

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Preferences":
        """Read the header field ``Prefer``; what is not known in it is passed over."""
        responds_async = False
        wait_s = 0
        for entry in headers.get("prefer", "")[:512].lower().split(","):
            name = entry.strip()
            found = _WAIT.fullmatch(name)
            if name == "respond-async":
                responds_async = True
            elif found is not None:
                wait_s = min(int(found[1]), MAX_WAIT_S)
        return cls(responds_async, wait_s)
