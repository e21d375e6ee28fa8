"""The story, part three: what each party can know afterwards, and no more."""

from typing import Final
from urllib.parse import urlencode

from tinycontainer_tokens import Role

from .desk import DemoDesk
from .joining import NEW, PLATFORM_FILE
from .story_releases import COURIER, LIBRARY

_QUESTION: Final = urlencode({"purl": LIBRARY["purl"]})


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
    import json, time
    t = time.monotonic()
    box = desk.boxes_with("keys", NEW)[0]
    for role in Role:
        for q in ("", f"?device={box}"):
            r = desk.client(role).ask("GET", f"/api/evidence{q}")
            print(role, q, r.status, r.value if r.status>=400 else "")
            for e in (r.value.get("events") or [])[:100]: print("   ", {k:v for k,v in e.items() if v is not None})
    for b in ("box01","box02"):
        print(desk.program(("platform","evidence",desk.platform.web_uri,"box01","--key",str(desk.yard.evidence_public_file(b)),"--token",str(desk.people[Role.OWNER].token_file))))
    print("TIME", time.monotonic()-t)


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
