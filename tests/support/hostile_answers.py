"""A platform in an attacker's hands, as signers meet it: what it answers instead of the truth."""

import base64
import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from support.hostile import HOSTILE
from support.signing_platforms import (
    NOW_S,
    PARTS,
    UID,
    FakePlatform,
    Raw,
    answer_of,
    encoded,
    problem,
    ready_release,
    small_release,
    withdrawal_of,
)
from support.worlds import local
from tinycontainer.metadata import ContainerMap, ContainerType, Direction, Security
from tinycontainer.network.platform.releases.parts import CODE, DATA, MASK, METADATA
from tinycontainer.network.platform.releases.release import Plan, Release
from tinycontainer_tokens import CborError, cbor

ToldAnswer: TypeAlias = dict[str, Any]
_LAST: Final = (1 << 64) - 1
_EXPIRES, _NOT_BEFORE, _ISSUED, _AUDIENCE = 4, 5, 6, 3
_MASK, _SHA256, _UID, _SEQUENCE, _KIND = -65536, -65537, -65539, -65540, -65541
_OTHER_PLAN: Final = Plan(
    ContainerMap(UID, ContainerType.NATIVE, priority=0),
    (local(direction=Direction.OUT, peer=9), local(2)),
    Security(20, 50, 40, 3, 20),
)
READY: Final = {part: ready_release(part) for part in PARTS}
"""A release for each part, in which it is the next one to be signed."""
REPLANNED: Final = {part: ready_release(part, plan=_OTHER_PLAN) for part in PARTS}
"""The same after infrastructure has changed its plan."""


@dataclass
class LyingPlatform(FakePlatform):
    """Answers a question about a part as an attack says, and takes whatever token comes.

    Attributes:
        draws: all chance.
        attack: what is done to honest answers.
        asked: the last answer that could be read as one.
        count: how many questions have come.
    """

    draws: random.Random = field(default_factory=lambda: random.Random(0))
    attack: "LyingAnswer" = field(default=lambda _platform, told: told)
    asked: ToldAnswer = field(default_factory=dict)
    count: int = 0

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> Raw:
        """What it answers."""
        self.seen.append((method, target))
        if method != "GET":
            self.taken.append(base64.b64decode(json.loads(body)["token"]))
            lies = (Raw(b"{}", status=200 if method == "PUT" else 201), problem("no"), Raw(b"{"))
            return self.draws.choice(lies)
        self.count += 1
        part = None if "/withdrawals/" in target else target.partition("?")[0].rpartition("/")[2]
        told = self.attack(self, self.honest(part))
        if isinstance(told, Raw):
            return told
        self.asked = told
        return Raw(json.dumps(told).encode())

    def honest(self, name: str | None, releases: "dict[Any, Release] | None" = None) -> ToldAnswer:
        """What an honest one would answer about a part; about a withdrawal without a name."""
        if name is None:
            return withdrawal_of(7)
        part = next(each for each in PARTS if each.name == name)
        return answer_of((releases or READY)[part], part)


LyingAnswer: TypeAlias = Callable[[LyingPlatform, ToldAnswer], ToldAnswer | Raw]


