"""What several tests of verbs begin with."""

from pathlib import Path

import pytest
from support.project import Program
from support.update_desks import UpdateDesk


@pytest.fixture
def keys(tmp_path: Path, program: Program) -> Path:
    """A directory of new keys, one for each role, made by ``keygen``."""
    program.good("keygen", tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def desk(tmp_path: Path, program: Program) -> UpdateDesk:
    """A directory with keys, packed containers and a device file, for updates."""
    return UpdateDesk.make(tmp_path, program)
