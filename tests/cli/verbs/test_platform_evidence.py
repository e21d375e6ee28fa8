"""``platform evidence``: what a platform has of a device is checked here, and believed nothing."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.evident_devices import KEY, EvidentDevice
from support.project import Program

from tinycontainer.state import extend_chain
from tinycontainer.tools.evidence import StatedContainer
from tinycontainer_tokens import KeyMaterial
from tinycontainer_tokens.key_files import to_public_pem

NONCE = bytes(range(16))
PAGE = 100
Lie = Callable[[dict[str, Any]], object]


@dataclass
class Shown:
    """A platform with the evidence of one device.

    Attributes:
        device: whose evidence it has.
        lie: changes what it answers.
        asked: targets of all requests.
    """

    device: EvidentDevice = field(default_factory=EvidentDevice)
    lie: Lie = lambda _: None
    asked: list[str] = field(default_factory=list)

    def answer(self, target: str) -> bytes:
        """What it answers."""
        self.asked.append(target)
        since = int(target.partition("since=")[2])
        before = [each for each in self.device.events if each.number <= since]
        after = [each for each in self.device.events if each.number > since]
        values = {
            "statement": base64.b64encode(self.device.states(NONCE)).decode(),
            "nonce": NONCE.hex(),
            "chain": extend_chain(self.device.chain, before).hex(),
            "events": [
                {"number": each.number, "content": base64.b64encode(each.content).decode()}
                for each in after[:PAGE]
            ],
            "next": after[PAGE - 1].number if len(after) > PAGE else None,
        }
        lied = self.lie(values)
        return lied if isinstance(lied, bytes) else json.dumps(values).encode()


@dataclass
class Desk:
    """An owner who checks.

    Attributes:
        program: runs the verb.
        platform: that is asked.
        command: the words of the verb.
    """

    program: Program
    platform: Shown
    command: tuple[object, ...]

    def bad(self, *more: object, code: int = 1) -> str:
        """The line of a run that proves nothing."""
        return self.program.bad(*self.command, *more, code=code)


@pytest.fixture
def desk(tmp_path: Path, program: Program) -> Iterator[Desk]:
    """An owner with the device's public key, before an honest platform with 250 events."""
    device = EvidentDevice(containers=(StatedContainer(b"box", 2, b"\1" * 32, 7),))
    for number in range(250):
        device.happens("updated", sequence=number)
    platform = Shown(device)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = platform.answer(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    (tmp_path / "evidence.pub").write_bytes(to_public_pem(KEY.public_half()))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        words = ("platform", "evidence", url, "box-1", "--key", tmp_path / "evidence.pub")
        yield Desk(program, platform, words)
        server.shutdown()
        thread.join()


@pytest.mark.clause("TC-PLAT-63")
def test_it_says_what_is_proved_and_how_to_go_on(desk: Desk) -> None:
    lines = desk.program.good(*desk.command).splitlines()
    assert lines[0].startswith("proved by evidence.pub: a device without an identifier, at 2027-")
    assert lines[1] == f"box: RUNNING, 7 loops, bundle {'01' * 8}"
    assert lines[2] == f"trace since the boot: sha256 {'03' * 32}"
    assert lines[3] == "events 1 to 250: none was changed, left out or made up"
    assert len(desk.platform.asked) == 3
    following = lines[4].removeprefix("next time: ").split()
    assert following[:2] == ["--since", "250"]

    desk.platform.device.happens("withdrawn", sequence=9)
    found = desk.program.json(*desk.command, *following)["evidence"]
    assert [each["number"] for each in found["events"]] == [251]
    assert (found["newest"], found["trace"]) == (251, "03" * 32)


def left_out(values: dict[str, Any]) -> None:
    values["events"] = values["events"][:5] + values["events"][6:]


def changed(values: dict[str, Any]) -> None:
    values["events"][3]["content"] = base64.b64encode(b'{"event":"loaded"}').decode()


def exchanged(values: dict[str, Any]) -> None:
    values["events"][3]["content"], values["events"][4]["content"] = (
        values["events"][4]["content"],
        values["events"][3]["content"],
    )


def cut(values: dict[str, Any]) -> None:
    values["next"] = None


def again(values: dict[str, Any]) -> None:
    values["next"] = 1


def other_nonce(values: dict[str, Any]) -> None:
    values["nonce"] = bytes(16).hex()


def other_chain(values: dict[str, Any]) -> None:
    values["chain"] = "11" * 32


def other_device(values: dict[str, Any]) -> None:
    other = EvidentDevice(key=KeyMaterial.from_private(b"\7" * 32))
    values["statement"] = base64.b64encode(other.states(NONCE)).decode()


def without_statement(values: dict[str, Any]) -> None:
    values["statement"] = None


@pytest.mark.clause("TC-PLAT-63")
@pytest.mark.parametrize(
    ("lie", "fault"),
    [
        (left_out, "events: "), (changed, "events: "), (exchanged, "events: "), (cut, "events: "),
        (again, "events: "), (other_chain, "events: "), (other_nonce, "nonce: "),
        (other_device, "signature: "), (without_statement, "form: "),
    ],
)  # fmt: skip
def test_whatever_the_platform_has_done_to_it_is_found(desk: Desk, lie: Lie, fault: str) -> None:
    desk.platform.lie = lie
    assert desk.bad().startswith(f"nothing is proved: {fault}")


@pytest.mark.clause("TC-PLAT-63")
def test_what_was_proved_once_cannot_be_taken_back(desk: Desk) -> None:
    following = (
        desk.program.good(*desk.command).splitlines()[-1].removeprefix("next time: ").split()
    )
    desk.platform.device.newest -= 1
    desk.platform.device.events.pop()
    assert "events: " in desk.bad(*following)
    desk.platform.device.happens("loaded")
    desk.platform.device.happens("loaded")
    assert "an event was changed or made up" in desk.bad(*following)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"[" * 5000, b"\xff", b'{"statement":7}',
        b'{"statement":"","events":{}}', b'{"statement":"","events":[7]}',
        b'{"statement":"","events":[{"number":true,"content":""}]}',
        b'{"statement":"","events":[{"number":1,"content":"\\u001b"}]}',
        b'{"statement":"","events":[],"nonce":"x"}',
    ],
)  # fmt: skip
def test_what_is_no_answer_is_one_line(desk: Desk, body: bytes) -> None:
    desk.platform.lie = lambda _: body
    assert desk.bad().startswith("nothing is proved: form: the platform's answer: ")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (("--since", 5), "--since and --chain go together"),
        (("--since", 5, "--chain", "xyz"), "--chain: is not 64 hexadecimal digits"),
    ],
)
def test_half_of_what_was_known_is_refused(
    desk: Desk, more: tuple[object, ...], problem: str
) -> None:
    assert problem in desk.bad(*more, code=2)
    assert desk.platform.asked == []


def test_a_name_that_is_none_and_a_platform_that_is_not_there_are_said(
    desk: Desk, program: Program
) -> None:
    words = [*desk.command]
    assert "is no name of a device" in program.bad(*words[:3], "a/b", *words[4:], code=2)
    words[2] = "http://127.0.0.1:1"
    assert "cannot be reached" in program.bad(*words, code=1)
