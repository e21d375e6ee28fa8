"""A platform in an attacker's hands, before signers: what was signed was shown, or nothing was.

The program itself runs; what it has printed is compared with the token that has left it, which is
taken apart here by another decoder than the project's own.
"""

import base64
import hashlib
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cbor2
import pytest
from support.hostile import inert, shown
from support.hostile_answers import LIES, LyingAnswer, LyingPlatform, withdraw_instead
from support.project import Program
from support.signing_platforms import PARTS, PUBLIC, UID, served, write_keys

from tinycontainer_tokens import Role

NAMES = {1: "mask", 2: "endpoint", 3: "data", 4: "code", 5: "metadata"}
ROLES = {"mask": Role.OWNER, "endpoint": Role.OWNER, "data": Role.PROVIDER, "code": Role.DEVELOPER}
CALLS = ("heartbeat", "open", "close", "read", "write")
RUNS_OF_A_HISTORY = 6


def moment(at_s: int) -> str:
    """A moment in words; beyond the calendar it is a number."""
    if at_s > 253_402_300_799:
        return f"Unix second {at_s}"
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def taken_apart(token: bytes, role: Role) -> dict[int, Any]:
    """The claims of a token, which is of the one form that is allowed and of the signer's key."""
    outer = cbor2.loads(token)
    assert (outer.tag, outer.value.tag) == (61, 18)
    protected, unprotected, payload, signature = outer.value.value
    assert (cbor2.loads(protected), unprotected) == ({1: -8}, {})
    covered = cbor2.dumps(["Signature1", protected, b"", payload])
    verifier = PUBLIC[role].verifier
    assert verifier is not None
    assert verifier.has_signed(covered, signature)
    claims = cbor2.loads(payload)
    assert cbor2.dumps(claims, canonical=True) == payload
    return dict(claims)


def lines_of_withdrawal(claims: dict[int, Any]) -> list[str]:
    """What must have been shown before this was signed as a withdrawal."""
    sequence = claims.pop(-65540)
    assert claims == {-65536: b"\0", -65539: UID, -65541: 1}
    return [
        f"withdrawal of the container box (hex:626f78), up to {sequence}",
        "  every container box (hex:626f78) on devices that trust this key ends",
        f"  no version whose mask counts {sequence} or less can come back",
    ]


def lines_of_part(claims: dict[int, Any], name: str, covered: bytes | None) -> list[str]:
    """What must have been shown before this was signed as a part."""
    kind, sequence, end_s = NAMES[claims.pop(-65541)], claims.pop(-65540, None), claims.get(4)
    assert kind == name.partition("-")[0]
    assert claims.pop(-65539) == UID
    counted = "without a version, for release 3" if sequence is None else f"version {sequence}"
    audience, begin_s = claims.pop(3, None), claims.pop(5, None)
    begins = "valid at once" if begin_s is None else f"valid from {moment(begin_s)} on"
    lines = [
        f"{name} of the container box (hex:626f78), {counted}",
        f"  {begins}{', without an end' if end_s is None else '; it expire'}",
        "" if end_s is None else f" at {moment(claims.pop(4))}\n",
        "  for every device"
        if audience is None
        else f"  for the device {shown(audience.encode())} only",
    ]
    issued_s = claims.pop(6, None)
    if issued_s is not None:
        lines.append(f"  says that it was issued at {moment(issued_s)}")
    if covered is not None:
        digest = hashlib.sha256(covered).hexdigest()
        assert claims.pop(-65537).hex() == digest
        lines.append(f"  {len(covered)} bytes, sha256 {digest}")
    if kind == "mask":
        lines += lines_of_mask(claims.pop(-65536), sequence)
    assert not claims, "a claim that nothing was said about"
    return lines


def lines_of_mask(mask: bytes, sequence: int | None) -> list[str]:
    """What must have been shown of a mask."""
    number = int.from_bytes(mask, "big")
    calls = [name for bit, name in enumerate(CALLS) if number >> bit & 1]
    lines = [f"  allows {', '.join(calls) or 'no system call'} (mask {mask.hex()})"]
    if not number and sequence is not None:
        lines.append(f"it ends the container wherever its mask counts less than {sequence}")
    return lines


def lines_of_endpoint(entry: dict[int, Any]) -> list[str]:
    """What must have been shown of an endpoint."""
    peer = f"{('endpoint', 'the local peer', 'the remote peer')[entry[2]]} {entry[4]}"
    if entry[2] == 0:
        peer += f" of the container {shown(entry[3])}"
    may = ("may write (in)", "may read (out)", "may read and write (both)")[entry[5]]
    return [f"  endpoint {entry[1]} granted: {peer}, {may}\n"]


