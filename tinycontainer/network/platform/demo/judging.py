"""What the story of the demo expects, and whether it holds."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Any, Final

from tinycontainer.text import flatten

MOST_S: Final = 30.0
"""How long is waited for what takes a second on a machine with nothing else to do."""
_AGAIN_S: Final = 0.1
_SHOWN_CHARACTERS: Final = 300


class StoryBroken(Exception):
    """The story cannot go on; the text is one line of printable ASCII."""


class StoryInterrupted(Exception):
    """Somebody has asked for the end of the demo."""


@dataclass(frozen=True, slots=True)
class StoryFinding:
    """An expectation that was judged; all texts are printable ASCII.

    Attributes:
        text: what was expected.
        held: whether it has held.
        seen: what was seen; empty if it has held.
        wanted: what should have been; empty if it has held.
    """

    text: str
    held: bool
    seen: str = ""
    wanted: str = ""


class StoryJudge:
    """Says of each expectation whether it holds, and keeps that.

    Args:
        say: takes a line of printable ASCII.
        ended: is set when the demo is to end.

    Attributes:
        findings: of all expectations, in their order.
    """

    def __init__(self, say: Callable[[str], None], ended: Event) -> None:
        self._say = say
        self._ended = ended
        self.findings: list[StoryFinding] = []

    @property
    def failed(self) -> int:
        """How many expectations have not held."""
        return sum(not each.held for each in self.findings)

    def tell(self, line: str) -> None:
        """Say what comes next."""
        self._say(line)

    def expect(self, text: str, found: Any, wanted: Any) -> None:
        """Judge an expectation.

        Args:
            text: what is expected.
            found: what was seen.
            wanted: what it has to be equal to.

        Raises:
            StoryInterrupted: the demo is to end.
        """
        if self._ended.is_set():
            raise StoryInterrupted
        if found == wanted:
            self.findings.append(StoryFinding(text, held=True))
            self._say(f"held: {text}")
            return
        seen, due = (flatten(ascii(each))[:_SHOWN_CHARACTERS] for each in (found, wanted))
        self.findings.append(StoryFinding(text, held=False, seen=seen, wanted=due))
        self._say(f"FAILED: {text}: seen {seen}, not {due}")

    def await_expected(
        self, text: str, look: Callable[[], Any], wanted: Any, most_s: float = MOST_S
    ) -> None:
        """Wait until an expectation holds, and judge it at the latest when the time is over.

        Args:
            text: what is expected.
            look: sees what is there now.
            wanted: what that has to be equal to.
            most_s: how long to wait.

        Raises:
            StoryInterrupted: the demo is to end.
        """
        until_s = monotonic() + most_s
        while (found := look()) != wanted and monotonic() < until_s:
            self.pause()
        self.expect(text, found, wanted)

    def pause(self) -> None:
        """Wait for a moment before something is looked at again.

        Raises:
            StoryInterrupted: the demo is to end.
        """
        if self._ended.wait(_AGAIN_S):
            raise StoryInterrupted
