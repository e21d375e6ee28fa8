"""The files that pages use: stylesheet and scripts. All are of this host."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

_FOLDER: Final = "assets"
_MEDIA_TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "txt": "text/plain",
}
_MARK_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """A file.

    Attributes:
        content: of it.
        media_type: of it.
        mark: another one for each content.
    """

    content: bytes
    media_type: str
    mark: str


@dataclass(frozen=True, slots=True)
class Assets:
    """All of them.

    Attributes:
        files: by name, such as ``pages.css``.
    """

    files: Mapping[str, Asset]

    def path(self, name: str) -> str:
        """Where a browser finds a file; another place for each content, so that it can keep it."""
        return f"/assets/{self.files[name].mark}/{name}"

    def find(self, mark: str, name: str) -> Asset | None:
        """A file; None if there is none of this name with this mark."""
        found = self.files.get(name)
        return found if found is not None and found.mark == mark else None


def read_assets() -> Assets:
    """Read the files beside this module."""
    folder = files(__package__) / _FOLDER
    found = [each for each in folder.iterdir() if each.is_file()]
    found += [each for each in (folder / "vendor").iterdir() if each.is_file()]
    return Assets({each.name: _read(each) for each in found})


def _read(file: Traversable) -> Asset:
    content = file.read_bytes()
    suffix = file.name.rpartition(".")[2]
    return Asset(content, _MEDIA_TYPES[suffix], sha256(content).hexdigest()[:_MARK_DIGITS])
