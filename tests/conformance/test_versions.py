"""The versions of the protocol: older ones are judged still, and newer words are left out."""

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
    KNOWN_VERSIONS,
    NEW_IN,
    PROTOCOL_VERSION,
    Ability,
    EventKind,
    HelloReply,
    write_line,
)
from tinycontainer.conformance.shim.drivers import SuiteDrivers
from tinycontainer.conformance.shim.shim import Shim
from tinycontainer.device.containers.container import ExitReason
from tinycontainer.errors import LoadReason, UpdateReason

PAGE = SPECS.parent / "conformance-protocol.md"
NEW_GROUPS = {"judging": 2, "replacing": 2, "remembering": 3, "update": 4}
"""The version with which a group has come; all others are of the first."""
SOME = [
    *[case for case in CASES if case.group in ("judging", "replacing")][:4],
    *[case for case in CASES if case.group == "remembering"],
    *[case for case in CASES if case.group == "update"][:3],
    *[case for case in CASES if case.group == "life"][:2],
]
OLDER_VERSIONS = KNOWN_VERSIONS[1:]
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
}


class Old:
    """Speaks one version, and answers a greeting in another as it is made to."""

    def __init__(self, strange: dict[str, Any], hello: dict[str, Any]) -> None:
        self._strange = strange
        self._hello = hello
        self._spoken = hello["protocol"]
        self.asked = list[dict[str, Any]]()

    def ask(self, values: dict[str, Any], within_s: float) -> bytes:
        self.asked.append(values)
        if values["verb"] != "hello":
            return b'{"error": "it only greets"}'
        is_spoken = values["protocol"] == self._spoken
        return write_line(self._hello if is_spoken else self._strange)

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


@pytest.mark.parametrize("spoken", KNOWN_VERSIONS)
@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_an_implementation_of_any_known_version_is_greeted(
    strange: dict[str, Any], spoken: int
) -> None:
    peer = Old(strange, OF_BEFORE | {"protocol": spoken})
    assert greet(peer, 1).protocol == spoken
    asked = [request["protocol"] for request in peer.asked]
    assert asked == list(range(PROTOCOL_VERSION, spoken - 1, -1))


def test_an_implementation_that_names_an_older_version_at_once_is_not_asked_again() -> None:
    peer = Old(OF_BEFORE, OF_BEFORE)
    assert greet(peer, 1).protocol == 1
    assert [request["protocol"] for request in peer.asked] == [PROTOCOL_VERSION]


@pytest.mark.parametrize("version", OLDER_VERSIONS)
def test_an_implementation_of_an_older_version_is_judged_by_what_it_knows(version: int) -> None:
    results, hello = judged(partial(Own, version))
    assert hello is not None
    assert hello.protocol == version
    for result in results:
        if NEW_GROUPS.get(result.case.group, 1) > version:
            assert result.outcome is CaseOutcome.SKIPPED
            needs = result.case.needs
            lacking = ", ".join(each for each in needs if NEW_IN.get(each, 1) > version)
            (problem,) = result.problems
            assert problem == (
                f"the implementation does not offer {lacking},"
                f" which protocol {version} does not have"
            )
        else:
            assert result.outcome is CaseOutcome.PASSED


def test_what_an_older_version_announces_of_a_newer_one_is_played() -> None:
    abilities = ["judge", "replace", "boot", "store", "suit"]
    hello = OF_BEFORE | {"abilities": abilities, "events": ["log", "replacing"]}
    results, _ = judged(lambda: Old(hello, hello))
    assert {result.outcome for result in results} == {CaseOutcome.FAILED}
    assert all("it only greets" in problem for each in results for problem in each.problems)


@pytest.mark.parametrize("version", OLDER_VERSIONS)
def test_an_older_version_can_conform(version: int) -> None:
    abilities = [each for each in ("judge", "replace") if NEW_IN[each] <= version]
    values = OF_BEFORE | {"protocol": version, "abilities": abilities}
    hello = HelloReply.model_validate_json(json.dumps(values))
    results = [
        CaseResult(case, CaseOutcome.PASSED, (), len(choose_variants(case, hello)), 0)
        for case in CASES
        if NEW_GROUPS.get(case.group, 1) <= version
    ]
    assert judge_results(results, CASES, hello).verdict is Verdict.CONFORMS


@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_our_own_device_leaves_newer_words_out_where_it_is_greeted_in_an_older_version(
    version: int,
) -> None:
    said = json.loads(Own().ask({"verb": "hello", "protocol": version}, 1))
    assert said["protocol"] == version
    words = [*get_args(EventKind), *get_args(Ability)]
    for word in words:
        if word != "tinyml":
            is_known = NEW_IN.get(word, 1) <= version
            assert (word in said["events"] + said["abilities"]) == is_known
    assert set(NEW_IN) <= set(words)


def test_our_own_device_says_which_versions_it_speaks_where_it_does_not_know_one() -> None:
    unknown = json.loads(Own(newest=5).ask({"verb": "hello", "protocol": 5}, 1))
    assert unknown == {"unsupported": "the protocol is spoken here in versions 1, 2, 3, 4"}


def test_the_shim_of_the_page_is_judged_in_every_version(tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for version in KNOWN_VERSIONS:
        shim = tmp_path / f"shim{version}.py"
        text = block.replace('"protocol": 4', f'"protocol": {version}')
        assert f'"protocol": {version}' in text
        shim.write_text(text)
        results, hello = judged(partial(ProcessPeer, (sys.executable, str(shim))))
        assert hello is not None
        assert hello.protocol == version
        for result in results:
            is_new = result.case.group in NEW_GROUPS
            expected = CaseOutcome.SKIPPED if is_new else CaseOutcome.PASSED
            assert result.outcome is expected, result.problems


@pytest.mark.parametrize("abilities", [["judge"], ["judge", "suit"]])
def test_what_a_device_needs_for_updates_is_told_to_those_who_take_any(
    abilities: list[str],
) -> None:
    hello = OF_BEFORE | {"abilities": abilities}
    peer = Old(hello, hello)
    judged(lambda: peer)
    described = [request["device"] for request in peer.asked if request["verb"] == "reset"]
    assert described
    assert all(("update" in device) is ("suit" in abilities) for device in described)


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
    for word in (*get_args(EventKind), *get_args(Ability), *LoadReason, *UpdateReason, *exits):
        assert f"`{word}`" in text