def be_honest(_platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Nothing: it is the truth."""
    return told


def claims_of(told: ToldAnswer) -> dict[Any, Any]:
    """The claims of an answer; none if they cannot be read any more."""
    try:
        found = cbor.decode(base64.b64decode(told["payload"]), 4096)
    except CborError:
        return {}
    return dict(found) if isinstance(found, dict) else {}


def with_claims(told: ToldAnswer, changes: dict[int, Any]) -> ToldAnswer:
    """An answer with other claims; None for one that is left out."""
    said = {**claims_of(told), **changes}
    kept = {label: value for label, value in said.items() if value is not None}
    return {**told, "payload": encoded(cbor.encode(kept))}


def with_content(told: ToldAnswer, covered: bytes) -> ToldAnswer:
    """An answer with other covered bytes, whose hash is right."""
    changed = with_claims(told, {_SHA256: hashlib.sha256(covered).digest()})
    return {**changed, "covered": encoded(covered)}


def swap_part(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """All of the answer about another part, under its own name or this one's."""
    other = platform.honest(platform.draws.choice([*(each.name for each in PARTS), None]))
    if platform.draws.random() < 0.7:
        other = {**other, "part": told["part"], "number": told["number"]}
    return other


def withdraw_instead(_platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """The payload of a withdrawal where a part is asked for."""
    return {**told, "payload": withdrawal_of(3)["payload"], "covered": None}


def withdraw_much(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """The same, which takes back more than the number of the release says."""
    sequence = platform.draws.choice((4, 1000, _LAST))
    return {**told, "payload": withdrawal_of(sequence)["payload"], "covered": None}


def grant_instead(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """The payload of a mask where a withdrawal is asked for."""
    return {**told, "payload": platform.honest("mask")["payload"]}


def deny(_platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """A mask that allows nothing."""
    return with_claims(told, {_MASK: b"\0"})


def widen(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """A mask of more calls, or one that is longer."""
    mask = platform.draws.choice((b"\x1f", b"\xff\xff\xff\xff", b"\0\x01", b"\x3f", b""))
    return with_claims(told, {_MASK: mask})


def count_otherwise(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Another sequence, with or without the number that belongs to it."""
    sequence = platform.draws.choice((0, 1, 2, 4, 6, 8, _LAST, None))
    changed = with_claims(told, {_SEQUENCE: sequence})
    return {**changed, "number": sequence or 0} if platform.draws.random() < 0.3 else changed


def time_otherwise(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Another time: longer, over, not yet begun, beyond all calendars."""
    moments = (0, NOW_S - 60, NOW_S + 3600, 4_000_000_000, 1 << 40, _LAST, None)
    labels = (_EXPIRES, _NOT_BEFORE, _ISSUED)
    return with_claims(told, {label: platform.draws.choice(moments) for label in labels})


def address_otherwise(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Another device, also one whose name would drive a terminal."""
    names = ("box-2", "", "every device", "box\x1b[2J", "box\nfor every device", "x" * 300)
    return with_claims(told, {_AUDIENCE: platform.draws.choice(names)})


def name_otherwise(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Another container: in the claims, in the answer, or in both."""
    uid = platform.draws.choice((b"other", b"bo", b"box ", b"b\xd0\xbex", *HOSTILE.values()))
    changed = with_claims(told, {_UID: uid}) if platform.draws.random() < 0.7 else told
    return {**changed, "uid": uid.hex()} if platform.draws.random() < 0.5 else changed


def call_otherwise(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Another kind of token, or none."""
    return with_claims(told, {_KIND: platform.draws.choice((1, 2, 3, 4, 5, 0, 6, None))})


def claim_strangely(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Claims that are not known, or of another type."""
    strange = ((7, b"x"), (-65538, b"key"), (_SEQUENCE, b"3"), (_SHA256, b""), (_MASK, 31))
    return with_claims(told, dict([platform.draws.choice(strange)]))


def replan(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Of the same part after the plan has changed, as a whole."""
    return told if told["covered"] is None else platform.honest(told["part"], REPLANNED)


def change_each_time(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """The truth at first, and another plan from the second question on."""
    return told if platform.count % 2 else replan(platform, told)


def mean_otherwise(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Covered bytes with the right hash, and of another meaning."""
    if told["covered"] is None:
        return told
    other = platform.draws.choice((*PARTS[:2], *PARTS[3:]))
    found = platform.honest(other.name, platform.draws.choice((READY, REPLANNED)))
    return with_content(told, base64.b64decode(found["covered"]))


def bend_content(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Covered bytes with changed bits and the right hash."""
    content = bytearray(base64.b64decode(told["covered"] or ""))
    for _ in range(platform.draws.randint(1, 3)):
        if content:
            content[platform.draws.randrange(len(content))] ^= 1 << platform.draws.randrange(8)
    return with_content(told, bytes(content))


def hide_content(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Other covered bytes than those whose hash is signed, or none."""
    other = base64.b64decode(platform.honest("data")["covered"])
    return {**told, "covered": platform.draws.choice((None, encoded(other), encoded(b"")))}


def lengthen_content(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """Covered bytes that go on after their end, or stop before it."""
    content = base64.b64decode(told["covered"] or "")
    return with_content(told, platform.draws.choice((content + b"\0", content[:-1], b"")))


def encode_otherwise(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """The same claims in other bytes."""
    payload = base64.b64decode(told["payload"])
    bent = (payload + b"\0", payload[:-1], b"\xbf" + payload[1:] + b"\xff", b"\xd8\x3d" + payload)
    return {**told, "payload": encoded(platform.draws.choice(bent))}


def flip_payload(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """A changed bit of the claims."""
    payload = bytearray(base64.b64decode(told["payload"]))
    payload[platform.draws.randrange(len(payload))] ^= 1 << platform.draws.randrange(8)
    return {**told, "payload": encoded(bytes(payload))}


def step_down(_platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """The layout that binds a token to nothing."""
    kept = {label: value for label, value in claims_of(told).items() if label in (_MASK, _SHA256)}
    return {**told, "profile": "riot-2024", "payload": encoded(cbor.encode(kept))}


def answer_twice(platform: LyingPlatform, told: ToldAnswer) -> Raw:
    """Two answers in one: of two values of a field, one could be shown and the other signed."""
    other = platform.honest("mask", REPLANNED)["payload"]
    text = json.dumps(told)
    return Raw(f'{text[:-1]}, "payload": "{other}"}}'.encode())


def confuse_endpoint(_platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """An endpoint of the same number that reaches something else, in the bytes that are signed."""
    if not told["part"].startswith("endpoint"):
        return told
    return with_content(told, cbor.encode({1: 1, 2: 0, 3: b"box\x1b[2J", 4: 5, 5: 2}))


def lie_at_random(platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer | Raw:
    """Two lies in one."""
    first = platform.draws.choice(PLAIN)(platform, told)
    return first if isinstance(first, Raw) else platform.draws.choice(PLAIN)(platform, first)


def small(_platform: LyingPlatform, told: ToldAnswer) -> ToldAnswer:
    """A release with less in it, which is what is then signed."""
    part = next((each for each in (CODE, DATA, MASK, METADATA) if each.name == told["part"]), None)
    if part in (None, METADATA) or told["payload"] == withdrawal_of(7)["payload"]:
        return told
    return answer_of(small_release(mask=1, data=b""), part)


PLAIN: Final[tuple[LyingAnswer, ...]] = (
    be_honest, swap_part, withdraw_instead, withdraw_much, grant_instead, deny, widen,
    count_otherwise, time_otherwise, address_otherwise, name_otherwise, call_otherwise,
    claim_strangely, replan, change_each_time, mean_otherwise, bend_content, hide_content,
    lengthen_content, encode_otherwise, flip_payload, step_down, confuse_endpoint, small,
)  # fmt: skip
LIES: Final[tuple[LyingAnswer, ...]] = (*PLAIN, answer_twice, lie_at_random)
"""All that is tried."""
