"""Hostile, slow and broken implementations are bounded: a reported failure, never a hang."""

import json
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.conformance.cases import CASES, bundles
from support.project import Program

from tinycontainer.assembly import Installation
from tinycontainer.conformance import protocol
from tinycontainer.conformance.errors import ProtocolError, Silence, Unsupported
from tinycontainer.conformance.judging.suite import (
    CaseOutcome,
    CaseResult,
    Suite,
    Verdict,
    choose_variants,
    judge_results,
)
from tinycontainer.conformance.peer import ProcessPeer
from tinycontainer.conformance.protocol import HelloReply, RequestRefused
from tinycontainer.conformance.shim.drivers import SuiteDrivers
from tinycontainer.conformance.shim.shim import Shim

HELLO = {
    "protocol": 1,
    "name": "odd \x1b[31m</testsuite><!-- \u202e",
    "version": "1",
    "profiles": ["rfc9052", "riot-2024"],
    "policies": ["priority"],
    "events": ["log", "state"],
    "reasons": True,
}
INSTALLATION = Installation()
PREAMBLE = f"import json, sys, time, os\nHELLO = json.loads({json.dumps(json.dumps(HELLO))})\n"
ANSWERING = PREAMBLE + (
    "for line in sys.stdin:\n"
    "    verb = json.loads(line)['verb']\n"
    "    answer = HELLO if verb == 'hello' else OTHER\n"
    "    print(answer if isinstance(answer, str) else json.dumps(answer), flush=True)\n"
)


def _asked(verb: str) -> bytes:
    return json.dumps({"verb": verb, "protocol": 7, "uid": "61"}).encode()


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-u", "-c", text)  # what it says is not to wait in a buffer


def answering(other: object) -> tuple[str, ...]:
    """Greets well and then answers everything alike."""
    return python(f"OTHER = {other!r}\n" + ANSWERING)


def judged(command: tuple[str, ...], timeout_s: float = 5, cases: int = 4) -> list[CaseResult]:
    some = [case for case in CASES if case.group == "life"][:cases]
    suite = Suite(partial(ProcessPeer, command), bundles(), timeout_s)
    return suite.judge(some, lambda _result: None)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/no/such/program",), "cannot be started"),
        (python("pass"), "is gone"),
        (python("raise SystemExit('no \\x1b[31mboard')"), "no \\x1b[31mboard"),
        (python("print('hello')\nimport time\ntime.sleep(60)"), "no JSON"),
        (python("print('[1]')\nimport time\ntime.sleep(60)"), "no JSON object"),
        (python("print('[' * 100_000)\nimport time\ntime.sleep(60)"), "no JSON"),
        (
            python("import sys\nwhile True: sys.stdout.write('x' * 65536)"),
            "more than 1048576 bytes",
        ),
        (python(PREAMBLE + "HELLO['protocol'] = 7\nprint(json.dumps(HELLO))"), "protocol"),
        (answering("nonsense"), "no JSON"),
        (answering("{}\n{}"), "says more than it was asked"),
        (answering({"surprise": 1}), "surprise"),
        (answering({"error": "it \x1b]0;hurts"}), "it \\x1b]0;hurts"),
        (answering({"refused": "no"}), "cannot be refused"),
        (answering('{"a": ' + "9" * 5000 + "}"), "no JSON"),
        (answering({}), "state: Field required"),
    ],
    ids=[str(number) for number in range(15)],
)
def test_a_broken_implementation_fails_and_says_why(command: tuple[str, ...], words: str) -> None:
    results = judged(command)
    assert {result.outcome for result in results} == {CaseOutcome.FAILED}
    said = "\n".join(problem for result in results for problem in result.problems)
    assert words in said
    assert said.replace("\n", "").isprintable()
    assert judge_results(results, CASES, None).verdict is Verdict.FAILS


def test_a_silent_implementation_is_given_up_after_three_requests() -> None:
    began = time.monotonic()
    results = judged(python("import time\ntime.sleep(60)"), timeout_s=0.3, cases=20)
    assert time.monotonic() - began < 10
    assert {result.outcome for result in results} == {CaseOutcome.FAILED}
    assert "not played" in results[-1].problems[0]


def test_one_that_reads_nothing_does_not_block_the_judge() -> None:
    peer = ProcessPeer(python("import time\ntime.sleep(60)"))
    try:
        with pytest.raises(Silence, match="no answer"):
            peer.ask({"verb": "load", "code": "00" * 500_000}, 0.3)
    finally:
        peer.end()


