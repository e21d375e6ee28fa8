"""Manifests that the right key has signed, whatever they say: refused, or what they say is done."""

import hashlib
from random import Random
from time import perf_counter

import cbor2
import pytest
from support.manifest_mutants import close, digests_of, mutate, open_manifest
from support.manifests import (
    ABORT,
    ALL,
    CODE,
    DATA,
    FETCH,
    INVOKE,
    MATCH,
    META,
    TIMES,
    WRITE,
    Written,
    at,
    set_,
    try_each,
    uri,
)
from support.scripted import Program, work
from support.updates import KEY, draft, rules, sign, updater, version
from support.worlds import Ledger, World, blueprint, snapshot

from tinycontainer.errors import UpdateReason, UpdateRefused
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.suit.drafts import NewVersion
from tinycontainer.suit.envelope.encoder import build_envelope, encode_manifest
from tinycontainer.suit.envelope.labels import ManifestMember, Parameter
from tinycontainer.suit.processor import PayloadRequest
from tinycontainer.trace.events import LoadRefused
from tinycontainer_tokens import cbor

GENEROUS_SECONDS = 5
RULES = rules(origins=("coap://h:5683",))
UIDS = (b"a", b"b", b"c")


def world() -> World:
    """A device with the containers a and b, which carry no tokens: that is faster."""
    programs = {uid: Program(work(10), stop=work(10)) for uid in ("a", "b", "c")}
    made = World(programs, sequences=Ledger(), bare=True)
    for uid in ("a", "b"):
        made.run(blueprint(uid, security=TIMES), programs[uid])
    made.device.run(for_ms=15)
    return made


def new_version(uid: str) -> NewVersion:
    bundle = world().pack(blueprint(uid, security=TIMES, priority=3))
    return version(bundle, uid.encode(), starts=True)


def rich() -> Written:
    """Every command of the profile that belongs to an installation."""
    made = Written.of(new_version("a"), new_version("c"))
    code_c = made.payloads["#5"]
    install = (
        *made.install[: 5 * 4],
        at(5),
        try_each(
            (uri("#0"), FETCH, MATCH),
            (set_(Parameter.CONTENT, code_c), WRITE, try_each((ABORT,), None), MATCH),
        ),
    )
    made = made.having(ManifestMember.PAYLOAD_FETCH, at(CODE), uri("coap://h/a"), FETCH)
    made = made.having(ManifestMember.VALIDATE, ALL, MATCH)
    return made.installing(*install).having(ManifestMember.INVOKE, at(CODE, 5), INVOKE)


SOURCES = {
    "plain": Written.of(new_version("a")),
    "rich": rich(),
    "partial": Written.of(new_version("b")).installing(
        at(META), uri("#0"), FETCH, MATCH, at(DATA, CODE), MATCH
    ),
    "removal": Written.of_draft(draft(removed=(b"a", b"b"))),
}


def fetch(request: PayloadRequest) -> bytes | None:
    return b"a" if request.uri.endswith("a") else None


class Attacks:
    """Applies mutants to one device; makes another one whenever it has changed."""

    def __init__(self) -> None:
        self._fresh()
        self.accepted = 0
        self.reasons: set[UpdateReason] = set()

    def _fresh(self) -> None:
        self._world = world()
        self._before = snapshot(self._world)

    def attack(self, source: Written, random: Random) -> None:
        tree = open_manifest(encode_manifest(source.manifest))
        manifest = cbor.encode(close(mutate(tree, random)))
        payloads = dict(source.payloads)
        if payloads and random.random() < 0.2:
            name = random.choice(list(payloads))
            payloads[name] = random.choice([*payloads.values(), b"", b"x" * 70_000])
        content = sign(build_envelope(manifest, payloads, {}), KEY)
        started = perf_counter()
        try:
            updater(self._world, RULES).apply(content, fetch)
        except UpdateRefused as refusal:
            self._check_refused(refusal)
        else:
            self._check_accepted(manifest)
        assert perf_counter() - started < GENEROUS_SECONDS

    def _check_refused(self, refusal: UpdateRefused) -> None:
        self.reasons.add(refusal.reason)
        event = self._world.events[-1]
        assert isinstance(event, LoadRefused)
        assert event.verb == "update"
        assert snapshot(self._world) == self._before

    def _check_accepted(self, manifest: bytes) -> None:
        """What is there now has digests of the manifest, and nobody else has changed."""
        self.accepted += 1
        before = {view.uid: view for view in self._before[0]}  # type: ignore[attr-defined]
        self._world.device.run(for_ms=50)
        after = {view.uid for view in self._world.device}
        named = {cbor2.loads(each[0]) for each in cbor2.loads(cbor2.loads(manifest)[3])[2]}
        assert {*before} - named == after - named
        if 24 in cbor2.loads(manifest):
            assert not after & named
        else:
            assert named <= after
            self._check_installed(named, digests_of(manifest))
        self._fresh()

    def _check_installed(self, uids: set[bytes], digests: set[bytes]) -> None:
        for uid in uids:
            for section in UpdateSection:
                content = self._world.device.installed(uid, section)
                assert content is not None
                assert hashlib.sha256(content).digest() in digests
            assert self._world.device.metadata(uid).uid == uid


def attack(count: int, seed: int) -> Attacks:
    attacks, random = Attacks(), Random(seed)
    sources = list(SOURCES.values())
    for number in range(count):
        attacks.attack(sources[number % len(sources)], random)
    return attacks


@pytest.mark.parametrize("name", SOURCES)
def test_the_sources_of_mutants_are_accepted(name: str) -> None:
    outcome = updater(world(), RULES).apply(SOURCES[name].signed(), fetch)
    assert not outcome.is_repetition


@pytest.mark.clause("TC-UPD-02", "TC-UPD-05", "TC-UPD-15", "TC-UPD-20")
def test_a_signed_mutant_is_refused_or_does_what_it_says() -> None:
    found = attack(400, 1)
    assert 0 < found.accepted < 400
    assert {UpdateReason.MANIFEST, UpdateReason.PROFILE, UpdateReason.IMAGE} <= found.reasons


@pytest.mark.long
def test_twenty_thousand_signed_mutants_are_refused_or_do_what_they_say() -> None:
    found = attack(20_000, 2)
    assert found.accepted > 100
    before_a_manifest = {
        UpdateReason.ENVELOPE,
        UpdateReason.DIGEST,
        UpdateReason.KEY,
        UpdateReason.SIGNATURE,
    }
    assert not found.reasons & before_a_manifest
