"""What devices say becomes JSON that every reader takes, whatever they say."""

import json

import pytest

pytest.importorskip("starlette")

from tinycontainer.network.agent.requests.message import CoapAnswer, Code, Format
from tinycontainer.network.gateway.web.answering import refusal_of
from tinycontainer.network.gateway.web.renditions import event_as_dict
from tinycontainer_tokens.cbor import encode


@pytest.mark.parametrize("event", ["NaN", "-Infinity", '{"a": NaN}', '{"a": [1e999]}', "[-1e400]"])
def test_an_event_with_a_number_that_is_none_stays_a_text(event: str) -> None:
    assert event_as_dict(1, event) == {"number": 1, "event": event}


def test_an_event_of_json_is_json() -> None:
    assert event_as_dict(7, '{"a": 1.5}') == {"number": 7, "event": {"a": 1.5}}


@pytest.mark.parametrize("reason", ["", "a b", "<img src=x>", "x" * 65, "\u00e9"])
def test_a_reason_that_is_no_part_of_a_uri_is_left_out(reason: str) -> None:
    payload = encode({-1: reason, -2: "so it is"})
    refused = refusal_of(CoapAnswer(Code.CONFLICT, payload, Format.PROBLEM))
    problem = json.loads(refused.body())
    assert problem["type"] == "urn:tinycontainer:problem:refused"
    assert problem["detail"] == "so it is"
