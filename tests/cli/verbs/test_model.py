"""model: what a model needs, and the check's verdict."""

from pathlib import Path

import pytest
from support.project import ROOT, Program
from support.tinyml.hostile_models import endless, good

MODELS = ROOT / "examples" / "models"


def test_a_good_model_is_shown_and_accepted(program: Program) -> None:
    out = program.good("model", MODELS / "keywords-int8.tflite")
    for part in ("1 x 49 x 10 x 1", "DEPTHWISE_CONV_2D", "2664844", "arena_bytes", "accepted"):
        assert part in out


def test_the_same_as_data(program: Program) -> None:
    found = program.json("model", MODELS / "autoencoder-int8.tflite")
    assert (found["accepted"], found["code"], found["verdict"]) == (True, 0, "accepted")
    (given,) = found["inputs"]
    assert (given["type"], given["shape"], given["size_bytes"]) == ("i8", [1, 32], 32)
    assert found["operators"] == {"FULLY_CONNECTED": 4}
    needs = {each["quota"]: (each["needed"], each["default"]) for each in found["needs"]}
    assert needs["macs"] == (1280, 5_000_000)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (endless(), 6, "no operator on the list"),
        (good()[:-60], 2, "out of the file"),
        (b"", 2, "TFL3"),
    ],
)
def test_a_bad_model_is_refused_with_code_and_reason(
    program: Program, tmp_path: Path, content: bytes, code: int, words: str
) -> None:
    file = tmp_path / "bad.tflite"
    file.write_bytes(content)
    status, out, err = program("model", file)
    assert (status, err) == (1, "")
    assert f"REFUSED with code {code}" in out
    assert words in out
    found = program.json("model", file, code=1)
    assert (found["accepted"], found["code"], found["inputs"]) == (False, code, [])


def test_a_model_beyond_a_default_quota_is_shown_all_the_same(
    program: Program, tmp_path: Path
) -> None:
    file = tmp_path / "long.tflite"
    file.write_bytes(good() + bytes(1 << 16))
    found = program.json("model", file, code=1)
    assert (found["code"], found["operators"]) == (7, {"FULLY_CONNECTED": 1})


def test_a_file_that_is_not_there_is_bad_input(program: Program, tmp_path: Path) -> None:
    assert "cannot be read" in program.bad("model", tmp_path / "none.tflite")
