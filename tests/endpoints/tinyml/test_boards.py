"""The board ``desk-ml`` admits and runs models like the four references of MLPerf Tiny."""

import random
import re
import shutil
from pathlib import Path

import pytest
from support.project import ROOT, Program
from support.tinyml.boards import REFERENCES
from support.tinyml.client import (
    BACKENDS,
    Client,
    bare_session,
    each_backend,
    make_setup,
    needs_backend,
)

from tinycontainer.device.containers.limits import BOARDS
from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.inspection import inspect_model
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.quotas import BOARD_QUOTAS, Quotas, quotas_of

BOARD = "desk-ml"
FACTS = {  # KB of the published file, millions of multiply-accumulates, bytes of an input
    "keyword_spotting": (53, 2.7, 490),
    "image_classification": (98, 12.5, 3072),
    "visual_wake_words": (333, 7.5, 27_648),
    "anomaly_detection": (277, 0.27, 640),
}


def test_the_models_are_like_those_of_the_suite() -> None:
    for name, (kilobytes, millions, io_bytes) in FACTS.items():
        content = encode_model(REFERENCES[name](), names=True)
        report = inspect_model(content, BOARD, {})
        needs = {each.quota: each.needed for each in report.needs}
        assert report.verdict == "accepted", report.problems
        assert needs["macs"] == pytest.approx(millions * 1e6, rel=0.1), name
        assert needs["io_bytes"] == io_bytes
        assert len(content) < 1.3 * kilobytes * 1000, (name, len(content))


@pytest.mark.clause("TC-TML-26")
def test_the_board_has_room_for_the_published_files_themselves() -> None:
    quotas = BOARD_QUOTAS[BOARD]
    assert quotas.model_bytes >= 333_000
    assert quotas.macs >= 12_500_000
    assert quotas.io_bytes >= 27_648
    assert BOARDS[BOARD].data_bytes >= quotas.model_bytes


@pytest.mark.clause("TC-TML-20", "TC-TML-26")
@each_backend
@pytest.mark.parametrize("name", REFERENCES)
def test_the_board_runs_models_like_the_references(backend: str, name: str) -> None:
    content = encode_model(REFERENCES[name]())
    setup = make_setup(backend=backend, capacities=BOARD)
    client = Client(TinyML(setup))
    client.load(content)
    session = bare_session(backend, content)
    chance = random.Random(name)
    for _ in range(2):
        inputs = [chance.randbytes(FACTS[name][2])]
        assert client.infer(inputs) == [session.run(inputs[0])]
    client.close()


def test_a_quota_of_the_device_file_changes_the_boards_own() -> None:
    given = Quotas(macs=7)
    assert quotas_of(BOARD, given).macs == 7
    assert quotas_of(BOARD, given).model_bytes == BOARD_QUOTAS[BOARD].model_bytes
    assert quotas_of("riot-2024", given) == Quotas(macs=7)


DEVICE = """
[device]
board = "desk-ml"

[trust]
keys = [
    { role = "developer", file = "keys/developer.pub" },
    { role = "provider", file = "keys/provider.pub" },
    { role = "infrastructure", file = "keys/infrastructure.pub" },
    { role = "owner", file = "keys/owner.pub" },
]

[[drivers]]
driver = "tinyml"
endpoint = 20

[[containers]]
bundle = "app.tcb"
"""
MANIFEST = """
[container]
uid = "app"
code = "reference.wasm"
data = "model.tflite"
syscalls = ["open", "read", "write"]

[[endpoints]]
id = 1
peer = "local"
peer_endpoint = 20
direction = "both"
"""


@pytest.mark.clause("TC-TML-26", "TC-LOAD-12")
@needs_backend
@pytest.mark.parametrize("name", REFERENCES)
def test_a_container_with_such_a_model_is_packed_loaded_and_run(
    tmp_path: Path, program: Program, name: str
) -> None:
    content = encode_model(REFERENCES[name]())
    app = tmp_path / "app"
    app.mkdir()
    (app / "model.tflite").write_bytes(content)
    shutil.copy(ROOT / "tests" / "vectors" / "tinyml" / "reference.wasm", app)
    (app / "app.toml").write_text(MANIFEST)
    (tmp_path / "device.toml").write_text(DEVICE)
    program.good("keygen", tmp_path / "keys")
    packed = ("--keys", tmp_path / "keys", "--out", tmp_path / "app.tcb", "--board", BOARD)
    program.good("pack", app / "app.toml", *packed)
    out = program.good("run", tmp_path / "device.toml", "--for", "60s")
    made = bare_session(BACKENDS[0], content).run(b"\1" * FACTS[name][2])
    wanted = ["l 0", "i 0", f"o {len(made)}", f"s {sum(made)}"]
    assert re.findall(r'log "(.*)"', out) == wanted, out
