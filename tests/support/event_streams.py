"""Streams of events over HTTP, as a page reads them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class StreamEvent:
    """An event of a stream: its kind, its data, and its number."""

    kind: str
    data: Any
    number: str = ""


@contextmanager
def following(uri: str, timeout_s: float = 20, **headers: str) -> Iterator[Iterator[StreamEvent]]:
    """The events of a stream, until the block is left; it fails if none comes for so long."""
    given = {"Accept": "text/event-stream", **{k.replace("_", "-"): v for k, v in headers.items()}}
    with (
        httpx.Client(trust_env=False, timeout=timeout_s, verify=False) as client,
        client.stream("GET", uri, headers=given) as stream,
    ):
        if stream.status_code != 200:
            raise RuntimeError(f"{stream.status_code}: {stream.read().decode()}")
        yield _read(stream.iter_lines(), timeout_s)


def _read(lines: Iterator[str], timeout_s: float) -> Iterator[StreamEvent]:
    fields: dict[str, str] = {}
    end_s = time.monotonic() + timeout_s
    for line in lines:
        if time.monotonic() > end_s:  # signs of life are no events
            raise TimeoutError("no event came")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "event" in fields:
            yield StreamEvent(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
            end_s = time.monotonic() + timeout_s
        fields = {}
