"""A platform in a process that is killed while it brings releases to devices."""

import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from support.deliveries import TOKEN, Answer, as_json, problem
from support.gateways import free_web_port
from support.rollouts import GATEWAY, FleetGateway
from support.serving import HOST
from tinycontainer.network.gateway.job import JobState
from tinycontainer.network.platform.delivery.gateway_answers import GatewayFailed

READY_S: Final = 60.0
_FILE: Final = """\
[http]
bind = "{http}"
[database]
url = "{url}"
[limits]
lease_s = 1
[[gateways]]
name = "{gateway}"
organisation = "infra"
uri = "{uri}"
token = "gateway.token"
"""


@dataclass
class KilledPlatform:
    """``platform serve`` on a database, beside the platform in this process.

    Attributes:
        directory: of its file.
        url: of the database.
        gateway_uri: where `FleetOverHttp` answers.
    """

    directory: Path
    url: str
    gateway_uri: str
    process: "subprocess.Popen[bytes] | None" = None
    starts: int = 0

    def __post_init__(self) -> None:
        token = self.directory / "gateway.token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        http = f"{HOST}:{free_web_port()}"
        text = _FILE.format(http=http, url=self.url, gateway=GATEWAY, uri=self.gateway_uri)
        (self.directory / "platform.toml").write_text(text)

    @property
    def is_running(self) -> bool:
        """Whether it has not been killed."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.starts += 1
        command = [sys.executable, "-m", "tinycontainer", "platform", "serve", "platform.toml"]
        with (self.directory / "platform.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.directory, stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()  # it can be killed before it has said it
        assert line.startswith(b"serving") or self.process.wait(READY_S) == -signal.SIGKILL, line

    def kill(self) -> None:
        """Kill it without a word."""
        if self.process is not None:
            self.process.kill()

    def end(self) -> None:
        """Kill it, and wait until it has gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(READY_S)
            if self.process.stdout is not None:
                self.process.stdout.close()


@dataclass
class FleetOverHttp:
    """A gateway over HTTP that kills the platform at some of its requests.

    Attributes:
        gateway: what it says and does.
        draws: where the moments come from.
        most: requests between two kills.
        kills: how many there were.
    """

    gateway: FleetGateway
    draws: random.Random
    most: int
    platform: KilledPlatform | None = None
    kills: int = 0
    left: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self) -> None:
        """Kill the platform once more, at a later request."""
        self.left = self.draws.randrange(self.most)

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """What is answered; nobody may be there any more to read it."""
        with self._lock:
            is_moment = self.left == 0
            self.left = None if self.left is None or is_moment else self.left - 1
            is_before = is_moment and self.draws.random() < 0.3
            if is_before:
                self._kill()
                return Answer(0)
            found = self._answer(method, target, headers, body)
            if is_moment:
                self._kill()
            return found

    def _kill(self) -> None:
        self.kills += 1
        process = None if self.platform is None else self.platform.process
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return problem(401, "unauthorized")
        words = target.split("/")
        match words[1:]:
            case ["blobs", digest]:
                return self._answer_blob(method, digest, body)
            case ["jobs", number]:
                return self._answer_job(method, number)
            case ["jobs", number, "result"]:
                found = self.gateway.jobs.get(f"/jobs/{number}")
                answer = None if found is None else found.answer
                return problem(409, "no-result") if answer is None else answer
            case ["devices", name]:
                shown = {"name": name, "presence": "awake", "back_s": 0.0, "heard_s": 5.5}
                return as_json(shown)
        if headers.get("prefer") != "respond-async":
            return problem(503, "asleep")
        named = {"If-Match": headers.get("if-match", "")}
        try:
            place = self.gateway.submit(method, target, named, body, deadline_s=1)
        except GatewayFailed as failure:
            return problem(404, failure.reason)
        return as_json({"state": "queued"}, 202, location=place)

    def _answer_blob(self, method: str, digest: str, body: bytes) -> Answer:
        if method == "PUT":
            self.gateway.keep_blob(digest, lambda: body)
            return as_json({"sha256": digest}, 201)
        has = digest in self.gateway.blobs
        return Answer(200) if has else problem(404, "unknown-blob")

    def _answer_job(self, method: str, number: str) -> Answer:
        place = f"/jobs/{number}"
        state = self.gateway.look_at(place)
        if state is None:
            return problem(404, "unknown-job")
        if method == "DELETE":
            if not self.gateway.cancel(place):
                return problem(409, "wrong-state")
            state = JobState.CANCELLED
        return as_json({"state": state.value})
