"""What is signed is what was shown, whatever a platform answers; four parties sign a release."""

import base64
import hashlib
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import Program, ScriptedRuntime, Steps
from support.signing_platforms import (
    NOW_S,
    PARTS,
    UID,
    FakePlatform,
    answer_of,
    encoded,
    header_for,
    key_of,
    order_of,
    ready_release,
    served,
    small_release,
)
from support.worlds import Ledger, trusted

from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.setup import Setup
from tinycontainer.interfaces.network.http_uri import parse_http_uri
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import ContainerType, decode
from tinycontainer.network.platform.exchange import Server
from tinycontainer.network.platform.releases.parts import METADATA, ReleasePart
from tinycontainer.network.platform.signer.client import PlatformClient
from tinycontainer.network.platform.signer.description import describe
from tinycontainer.network.platform.signer.examining import ExaminedRequest, examine
from tinycontainer.network.platform.signer.facts import as_facts
from tinycontainer.network.platform.signer.refusal import SigningRefused
from tinycontainer.network.platform.signer.request import read_request
from tinycontainer.network.platform.signer.signed import Signed
from tinycontainer.network.platform.signer.tokens import key_sha256, make_token
from tinycontainer.tools.explain.admission import explain_bundle
from tinycontainer.tools.inspect.inspection import claims_as_dict
from tinycontainer_tokens import (
    Expectation,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Profile,
    cbor,
    verify,
)
from tinycontainer_tokens.claims import CLAIMS
from tinycontainer_tokens.claims import decode as decode_claims
from tinycontainer_tokens.envelope import parse

FIRMWARE = small_release(profile=Profile.RIOT_2024)
RELEASES = [(ready_release(part), part) for part in PARTS] + [
    (FIRMWARE, part) for part in PARTS[:3]
]
HONEST = [(release, part, answer_of(release, part)) for release, part in RELEASES]
STRANGE: tuple[Any, ...] = (
    *(0, 1, 5, 1 << 32, (1 << 64) - 1, b"", b"box", b"bo\x1b", bytes(32), "dev", "d\x1b[2J"),
    *(b"\x1f", b"\xff\xff\xff\xff", [], {}, -1),
)


def require_as_shown(found: ExaminedRequest, facts: dict[str, Any], token: bytes) -> None:
    """Check that a token says what was shown, about what was ordered, and nothing else."""
    order, part = found.order, found.part
    envelope = parse(token)
    claims = decode_claims(envelope.payload, part.kind, order.profile)
    assert envelope.payload.hex() == facts["payload"]
    assert claims_as_dict(claims) == facts["claims"]
    assert facts["part"] == part.name
    assert facts["uid_hex"] == order.uid.hex()
    if order.profile is Profile.RFC9052:
        assert (claims.uid, claims.kind) == (order.uid, part.kind)
    content = None if found.covered is None else hashlib.sha256(found.covered).digest()
    assert claims.sha256 == content
    expected = Expectation(
        part.kind,
        order.profile,
        order.uid,
        claims.not_before_s or 0,
        content_sha256=content,
        audience=claims.audience,
        endpoint_id=part.endpoint_id,
    )
    if claims.expires_s is None or claims.expires_s > (claims.not_before_s or 0):
        entries = [KeyEntry(part.role, order.profile, key_of(part).public_half())]
        verify(token, expected, KeyStore(entries)).require()
    if part == METADATA:
        whole = (found.covered or b"") + token
        metadata = decode(whole, len(whole))
        assert metadata.security is not None
        assert metadata.security.metadata_token == token
        assert metadata.uid == order.uid


def read_and_examine(answer: bytes, release: Any, part: ReleasePart) -> ExaminedRequest | str:
    """What passed all checks, or why it did not."""
    try:
        request = read_request(answer)
        return examine(request, order_of(release, part), header_for(part, release.profile), None)
    except SigningRefused as error:
        return error.text


