"""model: what a model needs, and the check's verdict."""

from pathlib import Path

import pytest
from support.project import ROOT, Program
from support.tinyml.hostile_models import endless, good
from support.tinyml.models import F32, I8, Net

from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.enumerations import Builtin, TensorType

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


@pytest.mark.clause("TC-TML-25")
def test_a_refused_model_shows_its_facts_and_everything_that_is_wrong(
    program: Program, tmp_path: Path
) -> None:
    net = Net(I8)
    x = net.input(1, 4)
    swish = net.add(Builtin.HARD_SWISH, [x], net.tensor(1, 4, name=b"swish"), 1)
    net.add(Builtin.GELU, [swish], net.tensor(1, 4, kind=F32), 1)
    half = net.tensor(1, 4, kind=TensorType.F16, name=b"half")
    net.add(Builtin.RELU, [swish], half, 99)
    file = tmp_path / "wrong.tflite"
    file.write_bytes(encode_model(net.model(half, 2), names=True))
    found = program.json("model", file, code=1)
    unlisted = "the operator is not on the list; its output has the type"
    types = "allowed are F32, I32, I16, I8"
    assert found["problems"] == [
        f"operator 2 (RELU), tensor 3 (half): the element type is F16; {types}",
        f"operator 0 (HARD_SWISH), tensor 1 (swish): {unlisted} I8",
        f"operator 1 (GELU), tensor 2 (t2): {unlisted} F32",
        "operator 2 (RELU): the operator's version is 99; allowed are 1 to 3",
    ]
    assert found["verdict"] == "; ".join(found["problems"])
    assert found["operators"] == {"HARD_SWISH": 1, "GELU": 1, "RELU": 1}
    assert [each["name"] for each in found["inputs"]] == ["t0"]
    assert [(each["type"], each["shape"]) for each in found["outputs"]] == [
        ("f16", [1, 4]),
        ("f32", [1, 4]),
    ]
    _, out, _ = program("model", file)
    assert "REFUSED with code 6: operator 2 (RELU), tensor 3 (half)" in out
    assert "  and: operator 1 (GELU), tensor 2 (t2)" in out
    assert "HARD_SWISH" in out.partition("REFUSED")[0]


def test_control_flow_is_refused_by_the_names_of_its_operators(
    program: Program, tmp_path: Path
) -> None:
    file = tmp_path / "endless.tflite"
    file.write_bytes(endless())
    found = program.json("model", file, code=1)
    assert found["operators"] == {"WHILE": 1}
    assert any("operator 0 (WHILE)" in each for each in found["problems"])


def test_a_name_in_a_model_is_shown_escaped(program: Program, tmp_path: Path) -> None:
    net = Net()
    x = net.input(1, 4)
    net.add(Builtin.ELU, [x], net.tensor(1, 4, name=b"\x1b[31m"), 1)
    file = tmp_path / "named.tflite"
    file.write_bytes(encode_model(net.model(1), names=True))
    _, out, _ = program("model", file)
    assert r"tensor 1 (\x1b[31m)" in out
    assert "\x1b" not in out


@pytest.mark.clause("TC-TML-25")
def test_a_model_of_too_many_operators_shows_which_it_has(program: Program, tmp_path: Path) -> None:
    net = Net()
    last = net.input(1, 4)
    for _ in range(200):
        last = net.add(Builtin.RELU, [last], net.tensor(1, 4))
    file = tmp_path / "deep.tflite"
    file.write_bytes(encode_model(net.model(last)))
    found = program.json("model", file, code=1)
    assert found["problems"] == ["there are 200 operators; at most 128 are allowed"]
    assert (found["code"], found["operators"]) == (7, {"RELU": 200})
    assert [each["shape"] for each in found["inputs"]] == [[1, 4]]


@pytest.mark.clause("TC-TML-26")
def test_a_model_is_judged_for_the_board_or_device_that_is_asked_about(
    program: Program, tmp_path: Path
) -> None:
    file = tmp_path / "long.tflite"
    file.write_bytes(good() + bytes(1 << 16))
    assert program.json("model", file, code=1)["host"] == "default"
    found = program.json("model", file, "--board", "desk-ml")
    assert (found["accepted"], found["host"]) == (True, "desk-ml")
    assert {each["quota"]: each["default"] for each in found["needs"]}["macs"] == 16_000_000
    device = tmp_path / "device.toml"
    driver = '[[drivers]]\ndriver = "tinyml"\nendpoint = 7\n'
    device.write_text(driver)
    assert program.json("model", file, "--device", device, code=1)["code"] == 7
    device.write_text('[device]\nboard = "desk-ml"\n' + driver)
    assert program.json("model", file, "--device", device)["accepted"]
    device.write_text(driver + driver + "options.quotas.model_bytes = 70000\n")
    found = program.json("model", file, "--device", device)
    assert found["host"].endswith("device.toml, drivers[1]")


def test_a_device_without_the_service_and_wrong_options_are_said(
    program: Program, tmp_path: Path
) -> None:
    model = MODELS / "sine-int8.tflite"
    device = tmp_path / "device.toml"
    device.write_text("")
    assert "no driver tinyml" in program("model", model, "--device", device)[2]
    both = program("model", model, "--device", device, "--board", "default")
    assert "exclude each other" in both[2]
    device.write_text(
        '[[drivers]]\ndriver = "tinyml"\nendpoint = 7\noptions.quotas.macs = "many"\n'
    )
    assert "drivers[0]: options.quotas.macs" in program("model", model, "--device", device)[2]
