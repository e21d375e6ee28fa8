"""How the people of the demo ask the platform, and how its check asks the gateway."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from tinycontainer.interfaces.nesting import require_shallow_text
from tinycontainer.interfaces.network.http_uri import parse_http_uri
from tinycontainer.text import flatten

from ..exchange import Server, ServerReply, ServerSilent
from .judging import StoryBroken

_JSON: Final = "application/json"
_OCTETS: Final = "application/octet-stream"
_PROBLEM: Final = "application/problem+json"
_TIMEOUT_S: Final = 30.0
_MAX_ANSWER_BYTES: Final = 4 << 20
_SHOWN_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class DemoReply:
    """An answer.

    Attributes:
        status: of HTTP.
        value: of its JSON; None if it has none.
        body: as it came.
        set_cookie: of the header field of this name; empty if there is none.
    """

    status: int
    value: Any
    body: bytes
    set_cookie: str

    @property
    def detail(self) -> str:
        """Why it is a refusal, in one line of printable ASCII; empty if it is none."""
        if not isinstance(self.value, dict) or self.status < 400:
            return ""
        return flatten(str(self.value.get("detail", "")))[:_SHOWN_CHARACTERS]


class DemoClient:
    """A server as one asks it who has a token there.

    Args:
        uri: of the server, on this machine.
        token: of whoever asks; empty for nobody.
        now_s: monotonic seconds.
    """

    def __init__(self, uri: str, token: str, now_s: Callable[[], float]) -> None:
        self._server = Server(parse_http_uri(uri), None, now_s, _TIMEOUT_S)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(
        self, method: str, target: str, value: Any = None, headers: dict[str, str] | None = None
    ) -> DemoReply:
        """Ask, and take any answer.

        Args:
            method: of HTTP.
            target: path and query.
            value: is sent as JSON; None for nothing.
            headers: beside the usual ones.

        Raises:
            StoryBroken: there is no answer that can be used.
        """
        sent = {**self._headers, **(headers or {})}
        if value is None:
            return self._exchange(method, target, sent, b"")
        content = json.dumps(value).encode("ascii")
        return self._exchange(method, target, {**sent, "Content-Type": _JSON}, content)

    def send(self, method: str, target: str, content: bytes) -> DemoReply:
        """Send bytes as they are, and take any answer.

        Args:
            method: of HTTP.
            target: path and query.
            content: of the body.

        Raises:
            StoryBroken: there is no answer that can be used.
        """
        headers = {**self._headers, "Content-Type": _OCTETS}
        return self._exchange(method, target, headers, content)

    def get(self, target: str) -> Any:
        """What is there, from its JSON.

        Raises:
            StoryBroken: it is refused.
        """
        return self._good("GET", target, self.ask("GET", target)).value

    def do(self, method: str, target: str, value: Any = None) -> Any:
        """Do something that is not refused: the JSON of the answer.

        Raises:
            StoryBroken: it is refused.
        """
        return self._good(method, target, self.ask(method, target, value)).value

    def fetch(self, target: str) -> bytes:
        """The bytes that are there.

        Raises:
            StoryBroken: it is refused.
        """
        return self._good("GET", target, self.ask("GET", target)).body

    def keep(self, kind: str, content: bytes) -> str:
        """Have the platform keep an artefact: its SHA-256.

        Raises:
            StoryBroken: it is refused.
        """
        digest = sha256(content).hexdigest()
        target = f"/api/artefacts/{digest}?kind={kind}"
        self._good("PUT", target, self.send("PUT", target, content))
        return digest

    def _exchange(
        self, method: str, target: str, headers: dict[str, str], content: bytes
    ) -> DemoReply:
        try:
            reply = self._server.exchange(method, target, headers, content, _MAX_ANSWER_BYTES)
            return DemoReply(reply.status, _read_value(reply), reply.body, reply.set_cookie)
        except (ServerSilent, ValueError) as error:
            raise StoryBroken(f"{method} {target}: {flatten(str(error))}") from None

    def _good(self, method: str, target: str, reply: DemoReply) -> DemoReply:
        if reply.status >= 300:
            raise StoryBroken(f"{method} {target}: is refused with {reply.status}: {reply.detail}")
        return reply


def _read_value(reply: ServerReply) -> Any:
    """The JSON of an answer.

    Raises:
        ValueError: it says that it is JSON, and is none.
    """
    if not reply.body or reply.media_type not in (_JSON, _PROBLEM):
        return None
    text = reply.body.decode("utf-8")
    require_shallow_text(text)
    return json.loads(text)
