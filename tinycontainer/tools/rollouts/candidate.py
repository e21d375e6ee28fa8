"""A device as queries and waves see it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LABEL_PREFIX: Final = "label."
TEXT_FIELDS: Final = ("name", "kind", "group")
_LABEL_FIELD: Final = re.compile(r"label\.[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that a rollout can be for.

    Attributes:
        name: of the device; no two devices have the same.
        kind: what sort of device it is.
        group: which group it belongs to; empty for none.
        labels: what its operators have written on it.
        version: of the container that is running; None if it is not there.
    """

    name: str
    kind: str
    group: str
    labels: Mapping[str, str]
    version: int | None

    def text_of(self, field: str) -> str | None:
        """The text in a field.

        Args:
            field: ``name``, ``kind``, ``group``, or ``label.`` and the key of a label.

        Returns:
            The text; None if the device has no such label.

        Raises:
            ValueError: there is no such field.
        """
        texts = {"name": self.name, "kind": self.kind, "group": self.group}
        if field in texts:
            return texts[field]
        if not is_label_field(field):
            raise ValueError(f"a device has no field {field!a}")
        return self.labels.get(field.removeprefix(LABEL_PREFIX))


def is_label_field(field: str) -> bool:
    """Whether a field is that of a label, such as ``label.site``."""
    return _LABEL_FIELD.fullmatch(field) is not None
