"""The reference: pages that are generated, from the code itself, never written by hand."""

from ..pages import Stage
from .answers import add_answers
from .api import add_api
from .calls import add_calls
from .decisions import add_decisions
from .events import add_events
from .files import add_tables_of_files
from .verbs import add_verbs


def add_reference(stage: Stage) -> None:
    """Add every page of the reference."""
    for add in (
        add_verbs,
        add_answers,
        add_tables_of_files,
        add_events,
        add_calls,
        add_api,
        add_decisions,
    ):
        add(stage)
