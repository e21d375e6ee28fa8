"""Opens OSCORE contexts by aiocoap, an optional part: to be imported only where it is used."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from aiocoap import oscore

from tinycontainer.errors import DeviceFileError
from tinycontainer.text import flatten, show

from .security_context import SecurityContext


class _OpenContext(oscore.FilesystemSecurityContext):  # type: ignore[misc]
    """The library's context, released when we say so and not when nothing refers to it.

    The library goes on after numbers could not be recorded. Ours cannot be used from then on: a
    number that is used twice breaks the encryption, or lets a request be carried out twice.
    """

    lockfile: Any
    _has_failed = False

    def __init__(self, folder: str) -> None:
        try:
            super().__init__(folder)
        except BaseException:
            if self.lockfile is not None:  # half made: it cannot write its numbers
                self.lockfile.release()
                self.lockfile = None
            raise

    def protect(self, *given: Any, **named: Any) -> Any:
        """Protect a message, unless numbers could not be recorded."""
        self._require_sound()
        return super().protect(*given, **named)

    def unprotect(self, *given: Any, **named: Any) -> Any:
        """Open a message, unless numbers could not be recorded."""
        self._require_sound()
        return super().unprotect(*given, **named)

    def _require_sound(self) -> None:
        if self._has_failed:
            raise OSError("the numbers of a context could not be recorded")

    def _store(self) -> None:
        self._require_sound()
        try:
            super()._store()
            folder = os.open(self.basedir, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except BaseException:
            self._has_failed = True
            raise

    def close(self) -> None:
        """Write which numbers were used, and let others use the folder."""
        if self._has_failed and self.lockfile is not None:
            self.lockfile.release()
            self.lockfile = None
        elif self.lockfile is not None:
            self._destroy()


@contextmanager
def open_context(context: SecurityContext) -> Iterator[Any]:
    """Open a context for use until the block is left; meanwhile no other process can.

    Args:
        context: as its folder was read.

    Yields:
        The library's context, which writes into the folder which numbers were used.

    Raises:
        DeviceFileError: another process uses it, or its folder cannot be written or understood.
    """
    name = show(str(context.folder))
    try:
        opened = _OpenContext(str(context.folder))
    except TimeoutError:
        problem = "is in use by another process; each needs a context of its own"
        raise DeviceFileError(name, "", problem) from None
    except OSError as error:
        problem = flatten(error.strerror or "")
        raise DeviceFileError(name, "", f"cannot be used: {problem}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        problem = "its numbers (sequence.json) cannot be read; make a new context for both sides"
        raise DeviceFileError(name, "", problem) from None
    try:
        yield opened
    finally:
        with suppress(OSError):  # the numbers of before are there, and are beyond those in use
            opened.close()


@contextmanager
def open_contexts(contexts: Mapping[str, SecurityContext]) -> Iterator[Mapping[str, Any]]:
    """Open several contexts for use until the block is left; see `open_context`.

    Args:
        contexts: by the names of those who have the other sides.

    Yields:
        The library's context of each, by the same names.

    Raises:
        DeviceFileError: one of them cannot be opened; none stays open.
    """
    with ExitStack() as held:
        yield {name: held.enter_context(open_context(each)) for name, each in contexts.items()}
