"""Draws mutants of modules and says which of them no test notices.

    python tests/mutation.py --mutants 300 --seed 1 tinycontainer/device/calls tokens

Each mutant is one small change: a comparison, a constant, a statement left out. It is put into a
copy of the project, and tests run until one fails: first those of the module's own folder, then
those of its wing, then those of the folders that `--also` names. What lives either changes nothing
that can be seen from outside, or shows a rule that no test holds. Somebody has to look which.
"""

import argparse
import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.mutating.mutants import Mutant, describe, find_mutants

LONGEST_S = 900.0
"""A run of tests that takes longer has noticed a mutant by never ending."""
_DATA_BYTES = 6 << 30
"""What a run may write to; a mutant may remove what bounds memory."""
_PACKAGES = ("tokens", "endpoints", "runtime_adapters")
"""Folders that hold a package each; the other modules lie in `tinycontainer`."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A mutant and where it belongs.

    Attributes:
        file: the module, relative to the project.
        mutant: the change.
    """

    file: Path
    mutant: Mutant


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant.

    Attributes:
        drawn: which one.
        killed_by: the folder of tests that noticed it; empty if it lives.
        seconds: how long that took.
    """

    drawn: Drawn
    killed_by: str
    seconds: float


def draw(paths: Sequence[Path], number: int, seed: int) -> list[Drawn]:
    """Draw mutants from all of some modules.

    Args:
        paths: modules and folders of modules, relative to the project.
        number: how many at most.
        seed: the same seed draws the same mutants from the same sources.
    """
    modules = sorted({module for path in paths for module in _modules(ROOT / path)})
    every = [
        Drawn(module.relative_to(ROOT), mutant)
        for module in modules
        for mutant in find_mutants(module.read_bytes())
    ]
    drawn = random.Random(seed).sample(every, min(number, len(every)))
    return sorted(drawn, key=lambda each: (each.file, each.mutant.start, each.mutant.after))


def judge(drawn: Drawn, copy: Path, also: Sequence[str] = ()) -> Verdict:
    """Run tests against a mutant until one fails.

    Args:
        drawn: the mutant.
        copy: a copy of the project that nobody else uses; it is left as it was.
        also: folders of tests that run after those of the module's wing.
    """
    module = copy / drawn.file
    plain = module.read_bytes()
    begun = time.monotonic()
    module.write_bytes(drawn.mutant.apply(plain))
    try:
        for folder in (*_folders(drawn.file), *also):
            if not passes(copy, folder):
                return Verdict(drawn, folder, time.monotonic() - begun)
    finally:
        module.write_bytes(plain)
    return Verdict(drawn, "", time.monotonic() - begun)


def passes(copy: Path, folder: str) -> bool:
    """Whether the tests of a folder pass in a copy of the project.

    Args:
        copy: the copy.
        folder: a folder of tests, or a test file.
    """
    # Before all else that is installed, the copy's packages are imported.
    paths = (copy, *(copy / package for package in _PACKAGES))
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-n", "0", "-p", "no:cacheprovider", folder],
        cwd=copy,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", ""),
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (_DATA_BYTES, _DATA_BYTES))
    try:
        return process.wait(LONGEST_S) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def copy_project(target: Path) -> Path:
    """Copy what belongs to the project, tests included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    return target


def _modules(path: Path) -> Iterator[Path]:
    yield from path.rglob("*.py") if path.is_dir() else [path]


def _folders(module: Path) -> Iterator[str]:
    """Folders of tests from the module's own to its wing's; tests mirror the packages."""
    parts = list(module.parts[:-1])
    del parts[1 if parts[0] in _PACKAGES else 0]
    for length in range(len(parts), 0, -1):
        folder = Path("tests", *parts[:length])
        if (ROOT / folder).is_dir():
            yield str(folder)


def main() -> int:
    """Draw, judge, and tell; 0 if no mutant lives."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path, help="modules, or folders of modules")
    parser.add_argument("--mutants", type=int, default=20, help="how many are drawn")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same ones")
    parser.add_argument("--jobs", type=int, default=1, help="how many are judged at once")
    parser.add_argument("--also", nargs="*", default=[], help="further folders of tests")
    asked = parser.parse_args()
    for path in asked.paths:
        if not (ROOT / path).exists():
            parser.error(f"{path}: there is no such module or folder")
    drawn = draw(asked.paths, asked.mutants, asked.seed)
    lives: list[Verdict] = []
    with tempfile.TemporaryDirectory() as scratch:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(asked.jobs):
            copies.put(copy_project(Path(scratch, str(number))))

        def judge_one(each: Drawn) -> Verdict:
            copy = copies.get()
            try:
                return judge(each, copy, asked.also)
            finally:
                copies.put(copy)

        folders = {folder for each in drawn for folder in _folders(each.file)}
        for folder in sorted(folders | set(asked.also)):
            if set(map(str, Path(folder).parents)) & folders:
                continue  # its tests are among those of a folder above
            if not passes(Path(scratch, "0"), folder):
                parser.error(f"{folder}: its tests do not pass without any mutant")

        with ThreadPoolExecutor(asked.jobs) as pool:
            for verdict in pool.map(judge_one, drawn):
                _tell(verdict)
                if not verdict.killed_by:
                    lives.append(verdict)
    print(f"{len(drawn) - len(lives)} of {len(drawn)} mutants were killed; {len(lives)} live")
    return bool(lives)


def _tell(verdict: Verdict) -> None:
    mutant = verdict.drawn.mutant
    fate = f"killed by {verdict.killed_by}" if verdict.killed_by else "LIVES"
    print(f"{verdict.drawn.file}:{mutant.line}: {fate} in {verdict.seconds:.0f} s", flush=True)
    if not verdict.killed_by:
        print("".join(f"    {line}\n" for line in describe(mutant)), end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
