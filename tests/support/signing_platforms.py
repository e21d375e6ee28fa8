"""A tiny platform that asks for signatures: honest, or lying as a test tells it to."""

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from support.worlds import ALL_CALLS, KEYS, local
from tinycontainer.metadata import ContainerMap, ContainerType, Security
from tinycontainer.network.platform.releases.parts import MASK, ReleasePart
from tinycontainer.network.platform.releases.release import (
    NotToBeSigned,
    Plan,
    Release,
    ReleaseCode,
)
from tinycontainer.network.platform.signer.examining import Order
from tinycontainer.network.platform.signer.request import SigningRequest, read_request
from tinycontainer.network.platform.signer.tokens import header_of, key_sha256, make_token
from tinycontainer_tokens import Claims, KeyMaterial, Kind, Profile, Role, TokenRefused, key_files
from tinycontainer_tokens.claims import encode

UID: Final = b"box"
NOW_S: Final = 1_800_000_000
PUBLIC: Final = {role: key.public_half() for role, key in KEYS.items()}


def small_release(**changes: Any) -> Release:
    """A release with one endpoint, version 3, with all contents and no signature."""
    release = Release(
        UID,
        3,
        Profile.RFC9052,
        ReleaseCode(b"box", ContainerType.NATIVE),
        b"data",
        Plan(
            ContainerMap(UID, ContainerType.NATIVE),
            (local(),),
            Security(10, 100, 10, 0, 10),
        ),
        ALL_CALLS,
    )
    return replace(release, **changes)


def key_of(part: ReleasePart) -> KeyMaterial:
    """The private key of the party that signs a part."""
    return KEYS[part.role]


def header_for(part: ReleasePart, profile: Profile = Profile.RFC9052) -> bytes:
    """The protected header of that party's tokens."""
    return header_of(key_of(part), profile)


def order_of(release: Release, part: ReleasePart) -> Order:
    """What a signer orders who wants to sign a part of a release."""
    return Order(release.uid, release.number, part, release.profile)


def answer_of(
    release: Release, part: ReleasePart, key: KeyMaterial | None = None
) -> dict[str, Any]:
    """What an honest platform answers."""
    public = PUBLIC[part.role] if key is None else key
    covered = release.covered(part, public)
    return {
        "uid": release.uid.hex(),
        "number": release.number,
        "part": part.name,
        "profile": release.profile.value,
        "payload": encoded(release.payload(part, public)),
        "covered": None if covered is None else encoded(covered),
    }


def request_of(release: Release, part: ReleasePart) -> SigningRequest:
    """The same, as a signer has read it."""
    return read_request(json.dumps(answer_of(release, part)).encode())


def sign_part(release: Release, part: ReleasePart) -> Release:
    """The release with a part signed by its party, without a network."""
    payload = release.payload(part, PUBLIC[part.role])
    token = make_token(payload, release.profile, key_of(part))
    return release.with_token(part, token, (PUBLIC[part.role],))


def ready_release(part: ReleasePart, **changes: Any) -> Release:
    """`small_release` with the signatures that a part waits for."""
    release = small_release(**changes)
    for each in release.waits_for(part):
        release = sign_part(release, each)
    return release


def withdrawal_of(sequence: int, **said: Any) -> dict[str, Any]:
    """What an honest platform answers who wants to withdraw; or one that says something else."""
    claims = replace(Claims(b"\0", uid=UID, sequence=sequence, kind=Kind.MASK), **said)
    return {
        "uid": UID.hex(),
        "number": sequence,
        "part": MASK.name,
        "profile": Profile.RFC9052.value,
        "payload": encoded(encode(claims, Kind.MASK, Profile.RFC9052)),
        "covered": None,
    }


