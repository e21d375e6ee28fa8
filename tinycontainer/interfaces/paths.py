"""Names of files that come from other files: they must lie within a directory."""

import os
from pathlib import Path


def resolve_within(directory: Path, name: str) -> Path:
    """Resolve the name of a file that another file holds; it must lie in that file's directory.

    Args:
        directory: of the naming file, its own links resolved.
        name: untrusted, as the naming file has it.

    Returns:
        The path, links resolved. Whether there is such a file is not checked.

    Raises:
        ValueError: it lies outside, or is not a file name; the message says which.
    """
    root = os.fspath(directory)
    try:
        # By strings, as pathlib takes twice as long and a device names a dozen files.
        found = os.path.realpath(os.path.join(root, name))
    except (OSError, ValueError):
        raise ValueError("is not a file name") from None
    if os.path.commonpath((root, found)) != root:
        raise ValueError("lies outside of the file's directory")
    if os.path.islink(found):  # links in a circle, which realpath leaves as they are
        raise ValueError("is not a file name")
    return Path(found)
