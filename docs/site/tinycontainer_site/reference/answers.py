"""A"""

from ..pages import Page, Stage

def add_answers(stage: Stage) -> None:
    stage.add(Page("reference/answers/index.md", "# The JSON of every verb\n", "tinycontainer/cli/answers"))
