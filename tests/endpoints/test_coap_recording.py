"""Recordings of a remote resource: what is wrong with one, and in which line."""

import re
from pathlib import Path

import pytest

from tinycontainer_endpoints.coap.recorded_peer import read_messages


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1 is not time_ms,payload_hex"),
        (b"\xff", "line 1 is not time_ms,payload_hex"),
        (b"time_ms,payload_hex\n1\n", "line 2 has 1 columns, the header has 2"),
        (b"time_ms,payload_hex\nx,00\n", 'line 2 has "x", which is not a time in ms'),
        (b"time_ms,payload_hex\n-1,00\n", "which is not a time in ms"),
        (b"time_ms,payload_hex\n1,\n", "line 2 has no 1 to 255 bytes"),
        (b"time_ms,payload_hex\n1,0\n", "line 2 has no 1 to 255 bytes"),
        (b"time_ms,payload_hex\n1," + b"00" * 256, "line 2 has no 1 to 255 bytes"),
        (b"time_ms,payload_hex\n5,00\n4,00\n", "line 3: time goes back to 4 ms"),
        (b"time_ms,payload_hex\n" + b"0,00\n" * 300_000, "has more than"),
    ],
)
def test_a_wrong_recording_is_refused_with_its_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "wrong.csv").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(problem)):
        read_messages(tmp_path, "wrong.csv")
