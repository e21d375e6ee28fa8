"""HTTP as bytes: what no client's library sends."""

import socket
from urllib.parse import urlsplit


def exchange(uri: str, sent: bytes, *, ends: bool = False, timeout_s: float = 20) -> bytes:
    """Send bytes to a server, and all that comes back until it closes the connection.

    Args:
        uri: of the server.
        sent: a request that asks for the connection to be closed, or anything else.
        ends: whether the sending side is closed after it.
        timeout_s: fail if the server takes longer.
    """
    place = urlsplit(uri)
    with socket.create_connection((place.hostname, place.port), timeout_s) as connection:
        connection.sendall(sent)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        came = b""
        while True:
            try:
                piece = connection.recv(65536)
            except ConnectionResetError:
                return came
            if not piece:
                return came
            came += piece


def ask_raw(uri: str, method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    """The answer to one request, whose target is sent as it is."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {urlsplit(uri).netloc}", "Connection: close"]
    head = "\r\n".join([*lines, *headers, "", ""])
    return exchange(uri, head.encode("latin-1") + body)


def status_of(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer.split(b" ", 2)[1])
