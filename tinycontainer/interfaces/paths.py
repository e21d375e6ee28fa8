"""Names of files that come from other files: they must lie within a directory."""

import os
from pathlib import Path


def resolve_within(directory: Path, name: str) -> Path:
    """Resolve the name of a file that another file holds; it must lie in that file's directory.

    Args:
        directory: of the naming file, its own links resolved.
        name: untrusted, as the naming file has it.

    Returns:
        The path, links resolved. Whether such a file exists is not checked, and links in a circle
        are left for the one who opens it.

    Raises:
        ValueError: it lies outside, or is not a file name; the message says which.
    """
    root = os.fspath(directory)
    try:
        # As strings: pathlib takes twice as long, and a device file names a dozen files.
        found = os.path.realpath(os.path.join(root, name))
    except (OSError, ValueError):
        raise ValueError("is not a file name") from None
    if not found.startswith(root if root.endswith(os.sep) else root + os.sep):
        raise ValueError("lies outside of the file's directory")
    return Path(found)
