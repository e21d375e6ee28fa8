"""Whoever asks for evidence finds out what those who carry the answers have changed."""

from collections.abc import Callable, Iterator

import cbor2
import pytest
from support.agents import Managed
from support.evidence import KEY, NONCE, OTHER, PUBLIC

from tinycontainer.network.agent.operator.answers import AnswerUnreadable
from tinycontainer.network.agent.operator.client import Client, DeviceRefused, Requests
from tinycontainer.network.agent.operator.evidence import ask_for_evidence
from tinycontainer.network.agent.requests.message import CoapAnswer, CoapRequest, Code, Method
from tinycontainer.state import DeviceState, MemoryState, StateChange
from tinycontainer.tools.evidence import EvidenceFault, EvidenceRefused
from tinycontainer_tokens import KeyMaterial

Change = Callable[[CoapRequest, CoapAnswer], CoapAnswer]


class Carrier:
    """Carries requests to a device, and answers as it likes."""

    def __init__(self, managed: Managed, change: Change = lambda _, answer: answer) -> None:
        self._managed = managed
        self._change = change
        self.asked: list[tuple[str, ...]] = []

    def ask(self, request: CoapRequest) -> CoapAnswer:
        self.asked.append(request.path)
        return self._change(request, self._managed.manager.handle(request))

    def observe(self, request: CoapRequest) -> Iterator[CoapAnswer]:
        raise TimeoutError


def client_of(carrier: Carrier) -> Client:
    return Client(Requests(carrier, bytes))


def happened(state: DeviceState, count: int) -> None:
    """Events about a and b in turn; the first is about a."""
    events = tuple(b'{"uid":"%s"}' % (b"b" if number % 2 else b"a") for number in range(count))
    state.record(StateChange(events=events))


@pytest.fixture
def managed() -> Managed:
    state = MemoryState()
    happened(state, 71)
    return Managed(state=state, fixed_id=b"desk", evidence_key=KEY)


@pytest.mark.clause("TC-EVID-10")
@pytest.mark.parametrize("count", [0, 40, 500])
def test_a_device_proves_what_has_happened(managed: Managed, count: int) -> None:
    happened(managed.state, count)
    proof = ask_for_evidence(client_of(Carrier(managed)), PUBLIC, NONCE, None)
    assert proof.events == managed.state.events(0, 256).entries
    assert proof.statement.device_id == b"desk"
    own = ask_for_evidence(client_of(Carrier(managed)), PUBLIC, NONCE, b"a")
    assert own.events == tuple(each for each in proof.events if b'"a"' in each.content)


@pytest.mark.clause("TC-EVID-10")
def test_a_device_on_which_nothing_has_happened_proves_that() -> None:
    proof = ask_for_evidence(client_of(Carrier(Managed(evidence_key=KEY))), PUBLIC, NONCE, None)
    assert (proof.events, proof.statement.newest_event) == ((), 0)


@pytest.mark.clause("TC-EVID-09", "TC-EVID-10")
@pytest.mark.parametrize("kept", [0, 70])
def test_what_happens_while_it_is_asked_is_proved_too(kept: int) -> None:
    state = MemoryState()
    happened(state, kept)

    def meanwhile(request: CoapRequest, answer: CoapAnswer) -> CoapAnswer:
        happened(state, 100)
        return answer

    managed = Managed(state=state, evidence_key=KEY)
    proof = ask_for_evidence(client_of(Carrier(managed, slowly(meanwhile))), PUBLIC, NONCE, None)
    assert proof.events[-1].number == proof.statement.newest_event


def slowly(change: Change) -> Change:
    """Do something after the events have come, before the device states what it is."""
    done: list[bool] = []

    def changing(request: CoapRequest, answer: CoapAnswer) -> CoapAnswer:
        if request.path == ("tc", "e") and not cbor2.loads(answer.payload)[1] and not done:
            done.append(True)
            return change(request, answer)
        return answer

    return changing


def events_changed(change: Callable[[list[list[object]]], list[list[object]]]) -> Change:
    def changing(request: CoapRequest, answer: CoapAnswer) -> CoapAnswer:
        if request.path != ("tc", "e"):
            return answer
        values = cbor2.loads(answer.payload)
        values[1] = change(values[1])
        return CoapAnswer(answer.code, cbor2.dumps(values), answer.format)

    return changing


