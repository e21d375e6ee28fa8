"""A name from a file leads to a file in its directory, or nowhere."""

from pathlib import Path

import pytest

from tinycontainer.interfaces.paths import resolve_within


@pytest.fixture
def home(tmp_path: Path) -> Path:
    inside = tmp_path.resolve() / "home"
    inside.mkdir()
    (inside / "a.txt").touch()
    (inside / "there").symlink_to(inside / "a.txt")
    (inside / "away").symlink_to(inside.parent)
    (inside.parent / "home-of-another").mkdir()
    return inside


@pytest.mark.parametrize("name", ["a.txt", "./a.txt", "sub/../a.txt", "there", "away/home/a.txt"])
def test_a_name_is_resolved_with_its_links(home: Path, name: str) -> None:
    assert resolve_within(home, name) == home / "a.txt"


def test_a_file_need_not_be_there(home: Path) -> None:
    assert resolve_within(home, "b/c.txt") == home / "b" / "c.txt"


@pytest.mark.parametrize(
    "name",
    [".", "..", "../x", "/etc/hostname", "away", "away/x", "../home-of-another/x", "a/../../x"],
)
def test_what_lies_outside_is_refused(home: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"^lies outside of the file's directory$"):
        resolve_within(home, name)


@pytest.mark.parametrize("name", ["a\0b", "\udcff\0"])
def test_what_is_no_file_name_is_refused(home: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"^is not a file name$"):
        resolve_within(home, name)


def test_a_directory_may_be_the_root() -> None:
    assert resolve_within(Path("/"), "etc") == Path("/etc").resolve()
