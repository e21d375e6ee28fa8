"""Files that options of drivers name, such as recordings."""

from pathlib import Path
from typing import Final

from tinycontainer.interfaces.paths import resolve_within

MAX_FILE_BYTES: Final = 1 << 20


def read_named_file(directory: Path, name: str) -> bytes:
    """Read a file that an option names.

    Args:
        directory: of the device file; the file must lie in it.
        name: as the option has it.

    Returns:
        At most 1 MiB.

    Raises:
        ValueError: it cannot be used; the message goes on after its name.
    """
    path = resolve_within(directory, name)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"has more than {MAX_FILE_BYTES} bytes")
    return content
