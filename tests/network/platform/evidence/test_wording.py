"""Every reason that a device can send has words: what it means, and what to do."""

import re
from collections.abc import Iterator

import pytest
from support.specification import SPECS

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.errors import LoadReason, UpdateReason
from tinycontainer.network.platform.delivery import delivering
from tinycontainer.network.platform.evidence.content import EvidenceKind
from tinycontainer.network.platform.evidence.wording import (
    EXITS,
    HAPPENED,
    REFUSALS,
    explain_refusal,
    write_reason,
)
from tinycontainer.network.platform.rollouts.jobs import NO_ANSWER

pytestmark = pytest.mark.clause("TC-PLAT-73")
DELIVERIES = (
    delivering.NOT_CONFIRMED, delivering.CRASHED, delivering.ENDED, delivering.STOPPED,
    delivering.UNSETTLED, NO_ANSWER,
)  # fmt: skip


def reasons_of_requests() -> Iterator[str]:
    """The reasons in the table of TC-MGMT-12."""
    text = (SPECS / "management.md").read_text(encoding="utf-8")
    table = text.partition("**TC-MGMT-12**")[2].partition("\n## ")[0]
    for codes, words in re.findall(r"^\| ([0-9., ]+) \| (.*) \|$", table, re.MULTILINE):
        assert codes
        yield from re.findall(r"(?:^|[,;] )([a-z]+(?:-[a-z]+)*)(?=$|[,:;])", words)


def test_every_refusal_of_a_load_an_update_a_request_and_a_delivery_has_words() -> None:
    asked = {*reasons_of_requests()}
    assert {"bad-request", "wrong-state", "busy", "capacity", "precondition-failed"} <= asked
    for reason in {*LoadReason, *UpdateReason, *asked, *DELIVERIES}:
        assert reason in REFUSALS, reason


def test_every_end_of_a_container_and_every_kind_of_event_has_words() -> None:
    assert {*EXITS} == {*ExitReason}
    assert {*HAPPENED} == {*EvidenceKind}


def test_all_words_are_sentences_of_one_line() -> None:
    for words in REFUSALS.values():
        for text in (words.means, words.remedy):
            assert text.isascii()
            assert text.isprintable()
            assert text[0].isupper()
            assert text.endswith(".")


def test_a_reason_that_is_not_known_is_said_to_be_so() -> None:
    assert "does not know" in explain_refusal("made-up").means
    assert write_reason(EvidenceKind.CRASHED, "made-up") == "made-up"


def test_events_say_why_they_came_as_far_as_they_do() -> None:
    assert write_reason(EvidenceKind.STARTED, "") == ""
    assert write_reason(EvidenceKind.CRASHED, "overrun") == "a step of it took longer than it may"
    assert write_reason(EvidenceKind.REFUSED, "no-slot").startswith("All places")
    assert write_reason(EvidenceKind.EXPIRED, "mask") == "the token for mask has expired"
