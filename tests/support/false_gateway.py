"""Serves the gateway's page with answers that a test makes up, without what else protects it."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tinycontainer.network.gateway.web.page import read_page_files


def as_stream(*events: tuple[str, object]) -> bytes:
    """Events as a stream, which then ends."""
    return b"".join(
        f"event: {kind}\ndata: {json.dumps(value)}\n\n".encode() for kind, value in events
    )


@contextmanager
def false_gateway(answers: Mapping[str, object], status: int = 200) -> Iterator[str]:
    """Serve until the block is left; its address.

    Args:
        answers: by path: bytes of a stream, or a value that becomes JSON.
        status: of these answers.
    """
    files = read_page_files()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content, kind = files.get(self.path, (b"", ""))
            if kind:
                self._answer(200, content, kind)
            elif self.path not in answers:
                self._answer(404, b"{}", "application/problem+json")
            else:
                self._give(answers[self.path])

        def _give(self, value: object) -> None:
            if isinstance(value, bytes):
                self._answer(status, value, "text/event-stream")
            else:
                self._answer(status, json.dumps(value).encode(), "application/json")

        def _answer(self, number: int, content: bytes, kind: str) -> None:
            # No Content-Security-Policy: the page itself has to be sound.
            self.send_response(number)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
