"""Rules on tokens: each fires where it should, and nowhere else."""

from dataclasses import replace

import pytest
from support.audits import (
    NOW_S,
    calls,
    findings,
    ids,
    judged,
    message,
    plan,
    read,
    subject,
    unsigned,
)
from support.tokens.forging import Forger, flipped
from support.worlds import FOREIGN, KEYS, local, trusted

from tinycontainer.device.containers.verification import Trust
from tinycontainer.metadata import Bundle, decode, encode
from tinycontainer.tools.lint import Host
from tinycontainer.tools.packing.packing import TokenOptions, pack
from tinycontainer_tokens import Kind, Profile

DAY_S = 24 * 60 * 60
BELIEVES = Host("device.toml", trust=Trust(keys=trusted()))


def forged(forger: Forger, **changes: object) -> Bundle:
    made = plan(**changes)  # type: ignore[arg-type]
    return replace(forger.pack(made), code=made.container.uid)


def test_metadata_without_a_security_array_is_an_error() -> None:
    raw = encode(plan().container, (), None)
    found = [each.rule.id for each in findings(judged(decode(raw), calls()))]
    assert found.count("TCL501") == 1
    assert found.count("TCL502") == 1  # the mask's; the others have no place


def test_each_missing_token_is_a_warning() -> None:
    found = [each for each in findings(unsigned(plan(), calls())) if each.rule.id == "TCL502"]
    assert [each.place for each in found] == [
        "metadata token",
        "code token",
        "data token",
        "mask token",
    ]
    assert "TCL502" not in ids(subject(plan()))


def test_endpoint_tokens_are_missing_only_where_a_device_demands_them() -> None:
    made = subject(plan(endpoints=(local(),)), b"")
    demanding = Host("d", trust=Trust(keys=trusted(), require_endpoint_tokens=True))
    assert "TCL502" not in ids(made)
    assert message("TCL502", made, host=demanding) == "the endpoint token is missing"
    signed = replace(plan(endpoints=(local(),)), sign_endpoints=True)
    assert "TCL502" not in ids(subject(signed, b""), host=demanding)


def test_a_device_that_forgives_absent_tokens_is_told_once_and_they_are_not() -> None:
    host = Host("d", trust=Trust(allow_unsigned=True))
    bare = [unsigned(plan(uid), calls()) for uid in "ab"]
    assert ids(*bare, host=host) == ["TCL511"]
    assert ids(*[subject(plan(uid)) for uid in "ab"], host=BELIEVES) == []


def test_tokens_that_cannot_be_read_are_errors() -> None:
    for change in (lambda _: b"junk", lambda token: token[:-1], lambda _: bytes(1100)):
        made = read(forged(Forger(Kind.MASK, change=change)))
        assert [each.place for each in findings(made) if each.rule.id == "TCL503"] == ["mask token"]
    wrong = replace(plan(), container=replace(plan().container, syscall_mask_token=b""))
    bundle = pack(wrong, calls(), b"", KEYS, mask_token=_code_token())
    assert "lacks bitmask" in message("TCL503", read(bundle))


def _code_token() -> bytes:
    security = subject(plan()).metadata.security
    assert security is not None
    return security.code_token


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (TokenOptions(expires_s=NOW_S), "TCL504"),
        (TokenOptions(expires_s=NOW_S + 1), "TCL505"),
        (TokenOptions(expires_s=NOW_S + 30 * DAY_S), "TCL505"),
        (TokenOptions(expires_s=NOW_S + 30 * DAY_S + 1), None),
        (TokenOptions(not_before_s=NOW_S + 1), "TCL506"),
        (TokenOptions(not_before_s=NOW_S), None),
        (TokenOptions(), None),
    ],
)
def test_times_of_tokens_are_held_against_now(options: TokenOptions, rule: str | None) -> None:
    made = subject(plan(options=options))
    assert ids(made) == ([rule] * 4 if rule else [])
    assert ids(made, host=BELIEVES) == ([rule] * 4 if rule else [])


def test_an_expiry_is_told_with_its_days() -> None:
    made = subject(plan(options=TokenOptions(expires_s=NOW_S + 10 * DAY_S + 5)))
    texts = {each.message for each in findings(made)}
    assert texts == {
        f"expires at {NOW_S + 10 * DAY_S + 5} (Unix seconds), 10 whole days from {NOW_S}"
    }


def test_tokens_of_two_profiles_are_an_error() -> None:
    other = subject(plan(profile=Profile.RIOT_2024)).metadata.container.syscall_mask_token
    made = read(pack(plan(), calls(), b"", KEYS, mask_token=other))
    assert "mask token: riot-2024" in message("TCL507", made)
    assert "TCL507" not in ids(subject(plan()))


def test_a_mask_token_of_the_firmwares_can_be_replayed() -> None:
    assert ids(subject(plan(profile=Profile.RIOT_2024))) == ["TCL508", "TCL701"]
    assert "TCL508" not in ids(subject(plan()))


def test_the_profile_is_held_against_the_one_asked_for_and_the_devices() -> None:
    firmware, ours = subject(plan(profile=Profile.RIOT_2024)), subject(plan())
    assert "TCL509" in ids(firmware, profile=Profile.RFC9052)
    assert "TCL509" in ids(ours, profile=Profile.RIOT_2024)
    assert "TCL509" not in ids(ours, profile=Profile.RFC9052)
    assert ids(firmware, host=BELIEVES) == ["TCL508", "TCL509", "TCL701", "TCL702"]


@pytest.mark.parametrize(
    ("forger", "check"),
    [
        (Forger(Kind.MASK, key=FOREIGN), "signature"),
        (Forger(Kind.CODE, uid=b"other"), "uid"),
        (Forger(Kind.DATA, kind=Kind.CODE), "kind"),
        (Forger(Kind.MASK, options=TokenOptions(audience="elsewhere")), "audience"),
        (Forger(Kind.METADATA, change=flipped(900)), "signature"),
    ],
)
def test_what_the_devices_keys_do_not_verify_is_an_error(forger: Forger, check: str) -> None:
    made = read(forged(forger))
    assert f"({check})" in message("TCL510", made, host=BELIEVES)
    assert "TCL510" not in ids(made)


def test_code_that_was_changed_after_signing_is_not_believed() -> None:
    bundle = pack(plan(), calls(), b"", KEYS)
    changed = read(replace(bundle, code=calls("logger")))
    assert message("TCL510", changed, host=BELIEVES).startswith("step 13 (content)")
    assert ids(read(bundle), host=BELIEVES) == []