HIDING = {
    "a child": "subprocess.Popen(command)",
    "setsid": "subprocess.Popen(command, start_new_session=True)",
    "setsid without an environment": "subprocess.Popen(command, start_new_session=True, env={})",
    "an orphan": "if os.fork() == 0:\n    subprocess.Popen(command)\n    os._exit(0)\nos.wait()",
    "an orphan with setsid": (
        "if os.fork() == 0:\n    subprocess.Popen(command, start_new_session=True)\n"
        "    os._exit(0)\nos.wait()"
    ),
    "an orphan without an environment": (
        "if os.fork() == 0:\n    subprocess.Popen(command, start_new_session=True, env={})\n"
        "    os._exit(0)\nos.wait()"
    ),
    "orphans of orphans": (
        "for _ in range(4):\n    if os.fork() == 0:\n        os.setsid()\n"
        "        if os.fork() == 0:\n            os.setsid()\n"
        "            os.execv(command[0], command)\n"
        "        os._exit(0)\n    os.wait()"
    ),
}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux shows processes so")
@pytest.mark.clause("TC-TOOL-16")
@pytest.mark.parametrize("hiding", HIDING.values(), ids=HIDING)
def test_nothing_of_an_implementation_survives_the_end(tmp_path: Path, hiding: str) -> None:
    sign = tmp_path / "alive"
    child = f"import time\nwhile True:\n    open({str(sign)!r}, 'w').close()\n    time.sleep(0.02)"
    command = python(
        f"import os, subprocess, sys, time\ncommand = [sys.executable, '-c', {child!r}]\n{hiding}\n"
        "print('{}', flush=True)\ntime.sleep(60)"
    )
    peer = ProcessPeer(command)
    peer.ask({"verb": "hello"}, 10)
    deadline = time.monotonic() + 10
    while not sign.exists() and time.monotonic() < deadline:
        pass
    peer.end()
    sign.unlink()
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        assert not sign.exists()


def test_what_is_not_offered_is_skipped_and_nothing_judged_is_no_conformance() -> None:
    results = judged(answering({"unsupported": "everything"}))
    assert {result.outcome for result in results} == {CaseOutcome.SKIPPED}
    hello = hello_of(HELLO)
    assert judge_results(results, [], hello).verdict is Verdict.FAILS


@given(st.binary(max_size=300))
def test_any_answer_is_an_answer_or_an_error(line: bytes) -> None:
    with pytest.raises((ProtocolError, RequestRefused, Unsupported)) as caught:
        protocol.parse_reply(line, HelloReply)
    assert str(caught.value).isprintable()


@given(st.one_of(st.binary(max_size=200), st.sampled_from(list(protocol.REQUESTS)).map(_asked)))
def test_our_own_shim_answers_any_line(line: bytes) -> None:
    answer = Shim({}, SuiteDrivers(INSTALLATION)).answer(line)
    assert set(answer) & {"error", "unsupported"}
    protocol.write_line(answer)


def test_reports_are_inert_and_agree(program: Program, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    script = tmp_path / "shim.py"
    script.write_text("OTHER = {'error': '\\x1b[2J]]><x/>'}\n" + ANSWERING)
    command = f"{sys.executable} {script}"
    arguments = ("conform", "--implementation", command, "--group", "runtime")
    found = program.json(*arguments, "--junit", junit, code=1)
    assert not found["conforms"]
    assert found["implementation"]["name"].startswith("odd \\x1b[31m")
    suite = ElementTree.fromstring(junit.read_bytes())
    assert junit.read_bytes().isascii()
    assert b"\x1b" not in junit.read_bytes()
    assert suite.get("failures") == str(found["counts"]["failed"]) == suite.get("tests")
    assert [case.get("name") for case in suite] == [case["id"] for case in found["cases"]]
    code, out, _ = program(*arguments)
    assert code == 1
    assert "\x1b" not in out
    assert "does not conform" in out
    assert "exists; use --force" in program.bad(*arguments, "--junit", junit)


@pytest.fixture
def expected(tmp_path: Path) -> Path:
    return tmp_path / "expected.toml"


def test_expected_failures_are_strict(program: Program, expected: Path) -> None:
    entry = '[[expected]]\ncase = "{}"\nreason = "known"\n'
    expected.write_text(entry.format("runtime-imports"))
    options = ("--group", "runtime", "--expected-failures", expected)
    found = program.json("conform", *options, code=1)
    assert found["counts"]["unexpected-pass"] == 1
    expected.write_text(entry.format("no-such-case"))
    assert "there is no case no-such-case" in program.bad("conform", *options)
    expected.write_text(entry.format("runtime-imports") * 2)
    assert "is listed twice" in program.bad("conform", *options)


def test_an_expected_failure_that_fails_is_no_failure(program: Program, expected: Path) -> None:
    expected.write_text('[[expected]]\ncase = "calls-own-data"\nreason = "known"\n')
    script = expected.with_name("shim.py")
    script.write_text("OTHER = {'error': 'no'}\n" + ANSWERING)
    found = program.json(
        "conform",
        *("--implementation", f"{sys.executable} {script}"),
        *("--case", "calls-own-data", "--expected-failures", expected),
    )
    assert found["counts"]["expected-failure"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--implementation", "'"), "No closing quotation"),
        (("--implementation", " "), "names no program"),
        (("--case", "nothing"), "there is no case nothing"),
        (("--group", "nothing"), "nothing"),
        (("--cases", "/no/where"), "holds no cases"),
        (("--timeout", "0"), "timeout"),
    ],
)
def test_a_wrong_command_line_gives_one_line(
    program: Program, options: tuple[str, ...], words: str
) -> None:
    assert words in program.bad("conform", *options)