def lines_of_metadata(covered: bytes, token: bytes) -> list[str]:
    """What must have been shown of metadata."""
    outer = cbor2.loads(covered + token).value
    container, security = cbor2.loads(outer[1]), cbor2.loads(outer[3])
    entries = cbor2.loads(outer[2])
    assert container[1] == UID
    assert security[7] == token
    period_ms = container.get(5, security[1])
    mask = cbor2.loads(cbor2.loads(container[3]).value.value[2])[-65536]
    lines = [
        f"  container type {container[2]} ",
        f"every {period_ms} ms" if period_ms else "loop after loop",
        f"priority {container.get(8, 12)} ",
        f"(mask {mask.hex()})",
    ]
    return lines + [line for each in entries for line in lines_of_endpoint(each)]


def require_shown(out: str, verb: str, platform: LyingPlatform, role: Role) -> None:
    """Check that what was printed describes the one token that was signed."""
    (token,) = platform.taken
    claims = taken_apart(token, role)
    assert sum(method == "GET" for method, _ in platform.seen) == 1
    key = hashlib.sha256(PUBLIC[role].public).hexdigest()
    wanted = [f"the key that signs: sha256 {key}"]
    if verb == "withdraw":
        wanted += lines_of_withdrawal(claims)
    else:
        told = platform.asked["covered"]
        covered = None if told is None else base64.b64decode(told)
        wanted += lines_of_part(claims, verb, covered)
        if covered is not None and verb == "metadata":
            wanted += lines_of_metadata(covered, token)
        if covered is not None and verb.startswith("endpoint"):
            wanted += lines_of_endpoint(cbor2.loads(covered))
    missing = [each for each in wanted if each not in out]
    assert not missing, out


class Desk:
    """Where signers sit, one after the other; their history is kept for a while."""

    def __init__(self, folder: Path, program: Program, seed: int) -> None:
        self._folder, self._program = folder, program
        self._keys = write_keys(folder)
        self._draws = random.Random(seed)
        self.met: Counter[tuple[str, str, bool]] = Counter()

    def run(self, number: int, attack: LyingAnswer) -> None:
        """Let somebody sign something, while a platform attacks."""
        verb = self._draws.choice([*(each.name for each in PARTS), "mask", "withdraw", "withdraw"])
        role = Role.OWNER
        if verb != "withdraw":
            role = next(each for each in PARTS if each.name == verb).role
        platform = LyingPlatform(draws=self._draws, attack=attack, count=number)
        history = self._folder / f"signed-{number // RUNS_OF_A_HISTORY}"
        before = _files(history)
        with served(platform) as url:
            words = (
                ("withdraw", url, "box") if verb == "withdraw" else ("sign", url, "box", 3, verb)
            )
            more = ("--key", self._keys[role], "--history", history, "--yes")
            code, out, err = self._program("platform", *words, *more)
        assert inert(out + err)
        self.met[(attack.__name__, verb, bool(platform.taken))] += 1
        if platform.taken:
            require_shown(out, verb, platform, role)
            payload = cbor2.loads(platform.taken[0]).value.value[2]
            assert any(payload in each for each in _files(history).values()), "not remembered"
        else:
            assert code == 1
            assert err.startswith("error: ")
            assert err.count("\n") == 1
            assert _files(history) == before, "remembered, and nothing was signed"


def _files(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()} if folder.exists() else {}


@pytest.mark.clause("TC-PLAT-25", "TC-PLAT-26", "TC-PLAT-27", "TC-PLAT-28", "TC-PLAT-56")
@pytest.mark.parametrize(
    ("seed", "rounds"),
    [
        pytest.param(1, 3 * len(LIES), id="some"),
        pytest.param(2, 500, marks=pytest.mark.long),
    ],
)
def test_whatever_a_platform_answers_what_is_signed_was_shown(
    tmp_path: Path, program: Program, seed: int, rounds: int
) -> None:
    desk = Desk(tmp_path, program, seed)
    attacks = [attack for attack in LIES for _ in range(-(-rounds // len(LIES)))]
    random.Random(seed).shuffle(attacks)
    for number, attack in enumerate(attacks):
        desk.run(number, attack)
    signed = sum(count for (_, _, was_signed), count in desk.met.items() if was_signed)
    assert rounds // 5 < signed < rounds * 4 // 5


@pytest.mark.clause("TC-PLAT-26", "TC-TOK-33")
def test_a_mask_of_nothing_is_shown_as_the_withdrawal_that_it_is(
    tmp_path: Path, program: Program
) -> None:
    keys = write_keys(tmp_path)
    platform = LyingPlatform(attack=withdraw_instead)
    with served(platform) as url:
        words = ("sign", url, "box", 3, "mask", "--key", keys[Role.OWNER], "--dry-run")
        out = program.good("platform", *words, "--history", tmp_path / "signed")
    assert (
        "warning: a mask that allows no call takes back every right by itself: given alone, it ends"
        " the container wherever its mask counts less than 3\n"
    ) in out
    assert platform.taken == []
