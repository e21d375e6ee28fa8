"""A sink that keeps the hash of a trace, so that a replay can be compared with what it repeats."""

import hashlib
import json

from tinycontainer.trace import TraceEvent, as_dict


class Digest:
    """Hashes events, payload included.

    Attributes:
        events: how many it has heard.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.events = 0

    def __call__(self, event: TraceEvent) -> None:
        """Take one event."""
        line = json.dumps(as_dict(event, with_data=True), separators=(",", ":"))
        self._hash.update(line.encode("ascii"))
        self.events += 1

    @property
    def now(self) -> dict[str, object]:
        """Number and hash of the events so far, as a tape keeps them."""
        return {"events": self.events, "digest": self._hash.hexdigest()}