def evidence_changed(payload: Callable[[bytes], bytes]) -> Change:
    def changing(request: CoapRequest, answer: CoapAnswer) -> CoapAnswer:
        if request.path != ("tc", "ev"):
            return answer
        return CoapAnswer(answer.code, payload(answer.payload), answer.format)

    return changing


def endless(rows: list[list[object]]) -> list[list[object]]:
    first = rows[0][0] if rows else 1_000
    assert isinstance(first, int)
    return [[first + place, b"{}"] for place in range(32)]


LIES: dict[str, Change] = {
    "an event changed": events_changed(lambda rows: [[row[0], b"{}"] for row in rows]),
    "the first left out": events_changed(lambda rows: [row for row in rows if row[0] != 1]),
    "one left out": events_changed(lambda rows: [row for row in rows if row[0] != 33]),
    "the newest left out": events_changed(lambda rows: [row for row in rows if row[0] != 71]),
    "all left out": events_changed(lambda _: []),
    "out of order": events_changed(lambda rows: rows[::-1]),
    "the same again": events_changed(lambda rows: [[7, b"{}"]]),
    "without an end": events_changed(endless),
}


@pytest.mark.clause("TC-EVID-09", "TC-EVID-10")
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
@pytest.mark.parametrize("uid", [None, b"a"])
def test_a_carrier_that_lies_about_events_is_found_out(
    managed: Managed, lie: Change, uid: bytes | None
) -> None:
    carrier = Carrier(managed, lie)
    with pytest.raises(EvidenceRefused) as caught:
        ask_for_evidence(client_of(carrier), PUBLIC, NONCE, uid)
    assert caught.value.fault is EvidenceFault.EVENTS
    assert len(carrier.asked) < 30


@pytest.mark.clause("TC-EVID-08", "TC-EVID-10")
def test_a_carrier_that_lies_about_the_statement_is_found_out(managed: Managed) -> None:
    other = (f"nonce={'22' * 16}",)
    kept = managed.manager.handle(CoapRequest(b"", Method.GET, ("tc", "ev"), other))
    lies: list[tuple[Callable[[bytes], bytes], EvidenceFault]] = [
        (lambda payload: payload[:-1] + bytes([payload[-1] ^ 1]), EvidenceFault.SIGNATURE),
        (lambda payload: payload[:-1], EvidenceFault.FORM),
        (lambda _: kept.payload, EvidenceFault.NONCE),
    ]
    for lie, fault in lies:
        with pytest.raises(EvidenceRefused) as caught:
            ask_for_evidence(
                client_of(Carrier(managed, evidence_changed(lie))), PUBLIC, NONCE, None
            )
        assert caught.value.fault is fault


@pytest.mark.clause("TC-EVID-08", "TC-EVID-10")
@pytest.mark.parametrize(("asked", "given"), [(b"a", None), (None, b"a"), (b"a", b"b")])
def test_a_statement_about_something_else_is_no_answer(
    managed: Managed, asked: bytes | None, given: bytes | None
) -> None:
    def ask_for_another(request: CoapRequest, answer: CoapAnswer) -> CoapAnswer:
        if request.path != ("tc", "ev"):
            return answer
        query = (f"nonce={NONCE.hex()}", *(() if given is None else (f"uid={given.hex()}",)))
        return managed.manager.handle(CoapRequest(b"", request.method, request.path, query))

    with pytest.raises(EvidenceRefused, match="of another part"):
        ask_for_evidence(client_of(Carrier(managed, ask_for_another)), PUBLIC, NONCE, asked)


@pytest.mark.clause("TC-EVID-08")
@pytest.mark.parametrize("key", [OTHER, OTHER.public_half()])
def test_the_key_of_another_device_proves_nothing(managed: Managed, key: KeyMaterial) -> None:
    with pytest.raises(EvidenceRefused, match="not signed by this key"):
        ask_for_evidence(client_of(Carrier(managed)), key, NONCE, None)


@pytest.mark.clause("TC-EVID-10")
def test_answers_of_another_form_and_refusals_are_told_apart(managed: Managed) -> None:
    with pytest.raises(DeviceRefused, match=r"4\.04 not-found: the device has no key"):
        ask_for_evidence(client_of(Carrier(Managed())), PUBLIC, NONCE, None)
    nonsense = Carrier(managed, lambda _, __: CoapAnswer(Code.CONTENT, b"\xff"))
    with pytest.raises(AnswerUnreadable):
        ask_for_evidence(client_of(nonsense), PUBLIC, NONCE, None)
