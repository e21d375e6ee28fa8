"""What a signer asks a platform, and what a signer gives it."""

import base64
import json
from collections.abc import Mapping
from typing import Final, NoReturn

from tinycontainer.text import show

from ..exchange import Server, ServerReply, ServerSilent
from ..releases.parts import ReleasePart
from .refusal import RefusalReason, SigningRefused
from .request import MAX_ANSWER_BYTES, SigningRequest, read_problem, read_request

_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"
_TAKEN: Final = 200
_MADE: Final = 201
_REDIRECTIONS: Final = range(300, 400)


class PlatformClient:
    """A platform as its signers see it.

    Args:
        server: where it is; the path of its URI comes before all others.
        token: of the signer; empty if there is none. It is never shown.
    """

    def __init__(self, server: Server, token: str) -> None:
        self._server = server
        self._token = token

    def ask(self, uid: bytes, number: int, part: ReleasePart, key_sha256: bytes) -> SigningRequest:
        """Ask what is to be signed.

        Args:
            uid: of the container.
            number: of the release.
            part: which part of it.
            key_sha256: hash of the public key that is to sign.

        Raises:
            SigningRefused: the platform refuses, cannot be reached, or its answer cannot be used.
        """
        return self._ask(f"{self._release(uid, number)}/signing/{part.name}?key={key_sha256.hex()}")

    def give(self, uid: bytes, number: int, part: ReleasePart, token: bytes) -> None:
        """Give a token.

        Args:
            uid: of the container.
            number: of the release.
            part: which part of it.
            token: signed.

        Raises:
            SigningRefused: the platform refuses it, or cannot be reached.
        """
        self._give("PUT", f"{self._release(uid, number)}/tokens/{part.name}", token, _TAKEN)

    def ask_withdrawal(self, uid: bytes, above: int, key_sha256: bytes) -> SigningRequest:
        """Ask what is to be signed to take back every right of a container.

        Args:
            uid: of the container.
            above: a sequence that the one of the token has to exceed.
            key_sha256: hash of the public key that is to sign.

        Raises:
            SigningRefused: the platform refuses, cannot be reached, or its answer cannot be used.
        """
        query = f"key={key_sha256.hex()}&above={above}"
        return self._ask(f"{self._withdrawals(uid)}/signing?{query}")

    def give_withdrawal(self, uid: bytes, token: bytes) -> None:
        """Give a token that takes back every right of a container.

        Args:
            uid: of the container.
            token: signed.

        Raises:
            SigningRefused: the platform refuses it, or cannot be reached.
        """
        self._give("POST", self._withdrawals(uid), token, _MADE)

    def ask_evidence(self, device: str, since: int) -> bytes:
        """Ask what a device has signed, and for its events above a number: JSON, unread.

        Args:
            device: its name, of characters that an URL can have.
            since: the number.

        Raises:
            SigningRefused: the platform refuses, or cannot be reached.
        """
        target = f"{self._base}/devices/{device}/evidence?since={since}"
        return self._exchange("GET", target, {}, b"", _TAKEN).body

    def _release(self, uid: bytes, number: int) -> str:
        return f"{self._base}/releases/{uid.hex()}/{number}"

    def _withdrawals(self, uid: bytes) -> str:
        return f"{self._base}/applications/{uid.hex()}/withdrawals"

    @property
    def _base(self) -> str:
        return f"{self._server.uri.path.rstrip('/')}/api"

    def _ask(self, target: str) -> SigningRequest:
        reply = self._exchange("GET", target, {}, b"", _TAKEN)
        if reply.media_type != _JSON:
            _refuse_answer(f"it is {show(reply.media_type, 60) or 'of no type'}, not {_JSON}")
        return read_request(reply.body)

    def _give(self, method: str, target: str, token: bytes, wanted: int) -> None:
        body = json.dumps({"token": base64.b64encode(token).decode("ascii")}).encode("ascii")
        self._exchange(method, target, {"Content-Type": _JSON}, body, wanted)

    def _exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, wanted: int
    ) -> ServerReply:
        sent = {"Accept": f"{_JSON}, {_PROBLEM}", **headers}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        try:
            reply = self._server.exchange(method, target, sent, body, MAX_ANSWER_BYTES)
        except ServerSilent as error:
            raise SigningRefused(RefusalReason.UNREACHABLE, f"the platform: {error}") from None
        if reply.status != wanted:
            _refuse_status(reply)
        return reply


def _refuse_status(reply: ServerReply) -> NoReturn:
    detail = read_problem(reply.body) if reply.media_type == _PROBLEM else ""
    if reply.status in _REDIRECTIONS:
        detail = "it leads elsewhere, which is not followed"
    text = f"the platform refuses with status {reply.status}"
    raise SigningRefused(RefusalReason.PLATFORM, f"{text}: {detail}" if detail else text)


def _refuse_answer(problem: str) -> NoReturn:
    text = f"the platform's answer cannot be used: {problem}"
    raise SigningRefused(RefusalReason.ANSWER, text)
