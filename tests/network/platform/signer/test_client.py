"""The exchange with a platform is bounded, follows nothing, and believes no header."""

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.certificates import make_certificate
from support.signing_platforms import (
    UID,
    FakePlatform,
    Raw,
    key_of,
    problem,
    request_of,
    served,
    small_release,
)

from tinycontainer.interfaces.network.gateway_access import make_tls_context
from tinycontainer.interfaces.network.http_uri import parse_http_uri
from tinycontainer.network.platform.exchange import Server, ServerReply, ServerSilent
from tinycontainer.network.platform.releases.parts import MASK
from tinycontainer.network.platform.signer.client import PlatformClient
from tinycontainer.network.platform.signer.refusal import RefusalReason, SigningRefused
from tinycontainer.network.platform.signer.request import MAX_ANSWER_BYTES
from tinycontainer.network.platform.signer.tokens import key_sha256, make_token
from tinycontainer_tokens import Profile

FINGERPRINT = key_sha256(key_of(MASK))


def stopped() -> float:
    return 0.0


def client_of(
    url: str, token: str = "", now_s: Callable[[], float] = stopped, timeout_s: float = 20
) -> PlatformClient:
    return PlatformClient(Server(parse_http_uri(url), None, now_s, timeout_s), token)


def refusal_of(platform: FakePlatform, token: str = "") -> tuple[RefusalReason, str]:
    with served(platform) as url, pytest.raises(SigningRefused) as caught:
        client_of(url, token).ask(UID, 3, MASK, FINGERPRINT)
    assert caught.value.text.isascii()
    assert caught.value.text.isprintable()
    return caught.value.reason, caught.value.text


def answering(raw: Raw) -> FakePlatform:
    return FakePlatform(lies=lambda _honest: raw)


def test_it_asks_for_what_was_ordered_and_gives_the_token() -> None:
    platform = FakePlatform(token="secret.token")
    with served(platform) as url:
        client = client_of(f"{url}/base/", "secret.token")
        request = client.ask(UID, 3, MASK, FINGERPRINT)
        assert request == request_of(small_release(), MASK)
        token = make_token(request.payload, Profile.RFC9052, key_of(MASK))
        client.give(UID, 3, MASK, token)
    assert platform.taken == [token]
    assert platform.seen == [
        ("GET", f"/base/api/releases/626f78/3/signing/mask?key={FINGERPRINT.hex()}"),
        ("PUT", "/base/api/releases/626f78/3/tokens/mask"),
    ]


def test_without_its_token_the_detail_of_the_platform_is_shown() -> None:
    assert refusal_of(FakePlatform(token="secret")) == (
        RefusalReason.PLATFORM,
        "the platform refuses with status 401: the token is not known",
    )


def test_the_detail_of_a_problem_cannot_drive_a_terminal() -> None:
    text = refusal_of(answering(problem("no\x1b[2J\r\n\u202eyes")))[1]
    assert text.endswith("status 409: no\\x1b[2J\\x0d\\x0a\\xe2\\x80\\xaeyes")
    assert refusal_of(answering(problem(7)))[1].endswith("status 409")
    assert refusal_of(answering(Raw(b"\x1b", "text/html", 500)))[1].endswith("status 500")


@pytest.mark.clause("TC-PLAT-28")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_not_followed(status: int) -> None:
    platform = answering(Raw(b"", None, status, {"Location": "/elsewhere"}))
    assert "which is not followed" in refusal_of(platform)[1]
    assert len(platform.seen) == 1


@pytest.mark.parametrize(
    "raw",
    [
        Raw(b"{}", "text/html"),
        Raw(b"{}", None),
        Raw(b"{}", "application/json", headers={"Content-Type": "application/json"}),
        Raw(b"{}", "application/problem+json"),
    ],
)
def test_another_media_type_is_refused(raw: Raw) -> None:
    reason, text = refusal_of(answering(raw))
    assert reason is RefusalReason.ANSWER
    assert "not application/json" in text


def test_a_media_type_can_have_parameters() -> None:
    def told(honest: dict[str, object]) -> Raw:
        return Raw(json.dumps(honest).encode(), "Application/JSON; charset=utf-8")

    with served(FakePlatform(lies=told)) as url:
        assert client_of(url).ask(UID, 3, MASK, FINGERPRINT).part == MASK


@pytest.mark.parametrize("status", [201, 204, 206])
def test_no_other_status_than_200_is_an_answer(status: int) -> None:
    assert f"status {status}" in refusal_of(answering(Raw(b"", None, status)))[1]


@pytest.mark.clause("TC-PLAT-28")
def test_an_endless_body_is_not_read_to_its_end() -> None:
    reason, text = refusal_of(answering(Raw(b" " * 65536, repeats=1 << 20)))
    assert reason is RefusalReason.UNREACHABLE
    assert text == "the platform: its answer is too long"


