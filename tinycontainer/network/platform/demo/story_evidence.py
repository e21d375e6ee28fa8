"""The story, part three: what each party can know afterwards, and no more."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import urlencode

from tinycontainer_tokens import Role

from .desk import DemoDesk
from .joining import NEW, PLATFORM_FILE
from .story_releases import COURIER, LIBRARY

_QUESTION: Final = urlencode({"purl": LIBRARY["purl"]})
_HAPPENED: Final = ("changed", "started", "loaded", "ended", "changed", "started", "loaded")
"""On a box that has got the first release and then the second one, the newest first."""
_MOVED: Final = [("ready", "running"), ("running", "stopping"), ("ready", "running")]
"""States of the container before and after each of these events that changes them."""


def look_back(desk: DemoDesk) -> None:
    """Each party sees what is its own; the audit is whole."""
    desk.judge.tell("7. Who sees what, and who has done what")
    _ask_for_component(desk)
    _ask_for_devices(desk)
    _check_evidence(desk)
    _check_audit(desk)


def _ask_for_component(desk: DemoDesk) -> None:
    judge = desk.judge
    developer, owner = desk.client(Role.DEVELOPER), desk.client(Role.OWNER)
    found = developer.get(f"/api/components?{_QUESTION}")["components"]
    numbers = [(each["number"], each["devices"]) for one in found for each in one["releases"]]
    judge.expect("of release 1, nothing is left on a box: so sees the developer", numbers, [(1, 0)])
    digest = developer.get(f"{desk.release(COURIER, 1)}")["sbom"]["sha256"]
    developer.do("PUT", f"{desk.release(COURIER, 2)}/sbom", {"sha256": digest})
    found = developer.get(f"/api/components?{_QUESTION}")["components"]
    numbers = [(each["number"], each["devices"]) for one in found for each in one["releases"]]
    judge.expect("release 2 with it is on ten: so sees the developer", numbers, [(1, 0), (2, 10)])
    target = f"/api/components/devices?{_QUESTION}"
    names = [each["name"] for each in owner.get(target)["devices"]]
    judge.expect("the owner sees which ten", names, desk.boxes_with("keys", NEW))
    judge.expect("the developer sees no name", developer.get(target)["devices"], [])


def _ask_for_devices(desk: DemoDesk) -> None:
    judge = desk.judge
    shown = {role: desk.client(role).get("/api/devices")["devices"] for role in Role}
    seen = {role.value: len(found) for role, found in shown.items()}
    wanted = {"developer": 0, "provider": 0, "infrastructure": 12, "owner": 12}
    judge.expect("owner and infrastructure see the boxes, the others none", seen, wanted)
    box = desk.boxes_with("keys", NEW)[0]
    target = f"/api/devices/{box}/containers"
    for role in (Role.OWNER, Role.INFRASTRUCTURE):
        found = {each["state"] for each in desk.client(role).get(target)["containers"]}
        judge.expect(f"the {role} sees the state of a container", found, {"RUNNING"})
    refused = [
        desk.client(role).ask("GET", target).status for role in (Role.DEVELOPER, Role.PROVIDER)
    ]
    judge.expect("for the others there is no such box", refused, [404, 404])
    rollouts = {role.value: desk.client(role).get("/api/rollouts")["rollouts"] for role in Role}
    numbers = {role: len(found) for role, found in rollouts.items()}
    wanted = {"developer": 0, "provider": 0, "infrastructure": 3, "owner": 3}
    judge.expect("owner and infrastructure see the rollouts", numbers, wanted)


def _check_evidence(desk: DemoDesk) -> None:
    judge = desk.judge
    box, other = desk.boxes_with("keys", NEW)[:2]
    target = f"/api/evidence?device={box}"
    judge.await_expected(
        f"the owner sees what has happened on {box}, which has signed it",
        lambda: _proved(desk.client(Role.OWNER).get(target)["events"]),
        [(kind, box, True) for kind in _HAPPENED],
    )
    words = [each["words"] for each in desk.client(Role.OWNER).get(target)["events"]]
    judge.expect("in the words of the box", None in words, False)
    operated = desk.client(Role.INFRASTRUCTURE).get(target)["events"]
    states = [(each["before"], each["after"]) for each in operated if each["before"]]
    judge.expect("the infrastructure sees all states", states, _MOVED)
    judge.expect("and no words of a box", {each["words"] for each in operated}, {None})
    parties = (Role.DEVELOPER, Role.PROVIDER)
    judge.await_expected(
        "the developer sees what was refused, the provider what has run, and no more",
        lambda: {role.value: _kinds(desk, role) for role in parties},
        {"developer": {"refused"}, "provider": {"started", "ended"}},
    )
    told = b"".join(desk.client(role).fetch("/api/evidence") for role in parties)
    named = [name for name in desk.boxes if name.encode() in told]
    judge.expect("neither of them is told the name of a box", named, [])
    _check_elsewhere(desk, box, other)


def _check_elsewhere(desk: DemoDesk, box: str, other: str) -> None:
    """Check what a box has signed on the owner's machine, with its key and that of another box."""
    judge, token_file = desk.judge, desk.people[Role.OWNER].token_file

    def check(name: str) -> tuple[int, str]:
        key_file = desk.yard.evidence_public_file(name)
        options = ("--key", str(key_file), "--token", str(token_file))
        return desk.program(("platform", "evidence", desk.platform.web_uri, box, *options))

    with ThreadPoolExecutor(2) as pool:
        (code, said), (other_code, refusal) = pool.map(check, (box, other))
    is_said = f"device {box}" in said and "none was changed, left out or made up" in said
    judge.expect(
        f"the owner's own program proves it with the key of {box}", (code, is_said), (0, True)
    )
    is_refused = "nothing is proved: signature" in refusal
    judge.expect(f"with the key of {other} nothing is proved", (other_code, is_refused), (1, True))


def _proved(events: list[Any]) -> list[tuple[str, str, bool]]:
    return [(each["kind"], each["device"], each["is_proved"]) for each in events]


def _kinds(desk: DemoDesk, role: Role) -> set[str]:
    return {each["kind"] for each in desk.client(role).get("/api/evidence")["events"]}


def _check_audit(desk: DemoDesk) -> None:
    judge = desk.judge
    deeds = {
        role: {each["deed"] for each in desk.client(role).get("/api/audit?limit=1000")["entries"]}
        for role in Role
    }
    judge.expect("the owner's audit has its signature", "mask-signed" in deeds[Role.OWNER], True)
    others = "code-signed" in deeds[Role.OWNER]
    judge.expect("and not that of the developer", others, False)
    said = desk.run("platform", "verify-audit", str(desk.platform.directory / PLATFORM_FILE))
    is_whole = "entries are as they were written" in said
    judge.expect("no entry of the audit was changed or left out", is_whole, True)
