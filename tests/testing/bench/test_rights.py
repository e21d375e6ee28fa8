"""What the device file and the manifest allow is in force on the bench, and nothing else."""

from pathlib import Path

import pytest
from support.benches import DEVICE, write_container
from support.wasm.modules import container

from tinycontainer.testing import BenchFactory, BenchMisused, StepNotMet

OPENING = container(
    '(func (export "start") (drop (call $open (i32.const 1)))'
    ' (drop (call $open (i32.const 9)))) (func (export "loop") (result i32) (i32.const 0))',
    uses=("open",),
)
PIPE = """
[[endpoints]]
id = 1
peer = "container"
peer_uid = "other"
peer_endpoint = 5
direction = "both"
"""
CONSOLE = '[[endpoints]]\nid = 1\npeer = "local"\npeer_endpoint = 1\ndirection = "in"\n'
RIOT = DEVICE.replace("[trust]", '[trust]\nprofiles = ["riot-2024"]').replace(
    '.pub"', '.pub", profile = "riot-2024"'
)
HMAC = DEVICE.replace('.pub"', '.pub", algorithm = "HMAC-256"')


def test_calls_that_the_manifest_does_not_name_are_masked(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    device = tinycontainer_device(write_container(tmp_path, OPENING, syscalls='["read"]')).start()
    assert device.expect_refused("open").reason == "masked"


def test_endpoints_that_the_manifest_does_not_name_are_unknown(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    device = tinycontainer_device(write_container(tmp_path, OPENING, more=CONSOLE)).start()
    assert device.expect_refused("open", "unknown-endpoint").subject == 9
    assert len(device.refusals) == 1


def test_a_driver_that_is_offered_to_others_only_stays_so_with_a_script(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    text = f'{DEVICE}uids = ["somebody"]\n'
    device = tinycontainer_device(write_container(tmp_path, OPENING, more=CONSOLE, device=text))
    device.sensor(1).set([1])
    device.start().expect_refused("open", "not-served")


@pytest.mark.parametrize("unsigned_mask", [0, 2])
def test_a_device_that_allows_it_gets_an_unsigned_container_with_the_mask_of_its_file(
    tinycontainer_device: BenchFactory, tmp_path: Path, unsigned_mask: int
) -> None:
    text = f"[trust]\nallow_unsigned = true\nunsigned_mask = {unsigned_mask}\n"
    device = tinycontainer_device(write_container(tmp_path, OPENING, device=text)).start()
    assert device.expect_refused("open").reason == (
        "unknown-endpoint" if unsigned_mask else "masked"
    )


def test_a_device_that_knows_no_keys_refuses_everything(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    with pytest.raises(StepNotMet, match="is refused: "):
        tinycontainer_device(write_container(tmp_path, OPENING, device="[trust]\n"))


def test_a_key_that_may_sign_for_others_only_does_not_sign_for_this_one(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    text = DEVICE.replace('developer.pub"', 'developer.pub", uids = ["somebody"]')
    with pytest.raises(StepNotMet, match=r"is refused: .*code token"):
        tinycontainer_device(write_container(tmp_path, OPENING, device=text))


def test_a_container_without_a_key_for_each_role_is_unsigned_where_that_is_allowed(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    text = DEVICE.replace('developer.pub"', 'developer.pub", uids = ["somebody"]')
    text = text.replace("[trust]", "[trust]\nallow_unsigned = true")
    device = tinycontainer_device(write_container(tmp_path, OPENING, device=text)).start()
    assert device.expect_refused("open").reason == "masked"


def test_keys_of_updates_need_not_be_there(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    device = f'{DEVICE}[[update.keys]]\nfile = "not-on-this-machine.pub"\n'
    tinycontainer_device(write_container(tmp_path, OPENING, device=device)).start()


def test_caps_of_the_device_hold(tinycontainer_device: BenchFactory, tmp_path: Path) -> None:
    path = write_container(tmp_path, OPENING, device=f"{DEVICE}[caps]\nloop_max_ms = 5\n")
    with pytest.raises(StepNotMet, match="loop_max_ms: metadata asks for no limit"):
        tinycontainer_device(path)


@pytest.mark.parametrize(
    "device",
    [
        DEVICE,
        f"{DEVICE}[caps]\nbest_priority = 3\nloop_max_ms = 5\nstart_max_ms = 5\nstop_max_ms = 5\n",
        DEVICE.replace("[trust]", "[trust]\nrequire_endpoint_tokens = true"),
        "[trust]\nallow_unsigned = true\nunsigned_mask = 31\n",
        HMAC,
        RIOT,
    ],
    ids=["plain", "capped", "endpoint tokens", "unsigned", "hmac", "riot"],
)
def test_a_container_that_the_test_plays_fits_every_device(
    tinycontainer_device: BenchFactory, tmp_path: Path, device: str
) -> None:
    durations = "start_max_duration_ms = 5\nloop_max_duration_ms = 5\nloop_period_ms = 100\n"
    more = f"[security]\n{durations}stop_max_duration_ms = 5\n{PIPE}"
    tokens = 'profile = "riot-2024"' if device is RIOT else "sign_endpoints = true"
    path = write_container(tmp_path, OPENING, device=device, more=f"{more}[tokens]\n{tokens}\n")
    bench = tinycontainer_device(path)
    bench.pipe(1).send(b"x" * 256)
    bench.start().run(for_ms=50)
    assert [each.reason for each in bench.refusals] == ["unknown-endpoint"]


def test_a_container_that_the_test_plays_needs_a_slot_as_any(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    text = f"{DEVICE}[capacity]\nslots = 1\n"
    device = tinycontainer_device(write_container(tmp_path, OPENING, device=text, more=PIPE))
    with pytest.raises(BenchMisused, match=r"other, which the test plays, is refused: .*slot"):
        device.pipe(1)


@pytest.mark.parametrize("direction", ["in", "out"])
def test_the_direction_of_a_pipe_holds_for_the_test_as_well(
    tinycontainer_device: BenchFactory, tmp_path: Path, direction: str
) -> None:
    more = PIPE.replace("both", direction)
    pipe = tinycontainer_device(write_container(tmp_path, OPENING, more=more)).pipe(1)
    if direction == "in":
        with pytest.raises(StepNotMet, match="other:5: send is refused: direction"):
            pipe.send(b"x")
    else:
        pipe.send(b"x")
        assert pipe.received == b""


def test_a_path_without_a_container_says_what_is_missing(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    with pytest.raises(BenchMisused, match="there is no such file or directory"):
        tinycontainer_device(tmp_path / "none")
    with pytest.raises(BenchMisused, match=r"holds neither container\.toml nor device\.toml"):
        tinycontainer_device(tmp_path)
    with pytest.raises(BenchMisused, match=r"no device\.toml in .* or above it: write one"):
        tinycontainer_device(write_container(tmp_path / "a" / "b", OPENING, device=None))
    with pytest.raises(BenchMisused, match=r"no container\.toml in .* or above"):
        tinycontainer_device()
    (tmp_path / "device.toml").write_text("[trust]\n")
    with pytest.raises(BenchMisused, match="lists no container; load one"):
        tinycontainer_device(tmp_path).start()
