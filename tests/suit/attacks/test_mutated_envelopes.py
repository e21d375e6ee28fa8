"""No changed byte of an envelope installs anything but what was signed."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random

import pytest
from support.manifests import TIMES, running
from support.scripted import Program, work
from support.updates import KEY, draft, plan_version, rules, sign, updater, version
from support.worlds import Ledger, World, blueprint, snapshot

from tinycontainer.errors import UpdateReason, UpdateRefused
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.suit.drafts import make_envelope
from tinycontainer.suit.envelope.decoder import decode_envelope
from tinycontainer.suit.envelope.encoder import signed_bytes, with_signature
from tinycontainer.trace.events import LoadRefused
from tinycontainer_tokens import cbor

FORM = {UpdateReason.ENVELOPE, UpdateReason.DIGEST, UpdateReason.KEY, UpdateReason.SIGNATURE}
"""Reasons of what is not signed; nothing of a manifest is looked at then."""

PAYLOADS = {
    UpdateReason.MANIFEST,
    UpdateReason.PROFILE,
    UpdateReason.PAYLOAD,
    UpdateReason.IMAGE,
}
"""Reasons of what no signature covers: severed members and payloads."""

Installed = dict[bytes, tuple[bytes | None, ...]]


def bare() -> World:
    """A device that takes containers without tokens: their envelopes are smaller."""
    programs = {"a": Program(work(10), stop=work(10))}
    made = World(programs, sequences=Ledger(), bare=True)
    made.run(blueprint("a", security=TIMES), programs["a"])
    made.device.run(for_ms=15)
    return made


def small() -> bytes:
    """An envelope of one container without tokens; its signature names a key id."""
    bundle = bare().pack(blueprint("a", security=TIMES, priority=3))
    content = make_envelope(draft(version(bundle, b"a")))
    header = cbor.encode({1: KEY.algorithm.cose_number, 4: b"key"})
    return with_signature(content, header, KEY.sign(signed_bytes(decode_envelope(content), header)))


def large() -> bytes:
    """An envelope of two containers with tokens, with severed members and two signatures."""
    plans = [blueprint(uid, security=TIMES, sequence=2) for uid in ("a", "b")]
    what = draft(*(plan_version(plan, starts=True) for plan in plans))
    content = make_envelope(replace(what, severed_install=True, description="what is new"))
    return sign(content, KEY, KEY)


def installed(world: World) -> Installed:
    return {
        view.uid: tuple(world.device.installed(view.uid, section) for section in UpdateSection)
        for view in world.device
    }


class Attacks:
    """Applies changed envelopes to one device, which is made again when one was accepted."""

    def __init__(self, content: bytes, *, is_bare: bool) -> None:
        self.content = content
        self._is_bare = is_bare
        self._fresh()
        self._wanted = self._applied(content)
        self._fresh()
        self.accepted: list[bytes] = []
        self.reasons: set[UpdateReason] = set()

    def _fresh(self) -> None:
        self._world = bare() if self._is_bare else running("a", "b")
        self._before = snapshot(self._world)
        self._updater = updater(self._world, rules())

    def _applied(self, content: bytes) -> tuple[object, Installed]:
        outcome = self._updater.apply(content)
        self._world.device.run(for_ms=50)
        return outcome, installed(self._world)

    def attack(self, contents: Iterable[bytes]) -> None:
        """Each is refused and nothing has changed, or it does what the signed one does."""
        for content in contents:
            try:
                found = self._applied(content)
            except UpdateRefused as refusal:
                self.reasons.add(refusal.reason)
                assert isinstance(self._world.events[-1], LoadRefused)
                continue
            assert found == self._wanted
            self.accepted.append(content)
            self._fresh()
        assert snapshot(self._world) == self._before


def every_change(content: bytes, positions: Iterable[int]) -> Iterator[bytes]:
    """All 255 other values of each of these bytes."""
    for position in positions:
        for value in range(256):
            if value != content[position]:
                yield content[:position] + bytes([value]) + content[position + 1 :]


def random_changes(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    random = Random(seed)
    for _ in range(count):
        position = random.randrange(len(content))
        changed = content[position] ^ random.randrange(1, 256)
        yield content[:position] + bytes([changed]) + content[position + 1 :]


@pytest.mark.clause("TC-UPD-05", "TC-UPD-06", "TC-UPD-15")
def test_no_changed_byte_of_a_small_envelope_installs_anything_else() -> None:
    attacks = Attacks(small(), is_bare=True)
    attacks.attack(random_changes(attacks.content, 600, 1))
    assert attacks.accepted == []
    assert attacks.reasons <= FORM | PAYLOADS


@pytest.mark.clause("TC-UPD-04", "TC-UPD-05", "TC-UPD-15")
def test_no_changed_byte_of_a_large_envelope_installs_anything_else() -> None:
    attacks = Attacks(large(), is_bare=False)
    attacks.attack(random_changes(attacks.content, 600, 2))
    # One of two signatures is enough: the other one may be spoiled.
    assert attacks.reasons <= FORM | PAYLOADS


@pytest.mark.clause("TC-UPD-06")
def test_a_key_id_outside_of_the_signature_is_a_hint_and_nothing_more() -> None:
    protected = cbor.encode({1: KEY.algorithm.cose_number})
    content = decode_envelope(make_envelope(draft(plan_version(blueprint("a", sequence=2)))))
    proof = KEY.sign(signed_bytes(content, protected))
    assert content.signed_digest in signed_bytes(content, protected)
    for hint in ({}, {4: b"one"}, {4: b"other"}):
        sign1 = cbor.with_tags((18,), cbor.encode([protected, hint, None, proof]))
        wrapper = cbor.encode([content.signed_digest, sign1])
        manifest = cbor.decode(content.manifest, len(content.manifest))
        members: dict[int | str, cbor.Encodable] = {2: wrapper, 3: manifest}
        for name, payload in content.payloads.items():
            members[name] = payload
        envelope = cbor.with_tags((107,), cbor.encode(members))
        assert updater(running("a")).apply(envelope).uids == (b"a",)


@pytest.mark.clause("TC-UPD-06")
def test_the_other_form_of_an_ecdsa_signature_installs_the_same() -> None:
    """Whoever has seen (r, s) can make (r, n - s), which COSE allows."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    attacks = Attacks(small(), is_bare=True)
    proof = decode_envelope(attacks.content).signatures[0].proof
    s = (order - int.from_bytes(proof[32:], "big")).to_bytes(32, "big")
    attacks.attack([attacks.content.replace(proof, proof[:32] + s)])
    assert len(attacks.accepted) == 1


@pytest.mark.clause("TC-UPD-01")
def test_no_cut_and_no_added_byte_installs_anything() -> None:
    attacks = Attacks(small(), is_bare=True)
    content = attacks.content
    attacks.attack(content[:end] for end in range(len(content)))
    attacks.attack(content + bytes([value]) for value in range(256))
    attacks.attack(content[:at] + b"\x00" + content[at:] for at in range(len(content)))
    assert attacks.accepted == []


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_no_change_at_all_of_a_small_envelope_installs_anything_else(part: int) -> None:
    attacks = Attacks(small(), is_bare=True)
    attacks.attack(every_change(attacks.content, range(part, len(attacks.content), 4)))
    assert attacks.accepted == []
    assert attacks.reasons <= FORM | PAYLOADS


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_none_of_a_hundred_thousand_changes_installs_anything_else(part: int) -> None:
    attacks = Attacks(large(), is_bare=False)
    attacks.attack(random_changes(attacks.content, 25_000, 10 + part))
    assert attacks.reasons <= FORM | PAYLOADS
