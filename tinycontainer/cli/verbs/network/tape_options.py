"""The options of ``serve`` about a recording of what it does."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ...options import (
    DEFAULT_FILE_BYTES,
    force_option,
    gather_options,
    path_option,
    size_option,
)
from ...output_files import require_absent
from ...verb import VerbRefused
from ..running.taping import NoTape, taping


@dataclass(frozen=True, slots=True)
class TapeOptions:
    """The options; each is described where it is declared."""

    record: Path | None
    file_limit: int | None
    force: bool

    def check(self, *, check: bool) -> None:
        """Refuse what does not go together, before anything is served.

        Args:
            check: whether nothing will be served.

        Raises:
            VerbRefused: options contradict each other, or the recording exists.
        """
        if self.record is None and self.file_limit is not None:
            raise VerbRefused("--file-limit bounds what --record writes: give it")
        if self.record is not None and check:
            raise VerbRefused("--check serves nothing that could be recorded: leave --record out")
        if self.record is not None:
            require_absent((self.record,), force=self.force)

    def opened(self) -> AbstractContextManager[NoTape]:
        """What records the run, until the block is left; see `taping`."""
        limit_bytes = DEFAULT_FILE_BYTES if self.file_limit is None else self.file_limit
        return taping(self.record, limit_bytes, force=self.force)


tape_options = gather_options(
    "recording",
    TapeOptions,
    path_option(
        "--record",
        help="Keep all that the device gets from outside, payload included, in this file (mode"
        " 0600), for `run --replay`.",
    ),
    size_option(
        "--file-limit",
        help="The longest that the recording becomes; the device is served on without it. By"
        f" default {DEFAULT_FILE_BYTES >> 20}MiB.",
    ),
    force_option,
)
