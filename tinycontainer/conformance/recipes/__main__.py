"""``python -m tinycontainer.conformance.recipes DIRECTORY`` makes the bundles of cases again."""

import sys
from collections.abc import Callable
from pathlib import Path

from ..cases.case import read_cases
from .keys import KEYS_DIRECTORY, key_file_contents
from .workshop import BUNDLES_DIRECTORY, make_bundles, read_modules


def main(arguments: list[str], say: Callable[[str], object]) -> int:
    """Make all bundles of a directory of cases again; those of no case are removed."""
    directory = Path(arguments[0])
    modules = read_modules(directory)
    made: dict[str, bytes] = {}
    for case in read_cases(directory):
        made |= make_bundles(case, modules)
    target = directory / BUNDLES_DIRECTORY
    target.mkdir(exist_ok=True)
    for stale in set(target.glob("*.tcb")) - {target / name for name in made}:
        stale.unlink()
    for name, content in made.items():
        (target / name).write_bytes(content)
    keys = directory / KEYS_DIRECTORY
    keys.mkdir(exist_ok=True)
    for name, content in key_file_contents().items():
        (keys / name).write_bytes(content)
    say(f"{len(made)} bundles\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout.write))