def sign_if_allowed(
    answer: bytes, release: Any, part: ReleasePart, *, compares: bool = False
) -> bool:
    """Whether an answer leads to a signature, which is then one over what was shown."""
    found = read_and_examine(answer, release, part)
    if isinstance(found, str):
        assert found.isascii()
        assert found.isprintable()
        return False
    last = last_of(release, part) if compares else None
    described = describe(found, last, {}, NOW_S)
    assert all(line.isascii() and line.isprintable() for line in described.lines)
    facts = as_facts(found, described, key_sha256(key_of(part)))
    assert json.loads(json.dumps(facts)) == facts
    require_as_shown(found, facts, make_token(found.payload, release.profile, key_of(part)))
    return True


def last_of(release: Any, part: ReleasePart) -> Signed:
    """What is remembered of the honest answer."""
    found = read_and_examine(json.dumps(answer_of(release, part)).encode(), release, part)
    assert isinstance(found, ExaminedRequest)
    return found.as_signed(None, NOW_S, bytes(32))


class Liar:
    """Changes honest answers by chance, often so that everything still fits together."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def answer(self, honest: dict[str, Any]) -> bytes:
        """One answer with one to three changes."""
        told = dict(honest)
        for _ in range(self.dice.randint(1, 3)):
            change = self.dice.choice(
                (self.change_claims, self.change_covered, self.change_field, self.damage)
            )
            change(told)
        body = bytearray(json.dumps(told).encode())
        if self.dice.random() < 0.1:
            body[self.dice.randrange(len(body))] = self.dice.randrange(256)
        return bytes(body)

    def change_claims(self, told: dict[str, Any]) -> None:
        """Other claims, in their right form."""
        claims = self.claims(told)
        label = self.dice.choice([*CLAIMS, 7])
        claims.pop(label, None)
        if self.dice.random() < 0.8:
            claims[label] = self.dice.choice(STRANGE)
        told["payload"] = encoded(cbor.encode(claims))

    def change_covered(self, told: dict[str, Any]) -> None:
        """Other covered bytes, as a rule with the right hash."""
        content = bytearray(as_bytes(told["covered"]))
        for _ in range(self.dice.randint(0, 2)):
            if content:
                content[self.dice.randrange(len(content))] ^= 1 << self.dice.randrange(8)
        if self.dice.random() < 0.2:
            content += b"\0"
        told["covered"] = encoded(bytes(content))
        if self.dice.random() < 0.9:
            claims = {**self.claims(told), -65537: hashlib.sha256(content).digest()}
            told["payload"] = encoded(cbor.encode(claims))

    def change_field(self, told: dict[str, Any]) -> None:
        """A field as another answer has it."""
        name = self.dice.choice([*told])
        told[name] = self.dice.choice(HONEST)[2][name]

    def damage(self, told: dict[str, Any]) -> None:
        """Other bytes in the payload."""
        payload = bytearray(as_bytes(told["payload"]))
        if payload:
            payload[self.dice.randrange(len(payload))] = self.dice.randrange(256)
        told["payload"] = encoded(bytes(payload))

    def claims(self, told: dict[str, Any]) -> dict[int, Any]:
        """The claims of an answer; none if they cannot be read any more."""
        try:
            found = cbor.decode(as_bytes(told["payload"]), 9999)
        except ValueError:
            return {}
        return dict(found) if isinstance(found, dict) else {}


def as_bytes(text: object) -> bytes:
    return base64.b64decode(text) if isinstance(text, str) else b""


def check_liar(seed: int, count: int) -> None:
    liar = Liar(seed)
    allowed = 0
    for _ in range(count):
        release, part, honest = liar.dice.choice(HONEST)
        compares = liar.dice.random() < 0.2
        allowed += sign_if_allowed(liar.answer(honest), release, part, compares=compares)
    assert count / 50 < allowed < count / 2


@pytest.mark.clause("TC-PLAT-26")
@pytest.mark.parametrize(("release", "part", "honest"), HONEST, ids=lambda each: str(each)[:0])
def test_an_honest_answer_is_signed_as_it_was_shown(
    release: Any, part: ReleasePart, honest: dict[str, Any]
) -> None:
    assert sign_if_allowed(json.dumps(honest).encode(), release, part)


@pytest.mark.clause("TC-PLAT-26")
def test_no_changed_answer_leads_to_a_signature_over_something_else_than_was_shown() -> None:
    check_liar(1, 3000)


@pytest.mark.long
def test_none_of_very_many_changed_answers_does_either() -> None:
    check_liar(2, 200_000)


@given(st.sampled_from(HONEST), st.data())
def test_no_cut_or_joined_answer_does_either(honest: Any, data: st.DataObject) -> None:
    release, part, answer = honest
    body = json.dumps(answer).encode()
    start = data.draw(st.integers(0, len(body)))
    sign_if_allowed(body[:start] + data.draw(st.binary(max_size=40)) + body[start:], release, part)
    sign_if_allowed(body[:start], release, part)


def idle(_natives: Natives) -> Steps:
    yield 1
    return None


def device_setup(profile: Profile) -> Setup:
    return Setup(
        runtimes={ContainerType.NATIVE: ScriptedRuntime({"box": Program(loop=idle)})},
        trust=Trust(keys=trusted(profile), profiles=(profile,)),
        epoch_s=NOW_S,
        sequences=Ledger(),
    )


@pytest.mark.clause("TC-PLAT-23")
@pytest.mark.parametrize("profile", Profile)
def test_what_four_parties_sign_through_a_platform_is_loaded_by_a_device(profile: Profile) -> None:
    signs_endpoints = profile is Profile.RFC9052
    release = small_release(profile=profile, signs_endpoints=signs_endpoints)
    platform = FakePlatform(release)
    with served(platform) as url:
        client = PlatformClient(Server(parse_http_uri(url), None, lambda: 0.0, 20), "")
        for part in reversed(release.parts[:-1]):
            sign_through(client, release, part)
        sign_through(client, release, METADATA)
    assert platform.release.is_complete
    checks = explain_bundle("box", platform.release.bundle().encode(), device_setup(profile), NOW_S)
    assert [each.check.name for each in checks if each.check.failed] == []
    assert len(platform.taken) == len(release.parts)


def sign_through(client: PlatformClient, release: Any, part: ReleasePart) -> None:
    """Sign one part as its party does."""
    key = key_of(part)
    request = client.ask(UID, 3, part, key_sha256(key))
    order = order_of(release, part)
    found = examine(request, order, header_for(part, release.profile), None)
    client.give(UID, 3, part, make_token(found.payload, release.profile, key))


@pytest.mark.parametrize("kid", [b"k", bytes(64)])
def test_a_key_with_an_id_that_the_platform_knows_signs_metadata(kid: bytes) -> None:
    release = ready_release(METADATA)
    key = replace(key_of(METADATA), kid=kid)
    platform = FakePlatform(release, keys=(key.public_half(),))
    with served(platform) as url:
        client = PlatformClient(Server(parse_http_uri(url), None, lambda: 0.0, 20), "")
        request = client.ask(UID, 3, METADATA, key_sha256(key))
        header = parse(make_token(request.payload, Profile.RFC9052, key)).protected
        found = examine(request, order_of(release, METADATA), header, None)
        client.give(UID, 3, METADATA, make_token(found.payload, Profile.RFC9052, key))
    assert platform.release.is_complete


@pytest.mark.clause("TC-PLAT-28")
def test_a_token_is_signed_by_the_key_that_was_given_alone() -> None:
    payload = read_request(json.dumps(HONEST[2][2]).encode()).payload
    key = KeyMaterial.from_private(bytes([9]) * 32)
    envelope = parse(make_token(payload, Profile.RFC9052, key))
    assert key.verifier is not None
    assert key.verifier.has_signed(envelope.structure, envelope.proof)
    assert envelope.payload == payload