def test_a_body_just_above_the_bound_is_refused() -> None:
    found = refusal_of(answering(Raw(b" " * (MAX_ANSWER_BYTES + 1))))
    assert found == (RefusalReason.UNREACHABLE, "the platform: its answer is too long")


def test_a_body_up_to_the_bound_is_read() -> None:
    platform = answering(Raw(b" " * MAX_ANSWER_BYTES))
    assert refusal_of(platform)[0] is RefusalReason.ANSWER


@contextmanager
def raw_server(sends: bytes, *, waits: bool = False) -> Iterator[str]:
    """Answer one connection with bytes; then close it, or wait for the other side to do so."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            wire, _ = listening.accept()
            with wire:
                wire.recv(65536)
                wire.sendall(sends)
                if waits:
                    wire.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            thread.join()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x1b[2J",
        b"HTTP/1.1 200\x1b OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    ],
)
def test_what_is_no_answer_of_http_is_refused(sent: bytes) -> None:
    with raw_server(sent) as url, pytest.raises(SigningRefused) as caught:
        client_of(url).ask(UID, 3, MASK, FINGERPRINT)
    assert caught.value.text.isascii()
    assert caught.value.text.isprintable()


def test_a_body_in_chunks_is_read() -> None:
    sent = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with raw_server(sent + b"2\r\n{}\r\n0\r\n\r\n") as url:
        server = Server(parse_http_uri(url), None, stopped, 20)
        reply = server.exchange("GET", "/", {}, b"", 100)
    assert reply == ServerReply(200, "application/json", b"{}")


@pytest.mark.clause("TC-PLAT-28")
def test_an_answer_that_comes_too_slowly_is_not_waited_for() -> None:
    ticks = itertools.chain([0.0] * 4, itertools.repeat(99.0))
    with raw_server(b"HTTP/1.1 200 OK\r\n", waits=True) as url:
        client = client_of(url, now_s=lambda: next(ticks), timeout_s=20)
        with pytest.raises(SigningRefused) as caught:
            client.ask(UID, 3, MASK, FINGERPRINT)
    assert caught.value.text == "the platform: there was no whole answer in time"


def test_an_answer_that_never_comes_is_not_waited_for() -> None:
    with raw_server(b"", waits=True) as url, pytest.raises(SigningRefused) as caught:
        client_of(url, timeout_s=0.05).ask(UID, 3, MASK, FINGERPRINT)
    assert caught.value.text == "the platform: there was no whole answer in time"


def test_a_platform_that_is_not_there_is_said_to_be_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(SigningRefused) as caught:
        client_of(f"http://127.0.0.1:{port}").ask(UID, 3, MASK, FINGERPRINT)
    assert caught.value.reason is RefusalReason.UNREACHABLE
    assert "cannot be reached: Connection refused" in caught.value.text


@pytest.mark.clause("TC-PLAT-28")
def test_a_certificate_that_nobody_trusts_is_refused_and_one_that_is_given_is_not(
    tmp_path: Path,
) -> None:
    make_certificate(tmp_path / "own.pem", "127.0.0.1")
    make_certificate(tmp_path / "other.pem", "127.0.0.1")
    platform = FakePlatform()
    with served(platform, tmp_path / "own.pem") as url:
        uri = parse_http_uri(url)
        for ca in (None, tmp_path / "other.pem"):
            server = Server(uri, make_tls_context(ca), stopped, 20)
            with pytest.raises(ServerSilent, match="certificate does not hold"):
                server.exchange("GET", "/", {}, b"", 100)
        trusting = Server(uri, make_tls_context(tmp_path / "own.pem"), stopped, 20)
        found = PlatformClient(trusting, "").ask(UID, 3, MASK, FINGERPRINT)
    assert found == request_of(small_release(), MASK)
    assert len(platform.seen) == 1


def test_a_plain_server_where_tls_is_expected_is_refused() -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\n\r\n") as url:
        uri = parse_http_uri(url.replace("http:", "https:"))
        server = Server(uri, make_tls_context(None), stopped, 20)
        with pytest.raises(ServerSilent, match="no TLS connection"):
            server.exchange("GET", "/", {}, b"", 100)


def test_a_token_that_the_platform_does_not_take_is_a_refusal() -> None:
    platform = FakePlatform(refuses=problem("not now", 503))
    with served(platform) as url, pytest.raises(SigningRefused) as caught:
        client_of(url).give(UID, 3, MASK, b"token")
    assert caught.value.text == "the platform refuses with status 503: not now"


def test_the_bearer_token_never_shows() -> None:
    client = client_of("http://127.0.0.1:9", "secret.token")
    assert "secret" not in repr(client)
