"""The parts of a release: what is signed, each by one party."""

from dataclasses import dataclass
from typing import Final

from tinycontainer.text import show
from tinycontainer_tokens import Kind, Role
from tinycontainer_tokens.kinds import SIGNING_ROLE

_ENDPOINT: Final = "endpoint-"
_MAX_ENDPOINT: Final = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class ReleasePart:
    """Something that one party signs.

    Attributes:
        kind: of the token.
        endpoint_id: which endpoint; 0 for all other kinds.
    """

    kind: Kind
    endpoint_id: int = 0

    @property
    def name(self) -> str:
        """Its name, such as ``code`` or ``endpoint-3``."""
        if self.kind is Kind.ENDPOINT:
            return f"{_ENDPOINT}{self.endpoint_id}"
        return self.kind.name.lower()

    @property
    def role(self) -> Role:
        """Whose keys sign it."""
        return SIGNING_ROLE[self.kind]

    @classmethod
    def parse(cls, name: str) -> "ReleasePart":
        """The part of a name.

        Raises:
            ValueError: there is no such part.
        """
        digits = name.removeprefix(_ENDPOINT)
        if digits != name and digits.isascii() and digits.isdigit() and len(digits) <= 10:
            found = cls(Kind.ENDPOINT, int(digits))
            if found.endpoint_id <= _MAX_ENDPOINT and found.name == name:
                return found
        for each in (CODE, DATA, MASK, METADATA):
            if each.name == name:
                return each
        raise ValueError(
            f"{show(name, 64)} is no part; there are code, data, mask, endpoint-N and metadata"
        )


CODE: Final = ReleasePart(Kind.CODE)
DATA: Final = ReleasePart(Kind.DATA)
MASK: Final = ReleasePart(Kind.MASK)
METADATA: Final = ReleasePart(Kind.METADATA)