def encoded(content: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(content).decode()


@dataclass(frozen=True)
class Raw:
    """An answer of HTTP.

    Attributes:
        body: all of it.
        kind: its media type; None for an answer without one.
        status: three digits.
        headers: further ones.
        repeats: how often the body is sent; a length is announced only if it is sent once.
    """

    body: bytes = b""
    kind: str | None = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    repeats: int = 1


def problem(detail: object, status: int = 409) -> Raw:
    """A problem (RFC 9457)."""
    body = json.dumps({"title": "no", "status": status, "detail": detail}).encode()
    return Raw(body, "application/problem+json", status)


@dataclass
class FakePlatform:
    """What a platform has, and how it lies.

    Attributes:
        release: that it keeps.
        lies: changes the answer of a question; None for an honest one.
        refuses: what it answers in place of taking a token; None to take it.
        token: that it wants to see.
        sequence: of the next withdrawal.
        keys: the public keys that it knows.
        seen: method and target of each request.
        taken: the tokens that it has taken.
    """

    release: Release = field(default_factory=small_release)
    lies: Callable[[dict[str, Any]], dict[str, Any] | Raw] | None = None
    refuses: Raw | None = None
    token: str = ""
    sequence: int = 1
    keys: tuple[KeyMaterial, ...] = tuple(PUBLIC.values())
    seen: list[tuple[str, str]] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> Raw:
        """What it answers."""
        self.seen.append((method, target))
        if self.token and authorization != f"Bearer {self.token}":
            return problem("the token is not known", 401)
        path, _, query = target.partition("?")
        words = path.split("/")[-2:]
        if "withdrawals" in words:
            return self._answer_withdrawal(method, body)
        part = ReleasePart.parse(words[1])
        try:
            if (method, words[0]) == ("GET", "signing"):
                return self._ask(part, query.removeprefix("key="))
            return self._take(part, base64.b64decode(json.loads(body)["token"]))
        except (NotToBeSigned, TokenRefused) as error:
            return problem(str(error))

    def _answer_withdrawal(self, method: str, body: bytes) -> Raw:
        """What it answers about withdrawals, of which it knows `sequence`."""
        if method == "POST":
            if self.refuses is not None:
                return self.refuses
            self.taken.append(base64.b64decode(json.loads(body)["token"]))
            return Raw(b"{}", status=201)
        honest = withdrawal_of(self.sequence)
        told = honest if self.lies is None else self.lies(honest)
        return told if isinstance(told, Raw) else Raw(json.dumps(told).encode())

    def _ask(self, part: ReleasePart, fingerprint: str) -> Raw:
        key = next((each for each in self.keys if key_sha256(each).hex() == fingerprint), None)
        if key is None:
            return problem("this key is not known", 404)
        honest = answer_of(self.release, part, key)
        told = honest if self.lies is None else self.lies(honest)
        return told if isinstance(told, Raw) else Raw(json.dumps(told).encode())

    def _take(self, part: ReleasePart, token: bytes) -> Raw:
        if self.refuses is not None:
            return self.refuses
        self.release = self.release.with_token(part, token, self.keys)
        self.taken.append(token)
        return Raw(b'{"state": "signed"}')


@contextmanager
def served(platform: FakePlatform, certificate: Path | None = None) -> Iterator[str]:
    """Serve until the block is left; the address.

    Args:
        platform: what answers.
        certificate: with its key (PEM), to be served over TLS; None without.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._do()

        def do_PUT(self) -> None:
            self._do()

        def do_POST(self) -> None:
            self._do()

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            authorization = self.headers.get("Authorization", "")
            self._give(platform.answer(self.command, self.path, authorization, body))

        def _give(self, answer: Raw) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.kind is not None:
                self.send_header("Content-Type", answer.kind)
            if answer.repeats == 1:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            try:
                for _ in range(answer.repeats):
                    self.wfile.write(answer.body)
            except OSError:  # the signer has had enough
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: a signer that has had enough closes its connection."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def write_keys(folder: Path) -> Mapping[Role, Path]:
    """The private keys of all parties as files."""
    paths = {role: folder / f"{role}.pem" for role in KEYS}
    for role, path in paths.items():
        path.write_bytes(key_files.to_pem(KEYS[role]))
    return paths


PARTS: Final = tuple(
    ReleasePart(kind, 1 if kind is Kind.ENDPOINT else 0)
    for kind in (Kind.CODE, Kind.DATA, Kind.MASK, Kind.ENDPOINT, Kind.METADATA)
)
"""The parts of `small_release`, the metadata last."""
