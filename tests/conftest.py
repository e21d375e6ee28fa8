"""Makes the helpers in tests/support importable; the packages under test come from the install."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

from support.project import Program

# The same examples in every run; a test that wants many more carries the marker `long`.
settings.register_profile(
    "project",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """``tinycontainerctl``, run in this process."""
    return Program(capsys)
