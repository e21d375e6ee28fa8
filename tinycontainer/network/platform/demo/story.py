"""The whole story of the demo, in order."""

from .desk import DemoDesk
from .searching import HeardRequests
from .story_evidence import look_back
from .story_keys import search_keys
from .story_releases import list_components, publish, sign
from .story_renting import rent, withdraw
from .story_rollouts import halt_at_old_boxes, reach_new_boxes, replace_release


def play_story(desk: DemoDesk, heard: HeardRequests) -> None:
    """Play all steps; what is expected is judged on the way.

    Args:
        desk: of people who have joined.
        heard: all requests to the platform.

    Raises:
        StoryBroken: it cannot go on.
        StoryInterrupted: the demo is to end.
        OSError: a file cannot be read.
    """
    steps = (
        publish, sign, list_components, halt_at_old_boxes, reach_new_boxes, replace_release,
        look_back, rent, withdraw,
    )  # fmt: skip
    for step in steps:
        step(desk)
    search_keys(desk, heard)
