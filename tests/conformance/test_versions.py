"""The versions of the protocol: the one of before is judged still, and newer words are left out."""

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
from support.conformance.cases import CASES, SPECS, bundles

from tinycontainer.assembly import Installation
from tinycontainer.conformance.judging.suite import (
    CaseOutcome,
    CaseResult,
    Suite,
    Verdict,
    choose_variants,
    judge_results,
)
from tinycontainer.conformance.judging.trial import greet
from tinycontainer.conformance.peer import Peer, ProcessPeer
from tinycontainer.conformance.protocol import (
    NEW_IN,
    PROTOCOL_VERSION,
    VERSION_OF_BEFORE,
    Ability,
    EventKind,
    HelloReply,
    write_line,
)
from tinycontainer.conformance.shim.drivers import SuiteDrivers
from tinycontainer.conformance.shim.shim import Shim
from tinycontainer.device.containers.container import ExitReason
from tinycontainer.errors import LoadReason

PAGE = SPECS.parent / "conformance-protocol.md"
NEW_GROUPS = ("judging", "replacing")
OLD_CASES = [case for case in CASES if case.group not in NEW_GROUPS]
SOME = [
    *[case for case in CASES if case.group in NEW_GROUPS][:4],
    *[case for case in CASES if case.group == "life"][:2],
]
OF_BEFORE = {
    "protocol": 1,
    "name": "old",
    "version": "1",
    "profiles": ["rfc9052"],
    "policies": ["priority"],
    "events": ["log", "state"],
    "reasons": True,
}
"""A greeting as the page of version 1 described it."""
STRANGE = {
    "unsupported": {"unsupported": "protocol 1 is spoken here"},
    "refused": {"refused": "version"},
    "error": {"error": "hello: unknown protocol"},
    "nothing strange": OF_BEFORE,
}


class Old:
    """Speaks version 1, and answers a greeting in another version as it is made to."""

    def __init__(self, strange: dict[str, Any], hello: dict[str, Any]) -> None:
        self._strange = strange
        self._hello = hello
        self.asked = list[dict[str, Any]]()

    def ask(self, values: dict[str, Any], within_s: float) -> bytes:
        self.asked.append(values)
        if values["verb"] != "hello":
            return b'{"error": "it only greets"}'
        return write_line(self._hello if values["protocol"] == 1 else self._strange)

    def end(self) -> None:
        pass


class Own:
    """Our own device in this process; it speaks at most a version."""

    def __init__(self, newest: int = PROTOCOL_VERSION) -> None:
        installation = Installation()
        self._newest = newest
        self._shim = Shim(installation.runtimes(), SuiteDrivers(installation))

    def ask(self, values: dict[str, Any], within_s: float) -> bytes:
        if values.get("protocol", 0) > self._newest:
            return b'{"unsupported": "too new"}'
        return write_line(self._shim.answer(write_line(values)))

    def end(self) -> None:
        pass


def judged(start: Callable[[], Peer]) -> tuple[list[CaseResult], HelloReply | None]:
    suite = Suite(start, bundles(), 20)
    return suite.judge(SOME, lambda _result: None), suite.hello


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_an_implementation_of_the_version_of_before_is_greeted(strange: dict[str, Any]) -> None:
    peer = Old(strange, OF_BEFORE)
    assert greet(peer, 1).protocol == VERSION_OF_BEFORE
    assert [request["protocol"] for request in peer.asked] in ([2, 1], [2])


def test_an_implementation_of_the_version_of_before_is_judged_by_what_it_knows() -> None:
    results, hello = judged(partial(Own, VERSION_OF_BEFORE))
    assert hello is not None
    assert hello.protocol == VERSION_OF_BEFORE
    for result in results:
        if result.case.group in NEW_GROUPS:
            assert result.outcome is CaseOutcome.SKIPPED
            lacking = ", ".join(each for each in result.case.needs if each in NEW_IN)
            (problem,) = result.problems
            assert problem == (
                f"the implementation does not offer {lacking}, which protocol 1 does not have"
            )
        else:
            assert result.outcome is CaseOutcome.PASSED


def test_what_the_version_of_before_announces_of_the_new_one_is_played() -> None:
    hello = OF_BEFORE | {"abilities": ["judge", "replace"], "events": ["log", "replacing"]}
    results, _ = judged(lambda: Old(hello, hello))
    assert {result.outcome for result in results} == {CaseOutcome.FAILED}
    assert all("it only greets" in problem for each in results for problem in each.problems)


def test_the_version_of_before_can_conform() -> None:
    hello = HelloReply.model_validate_json(json.dumps(OF_BEFORE))
    results = [
        CaseResult(case, CaseOutcome.PASSED, (), len(choose_variants(case, hello)), 0)
        for case in OLD_CASES
    ]
    assert judge_results(results, CASES, hello).verdict is Verdict.CONFORMS


def test_our_own_device_leaves_newer_words_out_where_it_is_greeted_in_the_version_of_before() -> (
    None
):
    now, before = (
        json.loads(Own().ask({"verb": "hello", "protocol": version}, 1))
        for version in (PROTOCOL_VERSION, VERSION_OF_BEFORE)
    )
    assert (now["protocol"], before["protocol"]) == (2, 1)
    words = [*get_args(EventKind), *get_args(Ability)]
    for word in words:
        is_old = word not in NEW_IN
        assert (word in now["events"] + now["abilities"]) or word == "tinyml"
        if word != "tinyml":
            assert (word in before["events"] + before["abilities"]) == is_old
    assert set(NEW_IN) <= set(words)
    unknown = json.loads(Own(newest=3).ask({"verb": "hello", "protocol": 3}, 1))
    assert unknown == {"unsupported": "protocols 1 and 2 are spoken here"}


def test_the_shim_of_the_page_is_judged_in_both_versions(tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for version in (1, 2):
        shim = tmp_path / f"shim{version}.py"
        text = block.replace('"protocol": 2', f'"protocol": {version}')
        assert f'"protocol": {version}' in text
        shim.write_text(text)
        results, hello = judged(partial(ProcessPeer, (sys.executable, str(shim))))
        assert hello is not None
        assert hello.protocol == version
        for result in results:
            is_new = result.case.group in NEW_GROUPS
            expected = CaseOutcome.SKIPPED if is_new else CaseOutcome.PASSED
            assert result.outcome is expected, result.problems


def test_refusals_without_words_are_judged_by_whether_there_are_any() -> None:
    class Wordless(Own):
        def ask(self, values: dict[str, Any], within_s: float) -> bytes:
            answer = json.loads(super().ask(values, within_s))
            if "reasons" in answer:
                answer["reasons"] = False
            if "refused" in answer:
                answer["refused"] = "no"
            if "refusals" in answer:
                answer["refusals"] = ["no"] * len(answer["refusals"])
            return write_line(answer)

    class Yielding(Wordless):
        def ask(self, values: dict[str, Any], within_s: float) -> bytes:
            if values["verb"] == "judge":
                return b'{"refusals": []}'
            return super().ask(values, within_s)

    results, _ = judged(Wordless)
    assert {result.outcome for result in results} == {CaseOutcome.PASSED}
    results, _ = judged(Yielding)
    failed = {result.case.group for result in results if result.outcome is CaseOutcome.FAILED}
    assert failed == {"judging"}


def test_every_word_of_the_protocol_is_on_the_page() -> None:
    text = PAGE.read_text()
    exits = set(ExitReason) - {ExitReason.INTERRUPTED}  # by the operator of our own device
    for word in (*get_args(EventKind), *get_args(Ability), *LoadReason, *exits):
        assert f"`{word}`" in text
