"""How pages are made fit for the site; needs no generator, only what the project brings."""

import tomllib
from collections.abc import Callable

import pytest
import support.site_sources  # noqa: F401 - the builder is not installed
from support.project import ROOT

from tinycontainer_site.building import stage_pages
from tinycontainer_site.diagrams import draw_diagrams
from tinycontainer_site.links import Linker
from tinycontainer_site.navigation import expand_navigation
from tinycontainer_site.pages import BrokenSource, Page, Stage


@pytest.fixture
def link() -> Callable[[str], str]:
    """Makes the links of a page docs/guides/mine.md fit for the site."""
    stage = Stage()
    stage.add(Page("guides/mine.md", "", "docs/guides/mine.md"))
    stage.add(Page("state.md", "", "docs/state.md"))
    stage.add(Page("specs/lifecycle.md", "", "specs/lifecycle.md"))
    stage.add(Page("reference/events.md", "", "tinycontainer/trace/events.py"))
    linker = Linker(
        stage, {"TC-LIFE-03": "specs/lifecycle.md"}, lambda origin: f"files/{origin}.md"
    )
    return lambda text: linker.link(Page("guides/mine.md", text, "docs/guides/mine.md"))


@pytest.mark.parametrize(
    ("written", "linked"),
    [
        ("[a](../state.md)", "[a](../state.md)"),
        ("[a](../state.md#x)", "[a](../state.md#x)"),
        ("[a](../../specs/lifecycle.md)", "[a](../specs/lifecycle.md)"),
        ("[a](../../tinycontainer/trace/events.py)", "[a](../reference/events.md)"),
        ("[a](../../setup.cfg)", "[a](../files/setup.cfg.md)"),
        ("[a](#here)", "[a](#here)"),
        ("[a](https://example.org/x)", "[a](https://example.org/x)"),
        ("as TC-LIFE-03 says", "as [TC-LIFE-03](../specs/lifecycle.md#TC-LIFE-03) says"),
        ("as `TC-LIFE-03` says", "as `TC-LIFE-03` says"),
        ("```sh\n[a](nowhere.md) TC-LIFE-03\n```", "```sh\n[a](nowhere.md) TC-LIFE-03\n```"),
        ("# About TC-LIFE-03", "# About TC-LIFE-03"),
    ],
)
def test_a_link_leads_to_the_page_that_is_made_of_a_file(
    link: Callable[[str], str], written: str, linked: str
) -> None:
    assert link(written) == linked


def test_a_clause_can_be_linked_to_where_it_is_defined(link: Callable[[str], str]) -> None:
    assert link("**TC-LIFE-03** (MUST; ours) A").startswith('<a id="TC-LIFE-03" class="clause"')


@pytest.mark.parametrize("target", ["nowhere.md", "../../../outside", "../../specs/nothing.md#x"])
def test_a_dead_link_is_refused_with_its_page(link: Callable[[str], str], target: str) -> None:
    with pytest.raises(BrokenSource, match=r"docs/guides/mine\.md: links to .*repair it"):
        link(f"[a]({target})")


def test_a_missing_picture_is_refused(link: Callable[[str], str]) -> None:
    with pytest.raises(BrokenSource, match="no such picture"):
        link("![a](nothing.svg)")


def test_the_navigation_names_every_page_once() -> None:
    stage = Stage()
    for name in ("a.md", "b/one.md", "b/two.md"):
        stage.add(Page(name, "", f"docs/{name}"))
    assert expand_navigation(["a.md", {"B": ["b/two.md", "b/*.md"]}], stage) == [
        "a.md",
        {"B": ["b/two.md", "b/one.md"]},
    ]
    with pytest.raises(BrokenSource, match=r"b/one\.md, b/two\.md: not in the navigation"):
        expand_navigation(["a.md"], stage)
    with pytest.raises(BrokenSource, match=r"c\.md is in the navigation"):
        expand_navigation(["c.md", "*"], stage)


def test_a_diagram_becomes_a_picture_with_its_names_and_texts() -> None:
    drawn = draw_diagrams(
        "A\n\n```mermaid\nstateDiagram-v2\n    [*] --> one\n    one --> two: go\n"
        "    two --> one: back\n    two --> two: again\n```\n\nB"
    )
    assert drawn.startswith("A\n\n<svg")
    assert drawn.endswith("</svg>\n\nB")
    assert drawn.count('class="arrow"') == 3
    assert [
        each for each in ("one", "two", "go", "back", "again") if f">{each}<" not in drawn
    ] == []


def test_a_diagram_that_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(BrokenSource, match="cannot draw"):
        draw_diagrams("```mermaid\npie\n    a --> b\n```")


def test_all_pages_of_the_project_fit_together() -> None:
    pages, stage = stage_pages()
    config = tomllib.loads((ROOT / "docs" / "site" / "zensical.toml").read_text())
    assert expand_navigation(config["project"]["nav"], stage)
    assert "```mermaid" not in "".join(pages.values())
