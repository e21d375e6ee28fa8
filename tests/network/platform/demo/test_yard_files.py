"""The files of the demo's yard: private where they must be, and fit to be served by hand."""

import asyncio
import json
import os
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.demo_yards import (
    PUBLIC_KEYS,
    load,
    made_yard,
    secrets_of,
    signed_bundle,
    whole_yard,
)
from support.project import Program

from tinycontainer.network.platform.demo.box_file import write_box_profile
from tinycontainer.network.platform.demo.ports import YardPorts
from tinycontainer.network.platform.demo.yard_files import make_yard
from tinycontainer_tokens import Role
from tinycontainer_tokens.key_files import parse


@pytest.fixture(autouse=True)
def _no_mask() -> Iterator[None]:
    """What is private is so by itself, and not because the user masks modes."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_only_their_owner_can_read_files_with_secrets_also_after_it_ran(tmp_path: Path) -> None:
    files = made_yard(tmp_path, {"near": PUBLIC_KEYS, "far": PUBLIC_KEYS})
    secrets = secrets_of(files)
    assert len(secrets) == 3

    async def run() -> None:
        async with whole_yard(files) as client:
            assert (await load(client, "near", "pal", signed_bundle("pal"))).status_code == 201

    asyncio.run(run())
    with_secret = [
        path
        for path in files.directory.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets)
    ]
    assert len(with_secret) == 1 + 2 * 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in with_secret} == {0o600}
    folders = {path.parent for path in with_secret}
    assert len(folders) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def test_the_only_private_key_of_a_box_is_its_own_which_only_its_owner_can_read(
    tmp_path: Path,
) -> None:
    files = made_yard(tmp_path)
    found = files.directory.rglob("*")
    private = [path for path in found if path.is_file() and b"PRIVATE" in path.read_bytes()]
    assert sorted(private) == [files.evidence_file(name) for name in files.names]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    for name in files.names:
        key = parse(files.evidence_file(name).read_bytes())
        assert parse(files.evidence_public_file(name).read_bytes()) == key.public_half()


def test_each_box_has_another_key_for_evidence_and_the_profile_of_all_has_none(
    tmp_path: Path,
) -> None:
    files = made_yard(tmp_path)
    keys = {files.evidence_file(name).read_bytes() for name in files.names}
    assert len(keys) == len(files.names)
    for name in files.names:
        table = tomllib.loads(files.device_file(name).read_text())["evidence"]
        assert table == {"key": "evidence.pem"}
    assert "evidence" not in tomllib.loads(write_box_profile(PUBLIC_KEYS))


def test_each_box_believes_the_keys_that_it_was_given_and_no_others(tmp_path: Path) -> None:
    fewer = {Role.OWNER: PUBLIC_KEYS[Role.OWNER]}
    files = made_yard(tmp_path, {"near": PUBLIC_KEYS, "far": fewer})
    believed = {
        name: sorted(path.name for path in (files.directory / name / "keys").iterdir())
        for name in files.names
    }
    assert believed == {
        "near": ["developer.pub", "infrastructure.pub", "owner.pub", "provider.pub"],
        "far": ["owner.pub"],
    }
    assert files.device_file("far").read_text().count("role =") == 1
    for name in files.names:
        assert (files.directory / name / "keys" / "owner.pub").read_bytes() == fewer[Role.OWNER]


def test_gateway_and_boxes_can_be_served_by_hand(tmp_path: Path, program: Program) -> None:
    files = made_yard(tmp_path, {"near": PUBLIC_KEYS})
    served = program.json("gateway", files.gateway_file, "--check")
    assert served["http"] == files.gateway_uri
    assert served["coap"] == f"coap://127.0.0.1:{files.ports.coap}"
    box = program.json("serve", files.device_file("near"), "--check")
    assert box["uri"] == f"coap://127.0.0.1:{files.ports.boxes[0]}"


def test_the_token_is_for_what_a_platform_does_with_boxes(tmp_path: Path) -> None:
    text = made_yard(tmp_path, {"near": PUBLIC_KEYS}).gateway_file.read_text()
    verbs = ["read", "start", "stop", "load", "delete", "update", "store"]
    assert f"verbs = {json.dumps(verbs)}\n" in text
    assert text.count('groups = ["boxes"]') == 2


def test_no_two_yards_have_a_secret_in_common(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found.append(secrets_of(made_yard(tmp_path / name)))
    assert not found[0] & found[1]


def test_ports_are_free_ones_and_no_two_are_the_same() -> None:
    ports = YardPorts.choose(50)
    udp = {ports.coap, *ports.boxes}
    assert len(udp) == 51
    assert min(ports.http, *udp) >= 1024


@pytest.mark.parametrize("name", ["", "..", "a/b", "-a", 'a"b', "a\n", "a" * 64, "\N{BULLET}"])
def test_what_is_no_name_of_a_box_is_refused_before_anything_is_made(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match="is no name of a box") as refused:
        made_yard(tmp_path, {"near": PUBLIC_KEYS, name: PUBLIC_KEYS})
    assert str(refused.value).isascii()
    assert not list(tmp_path.iterdir())


def test_no_file_of_somebody_else_is_overwritten(tmp_path: Path) -> None:
    made = made_yard(tmp_path, {"near": PUBLIC_KEYS})
    before = made.gateway_file.read_bytes()
    with pytest.raises(FileExistsError):
        made_yard(tmp_path, {"near": PUBLIC_KEYS})
    assert made.gateway_file.read_bytes() == before


def test_there_are_as_many_ports_as_boxes_or_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ports"):
        make_yard(tmp_path / "yard", {"near": PUBLIC_KEYS}, YardPorts.choose(2), os.urandom)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["contexts", "gateway.token", "gateway.toml"])
def test_a_yard_that_cannot_be_made_as_a_whole_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match=name):
        made_yard(tmp_path, {"near": PUBLIC_KEYS, name: PUBLIC_KEYS})
    assert not list(tmp_path.iterdir())
