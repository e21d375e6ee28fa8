"""A gateway in an attacker's hands: all that it can do to what it carries."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from support.gateway_doubles import (
    ASLEEP,
    DEVICE_PATH,
    OSCORE_TYPE,
    Asked,
    Gateway,
    Reply,
    answer_json,
    decode_option,
    encode_option,
    problem,
    protected,
)

HOSTILE_TEXT: Final = "\x1b[2J\x1b]0;title\x07\nerror: forged\r\u202eabc load box: done"
STRANGE_PLACES: Final = (
    "", "//192.0.2.1/jobs/1", "http://192.0.2.1/jobs/1", "https://127.0.0.1/jobs/1", "jobs/1?a=b",
    "http://user@127.0.0.1/jobs/1", "javascript:alert(1)", "/jobs/\x01", "/jobs/1#a", "/" * 3000,
    "/jobs/ 1", "file:///etc/passwd", "/jobs/\\..\\1", "http://[::1", "\xff\xfe",
)  # fmt: skip


class HostileGateway(Gateway):
    """Carries messages, and does to them what an attack says.

    Attributes:
        draws: all chance.
        attack: what is done to the requests that come.
        messages: all protected requests that have come.
        answers: all protected answers that the device has given.
        held: messages that have not been sent on yet.
    """

    def __init__(self, port: int, seed: int) -> None:
        super().__init__(port)
        self.draws = random.Random(seed)
        self.attack: Attack = send_on
        self.messages: list[Asked] = []
        self.answers: list[Reply] = []
        self.held: list[Asked] = []

    def carry(self, asked: Asked) -> Reply:
        """Do what the attack says."""
        if asked.path == DEVICE_PATH:
            self.messages.append(asked)
        return self.attack(self, asked)

    def send(self, asked: Asked) -> Reply:
        """Send a message on as it is."""
        found = self.forward(asked.option, asked.body)
        if found.status == 200:
            self.answers.append(found)
        return found

    def flip(self, content: bytes) -> bytes:
        """The same bytes, but for one bit."""
        if not content:
            return b"\x01"
        flipped = bytearray(content)
        flipped[self.draws.randrange(len(flipped))] ^= 1 << self.draws.randrange(8)
        return bytes(flipped)


Attack: TypeAlias = Callable[[HostileGateway, Asked], Reply]


def send_on(gateway: HostileGateway, asked: Asked) -> Reply:
    """Nothing: what comes is carried."""
    return gateway.send(asked)


def replay_at_once(gateway: HostileGateway, asked: Asked) -> Reply:
    """Send a message three times; reply with any of the answers."""
    return gateway.draws.choice([gateway.send(asked) for _ in range(3)])


def replay_all(gateway: HostileGateway, asked: Asked) -> Reply:
    """Send old messages again, before and after the one that came."""
    old = gateway.draws.sample(gateway.messages, min(6, len(gateway.messages)))
    for each in old[:3]:
        gateway.send(each)
    found = gateway.send(asked)
    for each in old[3:]:
        gateway.send(each)
    return found


def hold(gateway: HostileGateway, asked: Asked) -> Reply:
    """Keep a message, and say that the device did not answer."""
    gateway.held.append(asked)
    return problem(504, title="Gateway Timeout")


def hold_some(gateway: HostileGateway, asked: Asked) -> Reply:
    """Keep the first message, and let the repetition pass before it."""
    return gateway.send(asked) if gateway.held else hold(gateway, asked)


def release(gateway: HostileGateway, asked: Asked) -> Reply:
    """Send the messages that were kept in any order, with the one that came among them."""
    waiting = [*gateway.held, asked]
    gateway.held = []
    gateway.draws.shuffle(waiting)
    return [(each, gateway.send(each)) for each in waiting][waiting.index(asked)][1]


def flip_request(gateway: HostileGateway, asked: Asked) -> Reply:
    """Change a bit of a message."""
    if gateway.draws.random() < 0.5:
        return gateway.forward(asked.option, gateway.flip(asked.body))
    return gateway.forward(gateway.flip(asked.option), asked.body)


def flip_answer(gateway: HostileGateway, asked: Asked) -> Reply:
    """Change a bit of an answer."""
    found = gateway.send(asked)
    if found.status != 200 or gateway.draws.random() < 0.6:
        return replace(found, body=gateway.flip(found.body))
    return protected(gateway.flip(decode_option(dict(found.headers)["OSCORE"])), found.body)


def lose_answer(gateway: HostileGateway, asked: Asked) -> Reply:
    """Send a message on, and end the connection."""
    gateway.send(asked)
    return Reply(raw=())


def lose_some_answers(gateway: HostileGateway, asked: Asked) -> Reply:
    """Lose two of three answers."""
    return send_on(gateway, asked) if len(gateway.messages) % 3 else lose_answer(gateway, asked)


def claim_success(gateway: HostileGateway, asked: Asked) -> Reply:
    """Say without protection that it was done; sometimes it was."""
    if gateway.draws.random() < 0.3:
        gateway.send(asked)
    done = {"code": "2.04", "done": True, "status": 200, "title": "Changed"}
    plain = (("Content-Type", "text/plain"),)
    return gateway.draws.choice(
        [
            answer_json(200, done),
            answer_json(201, done),
            Reply(204),
            Reply(200),
            Reply(200, plain, b"\x44"),
            Reply(200, (("Content-Type", OSCORE_TYPE),), b"\x44"),
            protected(b"", b""),
            protected(b"", b"\x44"),
            problem(200, **done),
            answer_json(202, {"id": "1", "state": "done"}, ("Location", "/jobs/1")),
            Reply(200, (("OSCORE", "AA"), *plain), b"\x44"),
        ]
    )


def answer_again(gateway: HostileGateway, asked: Asked) -> Reply:
    """Answer with what the device has answered before to another message."""
    if not gateway.answers or gateway.draws.random() < 0.5:
        gateway.send(asked)
    return gateway.draws.choice(gateway.answers or [Reply(204)])


def make_up(gateway: HostileGateway, asked: Asked) -> Reply:
    """Answer for the device, with an option of any form."""
    draws = gateway.draws
    option = draws.choice([b"", b"\x01\x00", b"\x09\x01\x02", b"\x20", b"\xff", draws.randbytes(9)])
    return protected(option, draws.randbytes(draws.choice([0, 8, 9, 30, 2000])))


def reflect(_gateway: HostileGateway, asked: Asked) -> Reply:
    """Give the request back as its answer."""
    return protected(asked.option, asked.body)


def mislabel(gateway: HostileGateway, asked: Asked) -> Reply:
    """Give the right answer in the wrong form."""
    found = gateway.send(asked)
    named = dict(found.headers)
    kind, option = ("Content-Type", OSCORE_TYPE), ("OSCORE", named.get("OSCORE", "AA"))
    headers = gateway.draws.choice(
        [
            (kind, option, option),
            (kind, option, ("OSCORE", "AA")),
            (kind, kind, option),
            (("Content-Type", "application/cbor"), option),
            (option,),
            (kind, ("OSCORE", option[1] + "=")),
            (kind, ("OSCORE", "")),
            (kind, ("OSCORE", "A" * 1001)),
            (kind, ("OSCORE", "\xe9")),
            (kind, option, ("Transfer-Encoding", "chunked")),
        ]
    )
    return Reply(found.status, headers, found.body)


def refuse_loudly(gateway: HostileGateway, asked: Asked) -> Reply:
    """Refuse with all that a problem document can hold."""
    if gateway.draws.random() < 0.5:
        gateway.send(asked)
    status = gateway.draws.choice([400, 401, 403, 404, 418, 500, 502, 503, 599, 999])
    kind = (("Content-Type", "application/problem+json"),)
    return gateway.draws.choice(
        [
            problem(status, title=HOSTILE_TEXT, detail=HOSTILE_TEXT, code="4.01"),
            problem(status, detail=HOSTILE_TEXT * 500, code=HOSTILE_TEXT, type=HOSTILE_TEXT),
            problem(status, title="load: done", detail="exit code 0", code="2.04"),
            problem(status, title=1, detail=[], code=None, type={}),
            Reply(status, kind, b"[" * 60_000),
            Reply(status, kind, b'"\xff'),
            Reply(status, kind, b"1" * 60_000),
            problem(503, ("Retry-After", HOSTILE_TEXT[:2].strip()), type=ASLEEP, detail=[]),
            problem(503, ("Retry-After", "9" * 5000), type=ASLEEP),
        ]
    )


def redirect(gateway: HostileGateway, asked: Asked) -> Reply:
    """Send the client elsewhere."""
    place = gateway.draws.choice([*STRANGE_PLACES, DEVICE_PATH, "/jobs/1"])
    status = gateway.draws.choice([301, 302, 303, 307, 308])
    return Reply(status, (("Location", place.encode().decode("latin-1")),))


def misplace_job(gateway: HostileGateway, asked: Asked) -> Reply:
    """Say that the device sleeps, and that the message is kept where it is not."""
    if asked.headers.get("prefer") != "respond-async":
        return problem(503, type=ASLEEP)
    place = gateway.draws.choice(STRANGE_PLACES).encode().decode("latin-1")
    return Reply(202, (("Location", place),) * gateway.draws.choice([1, 1, 2]))


def lie_about_job(gateway: HostileGateway, asked: Asked) -> Reply:
    """Keep a message as a job and lie about it, having sent it or not."""
    draws = gateway.draws
    if asked.path == DEVICE_PATH:
        if asked.headers.get("prefer") != "respond-async":
            return problem(503, type=ASLEEP)
        if draws.random() < 0.5:
            gateway.send(asked)
        return answer_json(202, {"id": "1", "state": "queued"}, ("Location", "/jobs/1"))
    if asked.path.endswith("/result"):
        lie = draws.choice([claim_success, make_up, answer_again, refuse_loudly])
        return lie(gateway, gateway.messages[-1])
    states = ["queued", "done", "challenged", "unknown", "cancelled", "expired", "finished"]
    return draws.choice(
        [
            *(answer_json(200, {"id": "1", "state": each}) for each in states),
            answer_json(200, {"state": ["done"]}),
            answer_json(200, [[]]),
            Reply(200, (), b"{" * 60_000),
            Reply(204),
            problem(500, detail=HOSTILE_TEXT),
        ]
    )


def talk_without_end(gateway: HostileGateway, asked: Asked) -> Reply:
    """Answer with more than anybody wants to read."""
    begin = b"HTTP/1.1 200 OK\r\n"
    typed = begin + b"Content-Type: application/oscore\r\nOSCORE: AA\r\n"
    chunked = typed + b"Transfer-Encoding: chunked\r\n\r\n"
    long = b"x" * 65_536
    return gateway.draws.choice(
        [
            Reply(raw=(typed, b"Content-Length: 1000000000000\r\n\r\n"), repeats=long),
            Reply(raw=(chunked,), repeats=b"1000\r\n" + b"x" * 4096 + b"\r\n"),
            Reply(raw=(chunked, b"0\r\n"), repeats=b"A: b\r\n" * 999),
            Reply(raw=(typed, b"\r\n"), repeats=long),
            Reply(raw=(begin,), repeats=b"A: b\r\n" * 999),
            Reply(raw=(begin, b"A: "), repeats=long),
            Reply(raw=(), repeats=b"HTTP/1.1 100 Continue\r\n\r\n" * 99),
            Reply(raw=(), repeats=b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" * 99),
            Reply(raw=(b"HTTP/1.1 ",), repeats=long),
        ]
    )  # fmt: skip


def speak_no_http(gateway: HostileGateway, asked: Asked) -> Reply:
    """Answer with what is no HTTP, or too little of it."""
    begin = b"HTTP/1.1 200 OK\r\nContent-Type: application/oscore\r\nOSCORE: AA\r\n"
    return gateway.draws.choice(
        [
            Reply(raw=(gateway.draws.randbytes(300),)),
            Reply(raw=(b"\x1b[2J\r\n\r\n",)),
            Reply(raw=(b"HTTP/1.1 abc OK\r\n\r\n",)),
            Reply(raw=(b"HTTP/9.9 200 OK\r\n\r\n",)),
            Reply(raw=(b"HTTP/1.1 -200 OK\r\n\r\n",)),
            Reply(raw=(b"HTTP/1.1 99999999999999999999 OK\r\n\r\n",)),
            Reply(raw=(begin, b"Content-Length: -1\r\n\r\nx")),
            Reply(raw=(begin, b"Content-Length: abc\r\n\r\nx")),
            Reply(raw=(begin, b"Content-Length: 100\r\n\r\nx")),
            Reply(raw=(begin, b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")),
            Reply(raw=(begin, b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc")),
            Reply(raw=(begin, b"Transfer-Encoding: chunked\r\n\r\n5\r\nab")),
            Reply(raw=(begin,)),
            Reply(raw=(b"HTTP/1.1 200 OK\r\n" + b": no name\r\n\xff\xfe: x\r\n\x00\r\n\r\n",)),
            Reply(raw=(b"HTTP/1.1 101 Switching Protocols\r\n\r\n",)),
        ]
    )


def answer_slowly(gateway: HostileGateway, asked: Asked) -> Reply:
    """Answer a byte at a time, or never."""
    begin = b"HTTP/1.1 200 OK\r\nContent-Type: application/oscore\r\nOSCORE: AA\r\n"
    if gateway.draws.random() < 0.5:
        gateway.send(asked)
    drop = (begin, b"Content-Length: 9000\r\n\r\n")
    return Reply(raw=gateway.draws.choice([drop, (begin,), ()]), repeats=b"x", pause_s=0.05)


def send_two_answers(gateway: HostileGateway, asked: Asked) -> Reply:
    """Give the right answer, and one more that nobody has asked for."""
    found = gateway.send(asked)
    headers = "".join(f"{name}: {value}\r\n" for name, value in found.headers)
    one = f"HTTP/1.1 {found.status} OK\r\n{headers}Content-Length: {len(found.body)}\r\n\r\n"
    other = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {OSCORE_TYPE}\r\nOSCORE: {encode_option(b'')}\r\n\r\n"
    )
    return Reply(raw=(one.encode() + found.body + other.encode(),))


def do_anything(gateway: HostileGateway, asked: Asked) -> Reply:
    """Something else with each message."""
    return gateway.draws.choice([*QUICK, send_on, send_on])(gateway, asked)


QUICK: Final[tuple[Attack, ...]] = (
    send_on, replay_at_once, replay_all, hold, hold_some, release, flip_request, flip_answer,
    lose_answer, lose_some_answers, claim_success, answer_again, make_up, reflect, mislabel,
    refuse_loudly, redirect, misplace_job, lie_about_job, talk_without_end, speak_no_http,
    send_two_answers,
)  # fmt: skip
"""Attacks during which the client has not to wait until its time is over."""
ATTACKS: Final[tuple[Attack, ...]] = (*QUICK, do_anything, answer_slowly)
