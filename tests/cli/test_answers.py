"""Every answer in JSON has a form, which `schema` prints, and which does not change unnoticed.

That answers are of their form, every test checks that reads one: `Program.json` does.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.answers import PROMISED, promises
from support.project import Program, check_answer, every_verb

from tinycontainer.cli.answers import ANSWERS


def test_every_verb_that_takes_json_has_a_form() -> None:
    takes_it = {
        " ".join(words)
        for words, verb in every_verb()
        if any("--json" in each.opts for each in verb.params)
    }
    assert takes_it - {"schema"} == set(ANSWERS)


@pytest.mark.parametrize("verb", ANSWERS)
def test_the_schema_of_an_answer_says_verb_and_version(program: Program, verb: str) -> None:
    name = verb.replace(" ", "-")
    schema = json.loads(program.good("schema", f"json-{name}"))
    assert schema["$id"] == f"urn:tinycontainer:json:{name}:{ANSWERS[verb].version}"
    assert schema["$schema"].endswith("2020-12/schema")
    tables = list(_tables(schema))
    assert tables
    for table in tables:
        assert table.get("description")
        assert table.get("additionalProperties") is not False  # a later version adds keys


def _tables(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = [schema, *schema.get("$defs", {}).values()]
    return (each for each in found if "properties" in each)


def test_what_an_answer_promised_is_still_there_or_its_version_is_higher() -> None:
    now = promises().splitlines()
    promised = PROMISED.read_text().splitlines()
    broken = [line for line in promised if line not in now]
    current = {f"{form.verb} {form.version}" for form in ANSWERS.values()}
    assert [line for line in broken if line.partition(":")[0] in current] == []
    assert now == promised, "run tests/specification/renew.py"


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("runtimes", {"runtimes": [], "more": 1}),
        ("runtimes", {}),
        ("keygen", {"files": [1]}),
        ("remote", {"done": "start"}),
        ("serve", {"event": "serving"}),
        ("inspect", {"kind": "metadata", "bytes": 3, "problem": "x"}),
    ],
)
def test_what_is_not_of_the_form_is_noticed(verb: str, answer: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        check_answer([verb], answer)


def test_a_device_file_that_can_be_served_is_said_in_json(program: Program, tmp_path: Path) -> None:
    (tmp_path / "device.toml").write_text("[agent]\ninsecure = true\nbind = '[::1]:5999'\n")
    answer = program.json("serve", tmp_path / "device.toml", "--check")
    assert answer["uri"] == "coap://[::1]:5999"
    assert answer["file"].endswith("device.toml")
