"""The tests that the page about testing shows are run as they are printed there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from support.project import BOX, ROOT

from tinycontainer.testing import BenchDevice

PAGE = (ROOT / "docs" / "test-a-container.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SETTINGS = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)


def test_the_tests_of_the_page_pass_on_each_engine_that_it_names(tmp_path: Path) -> None:
    box = tmp_path / "box"
    shutil.copytree(BOX, box)
    courier = box / "courier"
    (courier / "tests").mkdir()
    (courier / "tests" / "test_courier.py").write_text("\n\n".join(EXAMPLES))
    (courier / "pytest.ini").write_text(SETTINGS[0])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=courier,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(EXAMPLES) == 7
    assert f"{2 * len(EXAMPLES)} passed" in done.stdout, done.stdout


def test_all_that_a_test_can_do_is_on_the_page() -> None:
    public = {name for name in vars(BenchDevice) if not name.startswith("_")}
    named = set(re.findall(r"`(\w+)(?:\(|`)", PAGE))
    assert public - named == set()


def test_links_to_and_from_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]*)[^)]*\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
