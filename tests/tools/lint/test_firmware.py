"""Rules on the C firmware: each fires where it should, and nowhere else."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.audits import ids, judged, message, plan, subject
from support.tokens.verifying import HMAC_KEYS
from support.wasm import modules as wasm
from support.worlds import KEYS

from tinycontainer.device.containers.verification import Trust
from tinycontainer.metadata import ContainerType, decode
from tinycontainer.tools.firmware.c_layout import Layout
from tinycontainer.tools.lint import AuditSubject, Host
from tinycontainer.tools.packing.packing import pack
from tinycontainer_tokens import KeyEntry, KeyMaterial, KeyStore, Profile, Role

RIOT = Profile.RIOT_2024
HOOKS = '(func (export "start")) (func (export "stop"))'


def trusting(keys: Mapping[Role, KeyMaterial], profile: Profile = RIOT) -> Host:
    entries = KeyStore(KeyEntry(role, profile, key) for role, key in keys.items())
    return Host("device.toml", trust=Trust(entries, (RIOT, Profile.RFC9052)))


def signed(keys: Mapping[Role, KeyMaterial], profile: Profile = RIOT) -> AuditSubject:
    packed = pack(plan(profile=profile), b"", b"", keys)
    return judged(decode(packed.metadata), None)


def test_tokens_of_several_keys_are_found_where_the_keys_are_known() -> None:
    four = signed(KEYS)
    said = message("TCL702", four, host=trusting(KEYS))
    assert said.startswith("made with 4 keys: metadata token by ")
    assert said.count(" by ") == 4
    assert "TCL702" not in ids(four)
    assert "TCL702" not in ids(signed(KEYS, Profile.RFC9052), host=trusting(KEYS))
    others = trusting(KEYS, Profile.RFC9052)
    assert message("TCL702", four, host=others).startswith("made with 4 keys")


def test_tokens_of_one_key_are_what_the_firmware_verifies() -> None:
    one = dict.fromkeys(Role, KEYS[Role.OWNER])
    assert "TCL702" not in ids(signed(one), host=trusting(one))
    two = one | {Role.PROVIDER: KEYS[Role.PROVIDER]}
    assert message("TCL702", signed(two), host=trusting(two)).startswith("made with 2 keys")


def test_each_token_that_is_a_mac_is_found_also_where_no_key_is_known() -> None:
    mixed = dict.fromkeys(Role, KEYS[Role.OWNER]) | {
        role: HMAC_KEYS[role] for role in (Role.PROVIDER, Role.DEVELOPER)
    }
    made = signed(mixed)
    assert ids(made).count("TCL702") == 2
    assert ids(signed(mixed, Profile.RFC9052)).count("TCL702") == 0


@pytest.mark.parametrize(("memory", "found"), [("0", False), ("1", True)])
def test_code_without_memory_at_its_start_costs_no_page(memory: str, found: bool) -> None:
    code = wasm.loop("i32.const 0", HOOKS, memory=memory)
    made = subject(plan(profile=RIOT), code)
    assert ("TCL701" in ids(made)) is found
    assert "TCL701" not in ids(subject(plan(), code))


def test_code_that_is_no_webassembly_is_not_asked_for_its_memory() -> None:
    made = subject(plan(kind=ContainerType.BPF, profile=RIOT), wasm.loop("i32.const 0", HOOKS))
    assert "TCL701" not in ids(made)


def test_which_bound_is_missing_is_said() -> None:
    heap = '(global (export "__heap_base") i32 (i32.const 256))'
    data = '(global (export "__data_end") i32 (i32.const 256))'
    for more, said in (
        ("", "__heap_base and __data_end not exported"),
        (heap, "__data_end not exported"),
        (data, "__heap_base not exported"),
        (heap + data + "(func i32.const 1 memory.grow drop)", "the code grows its memory"),
        ('(func (export "__heap_base"))' + data, "__heap_base not exported"),
    ):
        made = subject(plan(profile=RIOT), wasm.loop("i32.const 0", HOOKS + more))
        assert message("TCL701", made) == f"65536 bytes of linear memory: {said}"


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize(
    ("directory", "uid", "rules"),
    [
        ("box", "box", set()),
        ("box", "bo", {"TCL704"}),
        ("my-box", "my-box", {"TCL703"}),
        ("my-box", "box", {"TCL703", "TCL704"}),
        ("_2", "_2", set()),
        ("2_", "2_", {"TCL703"}),
    ],
)
def test_directory_and_uid_have_one_name_that_c_takes(
    profile: Profile, directory: str, uid: str, rules: set[str]
) -> None:
    made = subject(plan(uid, profile=profile), b"")
    layout = Layout(Path("/containers") / directory, "wamr")
    made = replace(made, artefact=replace(made.artefact, layout=layout))
    assert {each for each in ids(made) if each.startswith("TCL70")} - {"TCL701"} == rules
