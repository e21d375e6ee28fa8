"""A platform in an attacker's hands: how it asks a device, and what is looked at after each."""

import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeAlias

from support.agents import problem
from support.attacked_device import PLATFORM, UIDS, AttackedDevice
from support.signed_releases import BYSTANDER, HOUR_S, SigningLedger
from support.signed_rights import AskedChange, SignedRights
from support.stolen_platform import Loot, StolenRelease
from tinycontainer.errors import LoadReason, UpdateReason
from tinycontainer.metadata import Bundle
from tinycontainer.network.agent.requests.blocks import encode_block
from tinycontainer.network.agent.requests.message import Block, CoapAnswer, Method, Option

_BLOCK_BYTES: Final = 64
_STEP: Final = re.compile(r"step [0-9]+ \(([a-z -]+)\)")


class HostilePlatform:
    """Has all that the platform has, and asks a device with the rights of the platform.

    Args:
        loot: what was stolen.
        ledger: what was signed, for the model alone.
        device: that it attacks.
        seed: of all chance.

    Attributes:
        answers: how often each reason or code was answered.
        steps: how often each step of a token's verification, or another reason, was met.
    """

    def __init__(
        self, loot: Loot, ledger: SigningLedger, device: AttackedDevice, seed: int
    ) -> None:
        self.loot = loot
        self.device = device
        self.draws = random.Random(seed)
        self.rights = SignedRights(ledger, device)
        self.answers: Counter[str] = Counter()
        self.steps: Counter[str] = Counter()
        self._ids = 0

    # What it asks.

    def ask(
        self,
        asked: AskedChange,
        method: Method,
        path: str,
        payload: bytes = b"",
        *more: tuple[int, bytes],
    ) -> CoapAnswer:
        """Ask the device, let it settle, and look at what it is then."""
        before, known = self.device.see(), len(self.device.refusals())
        answer = self.device.managed.ask(method, path, payload, peer=PLATFORM, more=more)
        self.device.settle()
        self.rights.check(asked, before)
        self._note(path, answer, known)
        return answer

    def change(
        self, asked: AskedChange, method: Method, path: str, payload: bytes = b"", **more: bytes
    ) -> CoapAnswer:
        """The same with a new id, and options by their names."""
        joined = f"{path}{'&' if '?' in path else '?'}id={self.new_id()}"
        named = tuple((int(Option[name.upper()]), value) for name, value in more.items())
        return self.ask(asked, method, joined, payload, *named)

    def load(self, uid: bytes, bundle: bytes) -> None:
        """Load a bundle, in any of the ways in which one can come."""
        is_there = uid in self.device.see()
        ways = (self.replace, self.put_anew) if is_there else (self.put, self.put_in_blocks)
        self.draws.choice(ways)(uid, bundle)

    def put(self, uid: bytes, bundle: bytes) -> None:
        """Load where nothing is."""
        self.change(AskedChange("put", uid), Method.PUT, place(uid), bundle)

    def put_anew(self, uid: bytes, bundle: bytes) -> None:
        """Delete what is there before."""
        self.delete(uid)
        self.put(uid, bundle)

    def replace(self, uid: bytes, bundle: bytes) -> None:
        """Put it in the place of what is there; sometimes on trial."""
        trial = self.draws.choice(("", "?confirm=50", "?confirm=200"))
        asked = AskedChange("put", uid)
        self.change(asked, Method.PUT, place(uid) + trial, bundle, if_match=b"")

    def put_in_blocks(self, uid: bytes, *bundles: bytes) -> None:
        """Load it in blocks; of several bundles, each block is of another."""
        path, size = f"{place(uid)}?id={self.new_id()}", _BLOCK_BYTES
        count = -(-len(bundles[0]) // size)
        for number in range(count):
            given = bundles[number % len(bundles)][number * size : (number + 1) * size]
            block = Block(number, number + 1 < count, size)
            option = (int(Option.BLOCK1), encode_block(block))
            self.ask(AskedChange("put", uid), Method.PUT, path, given, option)

    def put_sections(self, sections: Bundle, uid: bytes) -> None:
        """Load three sections by the first interface."""
        named = {Option.ACTION: b"\1", Option.METADATA: sections.metadata}
        options = {**named, Option.DATA: sections.data, Option.CODE: sections.code}
        more = tuple((int(number), value) for number, value in options.items())
        self.ask(AskedChange("put", uid), Method.POST, "/container/", b"", *more)

    def reconfigure(self, uid: bytes, metadata: bytes) -> None:
        """Put metadata in the place of those that are there."""
        self.change(AskedChange("reconfigure", uid), Method.PUT, f"{place(uid)}/m", metadata)

    def withdraw(self, uid: bytes, token: bytes) -> None:
        """Give a token that is to end a container."""
        asked = AskedChange("withdraw", uid, token)
        self.change(asked, Method.POST, f"{place(uid)}/w", token)

    def update(self, envelope: bytes) -> None:
        """Give an envelope, and any code if some has to be fetched."""
        self.change(AskedChange("update"), Method.POST, "/tc/su", envelope)
        self.supply()

    def supply(self) -> None:
        """Give any code, or none, for what the device has yet to fetch."""
        updates, before = self.device.managed.updates, self.device.see()
        if updates.wanted is None:
            return
        updates.supply(self.draws.choice((self.one(b"b").code, self.one().code, None)))
        self.device.settle()
        self.rights.check(AskedChange("update"), before)

    def delete(self, uid: bytes) -> None:
        """Delete a container, which the platform may do."""
        self.change(AskedChange("delete", uid), Method.DELETE, place(uid))

    def start(self, uid: bytes) -> None:
        """Start a container."""
        self.change(AskedChange("start", uid), Method.POST, f"{place(uid)}?start")

    # What others do meanwhile.

    def boot(self, later_s: int = 0) -> None:
        """Power was cut; the device boots later."""
        before = self.device.see()
        self.device.boot(self.device.now_s + 1 + later_s)
        self.rights.check(AskedChange("boot"), before)

    def live(self) -> None:
        """Do what an honest platform could do as well."""
        uid, draws = self.draws.choice(UIDS), self.draws
        deed = draws.random()
        if deed < 0.55:
            release = draws.choice(self.loot.of(uid))
            self.load(uid, release.bundle().encode())
            self.start(uid)
        elif deed < 0.65:
            self.withdraw(*draws.choice(self.loot.withdrawals))
        elif deed < 0.75:
            self.update(draws.choice(self.loot.envelopes))
        elif deed < 0.8:
            self.boot(draws.choice((0, HOUR_S)))

    # What it chooses from.

    def one(self, uid: bytes | None = None) -> StolenRelease:
        """Any release, or any of a container."""
        return self.draws.choice(self.loot.releases if uid is None else self.loot.of(uid))

    def pair(self) -> tuple[StolenRelease, StolenRelease]:
        """Any two releases, as a rule of one container."""
        first = self.one()
        others = self.loot.of(first.uid) if self.draws.random() < 0.6 else self.loot.releases
        return first, self.draws.choice(others)

    def newest(self, uid: bytes) -> StolenRelease:
        """The newest release of a container of the owner ``boxes``."""
        return max(self.loot.of(uid), key=lambda each: each.number)

    def new_id(self) -> str:
        """Of a request that has not been made."""
        self._ids += 1
        return f"{self._ids:016x}"

    def flip(self, content: bytes) -> bytes:
        """The same bytes, but for one to three bits."""
        flipped = bytearray(content or b"\0")
        for _ in range(self.draws.randint(1, 3)):
            flipped[self.draws.randrange(len(flipped))] ^= 1 << self.draws.randrange(8)
        return bytes(flipped)

    def _note(self, path: str, answer: CoapAnswer, known: int) -> None:
        """Every refusal is typed, and one of the device's own judgement is an event as well."""
        if answer.code.dotted < "4" or not answer.payload:  # the first interface gives no reasons
            self.answers[answer.code.dotted] += 1
            return
        code, reason = problem(answer)
        self.answers[f"{code} {reason}"] += 1
        assert reason.isascii()
        assert reason
        new = self.device.refusals()[known:]
        for each in new:
            step = _STEP.search(each.problem)
            self.steps[step[1] if step else each.reason] += 1
        if reason in _JUDGED:
            reasons = [each.reason for each in new]
            # That of an update's container is the event where the answer says which container.
            assert reasons == [reason] or (reason == UpdateReason.CONTAINER and len(reasons) == 1)
            assert all(each.problem.isprintable() for each in new)


def place(uid: bytes) -> str:
    """The path of a container."""
    return f"/tc/c/{uid.hex()}"


_JUDGED: Final = frozenset(
    {LoadReason.TOKEN, LoadReason.PROFILE, LoadReason.METADATA, LoadReason.BUNDLE, *UpdateReason}
)
"""Reasons of the device's own judgement, which are events as well."""

DeviceAttack: TypeAlias = Callable[[HostilePlatform], None]


def furnish(platform: HostilePlatform) -> None:
    """Let the device's owner load the container that the platform has no right to manage."""
    device = platform.device.managed.device
    device.load(platform.loot.of(BYSTANDER)[0].bundle().encode())
    device.start(BYSTANDER)
    platform.device.settle()
