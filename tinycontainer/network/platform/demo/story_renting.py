"""The story, part four: boxes are rented out for seconds, and rights are taken back."""

import time
from typing import Final

from tinycontainer_tokens import Role

from .desk import DemoDesk, example
from .joining import NEW
from .story_releases import COURIER, begin_release
from .story_rollouts import counts, draft, running, start, tally

MAPPER: Final = "mapper-rbpf"
"""The application that is rented boxes for."""
_CALLS: Final = ("open", "read")
_RADIO: Final = 15
_RUNS_S: Final = 6.0
"""How long the rental lasts after everything is signed and brought."""
_MORE_S: Final = 30.0


def rent(desk: DemoDesk) -> None:
    """The owner lends some boxes for a time, and they end what they were lent for by themselves."""
    judge = desk.judge
    judge.tell("8. The owner rents out the boxes in the south, for seconds")
    south = desk.boxes_with("site", "south")
    offer = _offer(desk, len(south))
    signing_s = _make_mapper(desk)
    until_s = int(time.time() + 3 * signing_s + _RUNS_S)
    rental = _grant(desk, offer, until_s)
    # The owner's rights expire. With the plan, the container is stopped, which could do nothing.
    _give_plan(desk, {"expires": until_s})
    desk.sign(MAPPER, 1, "mask", "endpoint-1")
    desk.sign(MAPPER, 1, "metadata")
    rollout = draft(desk, MAPPER, 1)
    start(desk, rollout)
    judge.await_expected(
        f"it comes to the {len(south)} boxes of the offer, though the rollout asks for all",
        lambda: counts(desk, rollout),
        {"state": "done", "done": len(south)},
    )
    states = desk.states(MAPPER, [*desk.boxes])
    is_before = time.time() < until_s
    judge.expect(
        "they run it before the rental ends", is_before and states, dict.fromkeys(south, "RUNNING")
    )
    judge.await_expected(
        "after it, they have stopped it by themselves, because its time is over",
        lambda: desk.states(MAPPER, south),
        dict.fromkeys(south, "READY expired"),
        until_s - time.time() + _MORE_S,
    )
    owner = desk.client(Role.OWNER)
    judge.expect("the rental has ended", owner.get(f"/api/rentals/{rental}")["state"], "ended")
    late = draft(desk, MAPPER, 1)
    target, others = f"/api/rollouts/{late}/start", {"despite": len(south)}
    refused = desk.client(Role.INFRASTRUCTURE).ask("POST", target, others)
    judge.expect("it is not rolled out any more", refused.status, 409)
    judge.expect(f"because: {refused.detail}", "is ended" in refused.detail, True)


def withdraw(desk: DemoDesk) -> None:
    """The owner takes all rights of an application back; no box takes an old version again."""
    judge = desk.judge
    judge.tell("9. The owner takes all rights of the first application back")
    bundle = desk.client(Role.OWNER).fetch(f"{desk.release(COURIER, 2)}/bundle")
    judge.expect("ten boxes run it before", tally(desk, COURIER), running(10))
    desk.run("platform", "withdraw", desk.platform.web_uri, COURIER, *desk.as_signer(Role.OWNER))
    judge.await_expected("every box has lost it", lambda: tally(desk, COURIER), {})
    refusals = {box: _put(desk, box, bundle) for box in desk.boxes}
    judge.expect(
        "whoever has the platform's token brings the old bundle to no box",
        {box for box, (status, _) in refusals.items() if status == 403},
        {*desk.boxes},
    )
    new = desk.boxes_with("keys", NEW)
    told = {refusals[box][1] for box in new}
    is_older = all("is older than" in each for each in told)
    judge.expect(f"each of the ten says why: {'; '.join(told)}", is_older, True)
    judge.expect("no box has it", tally(desk, COURIER), {})
    rollout = draft(desk, COURIER, 2, f"label.keys={NEW}")
    target, others = f"/api/rollouts/{rollout}/start", {"despite": 0}
    late = desk.client(Role.INFRASTRUCTURE).ask("POST", target, others)
    judge.expect("it is not rolled out any more", late.status, 409)
    judge.expect(f"because: {late.detail}", "has withdrawn" in late.detail, True)


def _offer(desk: DemoDesk, count: int) -> int:
    """Let the owner offer its boxes in the south: number of the offer."""
    radio = {"peer": "local", "peer_endpoint": _RADIO, "directions": ["out"]}
    limits = {
        "syscalls": _CALLS, "endpoints": [radio], "period_ms": 200, "share_per_cent": 10, "days": 1,
    }  # fmt: skip
    offer = {"name": "boxes in the south", "query": "label.site=south", "limits": limits}
    number = int(desk.client(Role.OWNER).do("POST", "/api/offers", offer)["id"])
    seen = desk.client(Role.DEVELOPER).get(f"/api/offers/{number}")
    shown = (seen["devices"], seen["query"])
    desk.judge.expect("the developer sees how many there are, and not which", shown, (count, None))
    return number


def _make_mapper(desk: DemoDesk) -> float:
    """Let three parties make their parts of a release: how long two signatures have taken."""
    developer, provider = desk.client(Role.DEVELOPER), desk.client(Role.PROVIDER)
    uid, release = MAPPER.encode().hex(), desk.release(MAPPER, 1)
    developer.do("POST", "/api/applications", {"uid": uid, "name": "Mapper"})
    begin_release(desk, MAPPER, 1)
    code = developer.keep("code", example("mapper/mapper.rbf"))
    asked = {"sha256": code, "type": "bpf", "syscalls": _CALLS}
    developer.do("PUT", f"{release}/code", asked)
    data = provider.keep("data", b"the south\n")
    provider.do("PUT", f"{release}/data", {"sha256": data})
    _give_plan(desk, {})
    return desk.sign(MAPPER, 1, "code", "data")


def _give_plan(desk: DemoDesk, terms: dict[str, int]) -> None:
    times = {"loop_period_ms": 1000, "loop_max_duration_ms": 100}
    radio = {"id": 1, "peer": "local", "peer_endpoint": _RADIO, "direction": "out"}
    plan = {"timing": {"priority": 13}, "security": times, "endpoints": [radio], "terms": terms}
    desk.client(Role.INFRASTRUCTURE).do("PUT", f"{desk.release(MAPPER, 1)}/plan", plan)


def _grant(desk: DemoDesk, offer: int, until_s: int) -> int:
    """Let the developer ask for a rental, and the owner grant it: its number."""
    uid = MAPPER.encode().hex()
    asked = desk.client(Role.DEVELOPER).do(
        "POST",
        "/api/rentals",
        {"offer": offer, "uid": uid, "number": 1, "from_s": int(time.time()), "until_s": until_s},
    )
    desk.judge.expect("what the developer asks for is within the offer", asked["breaks"], [])
    number = int(asked["id"])
    granted = desk.client(Role.OWNER).do("POST", f"/api/rentals/{number}/grant")
    desk.judge.expect("the owner grants it", granted["state"], "granted")
    shown = desk.client(Role.OWNER).get(desk.release(MAPPER, 1))
    expires = {shown["terms"][kind]["expires"] for kind in ("mask", "endpoint")}
    desk.judge.expect("what it allows expires when the rental ends", expires, {until_s})
    return number


def _put(desk: DemoDesk, box: str, bundle: bytes) -> tuple[int, str]:
    """Load a bundle with the token that the platform has: status and detail of the answer."""
    target = f"/devices/{box}/tc/c/{COURIER.encode().hex()}"
    reply = desk.gateway.send("PUT", target, bundle)
    return reply.status, reply.detail