def hello_of(values: dict[str, object]) -> HelloReply:
    return HelloReply.model_validate_json(json.dumps(values))


def results_of(outcomes: dict[str, CaseOutcome], hello: HelloReply) -> list[CaseResult]:
    """A result for each named case, all its variants judged unless it was skipped."""
    return [
        CaseResult(
            case,
            outcomes[case.id],
            (),
            0 if outcomes[case.id] is CaseOutcome.SKIPPED else len(choose_variants(case, hello)),
            0,
        )
        for case in CASES
        if case.id in outcomes
    ]


@pytest.mark.clause("TC-TOOL-16")
def test_an_implementation_conforms_only_in_all_that_it_announces() -> None:
    hello = hello_of(HELLO)
    fitting = [case.id for case in CASES if choose_variants(case, hello)]
    assert 0 < len(fitting) < len(CASES)
    passed = dict.fromkeys(fitting, CaseOutcome.PASSED)
    whole = judge_results(results_of(passed, hello), CASES, hello)
    assert (whole.verdict, whole.not_judged) == (Verdict.CONFORMS, ())
    for name in (fitting[0], fitting[-1]):
        others = {each: outcome for each, outcome in passed.items() if each != name}
        for part in (others, {**passed, name: CaseOutcome.SKIPPED}):
            found = judge_results(results_of(part, hello), CASES, hello)
            assert (found.verdict, found.not_judged) == (Verdict.PASSED_IN_PART, (name,))
        known = {**passed, name: CaseOutcome.EXPECTED_FAILURE}
        found = judge_results(results_of(known, hello), CASES, hello)
        assert (found.verdict, found.failing_as_expected) == (Verdict.PASSED_IN_PART, (name,))
        wrong = {**passed, name: CaseOutcome.FAILED}
        assert judge_results(results_of(wrong, hello), CASES, hello).verdict is Verdict.FAILS


def test_a_variant_that_was_skipped_is_no_conformance() -> None:
    hello = hello_of({**HELLO, "policies": ["priority", "round-robin"]})
    fitting = [case.id for case in CASES if choose_variants(case, hello)]
    results = results_of(dict.fromkeys(fitting, CaseOutcome.PASSED), hello)
    results[0] = replace(results[0], variants=results[0].variants - 1)
    found = judge_results(results, CASES, hello)
    assert (found.verdict, found.not_judged) == (Verdict.PASSED_IN_PART, (fitting[0],))


@pytest.mark.clause("TC-TOOL-16")
def test_groups_and_cases_add_up_and_are_no_verdict_on_the_whole(program: Program) -> None:
    groups = ("--group", "metadata", "--group", "bundles")
    found = program.json("conform", *groups)
    assert {case["group"] for case in found["cases"]} == {"metadata", "bundles"}
    assert len(found["cases"]) == sum(case.group in ("metadata", "bundles") for case in CASES)
    assert (found["conforms"], found["verdict"]) == (False, "passed what was judged")
    ids = [case.id for case in CASES if case.group == "bundles"][:2]
    out = program.good("conform", "--case", ids[0], "--case", ids[1])
    assert out.startswith(f"ok     {ids[0]}\nok     {ids[1]}\n2 cases in ")
    assert "passed what was judged\nthat is no conformance: " in out
    assert "there is no case nonsense" in program.bad("conform", "--case", "nonsense")
    assert "there is no case x" in program.bad("conform", "--case", ids[0], "--case", "x")


@pytest.mark.parametrize(
    "arguments",
    [
        ("conform", "--timeout", "1", "--timeout", "2"),
        ("run", "x.toml", "--for", "1s", "--for", "2s"),
        ("run", "x.toml", "--virtual", "--wall"),
        ("explain", "x.tcb", "--device", "a.toml", "--device=b.toml"),
        ("pack", "x", "--keys", "a", "--out", "b", "-o", "c"),
        ("compare", "x.tcb", "--engines", "a,b", "--engines", "c,d"),
    ],
)
@pytest.mark.clause("TC-TOOL-17")
def test_an_option_with_one_value_is_not_silently_overwritten(
    program: Program, arguments: tuple[str, ...]
) -> None:
    assert " is given 2 times; give it once" in program.bad(*arguments)


@pytest.mark.clause("TC-TOOL-17")
def test_a_flag_and_an_option_of_many_values_can_be_repeated(program: Program) -> None:
    line = program.bad(
        "run", "x.toml", "--json", "--json", "--fail-on", "miss", "--fail-on", "miss"
    )
    assert "cannot be read" in line
