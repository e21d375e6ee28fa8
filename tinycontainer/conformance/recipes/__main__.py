"""``python -m tinycontainer.conformance.recipes DIRECTORY`` makes bundles and envelopes again."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from ..cases.case import read_cases
from .envelopes import make_envelopes
from .keys import KEYS_DIRECTORY, key_file_contents
from .workshop import BUNDLES_DIRECTORY, ENVELOPES_DIRECTORY, make_bundles, read_modules


def main(arguments: list[str], say: Callable[[str], object]) -> int:
    """Make the bundles and envelopes of a directory of cases again; those of no case go."""
    directory = Path(arguments[0])
    modules = read_modules(directory)
    bundles: dict[str, bytes] = {}
    envelopes: dict[str, bytes] = {}
    for case in read_cases(directory):
        bundles |= make_bundles(case, modules)
        envelopes |= make_envelopes(case, modules)
    _write(directory / BUNDLES_DIRECTORY, bundles)
    _write(directory / ENVELOPES_DIRECTORY, envelopes)
    _write(directory / KEYS_DIRECTORY, key_file_contents())
    say(f"{len(bundles)} bundles, {len(envelopes)} envelopes\n")
    return 0


def _write(target: Path, files: Mapping[str, bytes]) -> None:
    """Make the files of a directory what they should be, and remove all others of their kind."""
    target.mkdir(exist_ok=True)
    kinds = {Path(name).suffix for name in files}
    for stale in set(target.iterdir()) - {target / name for name in files}:
        if stale.suffix in kinds:
            stale.unlink()
    for name, content in files.items():
        (target / name).write_bytes(content)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout.write))
