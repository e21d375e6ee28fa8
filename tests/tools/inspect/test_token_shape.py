"""What the parts of a token are called, also of one that cannot be taken apart."""

from support.worlds import KEYS

from tinycontainer.tools.inspect.token_shape import message_shape
from tinycontainer_tokens import Kind, Profile, Role, cbor
from tinycontainer_tokens.issue import prove

PAYLOAD = cbor.encode({-65537: bytes(32), -65539: b"uid", -65541: 4})
TOKEN = prove(PAYLOAD, KEYS[Role.DEVELOPER], Profile.RFC9052).encode()


def test_a_payload_is_named_claims_only_where_the_token_can_be_taken_apart() -> None:
    whole = message_shape(TOKEN, Kind.CODE).child(2)
    assert whole.meaning(PAYLOAD) == "claims"
    assert whole.meaning({}) == "payload"
    cut_short = message_shape(TOKEN[:-1], Kind.CODE).child(2)
    assert cut_short.meaning(PAYLOAD) == "payload"
    assert cut_short.meaning({}) == "payload"
