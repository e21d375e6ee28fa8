"""What several tests of verbs begin with."""

import shutil
from pathlib import Path

import pytest
from support.project import Program
from support.update_desks import UpdateDesk, furnish


@pytest.fixture
def keys(tmp_path: Path, program: Program) -> Path:
    """A directory of new keys, one for each role, made by ``keygen``."""
    program.good("keygen", tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with keys, packed containers and a device file, made once."""
    root = tmp_path_factory.mktemp("furnished")
    furnish(root)
    return root


@pytest.fixture
def desk(tmp_path: Path, program: Program, furnished: Path) -> UpdateDesk:
    """A copy of that directory, for updates."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    return UpdateDesk(tmp_path, program)
