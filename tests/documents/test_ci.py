"""The script that decides about a change needs nothing of the machine but PATH and HOME."""

import os
import shutil
import subprocess
from pathlib import Path

from support.project import ROOT


def test_the_check_runs_in_an_emptied_environment(tmp_path: Path) -> None:
    script = tmp_path / "copy" / ".ci" / "run"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", script)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nenv > {tmp_path / 'seen'}\nexit 7\n")
    python.chmod(0o755)
    # Nothing is installed on the machine where this test runs.
    for name in ("apt-get", "npm"):
        installer = tmp_path / "programs" / name
        installer.parent.mkdir(exist_ok=True)
        installer.write_text("#!/bin/sh\nexit 0\n")
        installer.chmod(0o755)
    path = f"{installer.parent}:{os.environ['PATH']}"
    surplus = {
        "PYTHONUNBUFFERED": "1",
        "PYTEST_ADDOPTS": "-x",
        "CI": "true",
        "TMPDIR": "/nowhere",
        "PATH": path,
    }
    done = subprocess.run(
        ["sh", script], env={**os.environ, **surplus, "PYTHON": str(python)}, check=False
    )
    assert done.returncode == 7
    names = {line.partition("=")[0] for line in (tmp_path / "seen").read_text().splitlines()}
    assert {"PATH", "HOME"} <= names
    assert names <= {
        "PATH",
        "HOME",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    }  # the latter are the shell's own
