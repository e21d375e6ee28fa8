"""The story, part one: four parties make a release, sign it, and say what is in it."""

import json
from typing import Any, Final

from tinycontainer_tokens import Role

from .desk import DemoDesk, example

COURIER: Final = "courier"
"""The application of the story."""
COURIER_PARTS: Final = ("code", "data", "mask", "endpoint-1")
"""Those that are signed before ``metadata``."""
CALLS: Final = ("heartbeat", "open", "read", "write")
LIBRARY: Final = {
    "name": "tinycontainer-sdk", "version": "1.2.0", "purl": "pkg:generic/tinycontainer-sdk@1.2.0",
}  # fmt: skip
"""What is asked for later."""
_COMPONENTS: Final = (LIBRARY, {"name": "picolibc", "version": "1.8.6"})


def begin_courier(desk: DemoDesk) -> None:
    """Let the developer take a uid, and begin a release.

    Raises:
        StoryBroken: it is refused.
    """
    developer = desk.client(Role.DEVELOPER)
    uid = COURIER.encode().hex()
    developer.do("POST", "/api/applications", {"uid": uid, "name": "Courier"})
    begin_release(desk, COURIER, 1)


def begin_release(desk: DemoDesk, uid: str, number: int) -> None:
    """Let the developer begin a release with the three others.

    Raises:
        StoryBroken: it is refused.
    """
    others = (Role.PROVIDER, Role.INFRASTRUCTURE, Role.OWNER)
    parties = {role.value: desk.people[role].organisation for role in others}
    begun = {"uid": uid.encode().hex(), "number": number, **parties}
    desk.client(Role.DEVELOPER).do("POST", "/api/releases", begun)


def give_courier(desk: DemoDesk, number: int, role: Role, data: str = "courier.data") -> Any:
    """Let a party give its content: the release as it is then.

    Args:
        desk: of the story.
        number: of the release.
        role: whose content.
        data: file of the provider.

    Raises:
        StoryBroken: it is refused.
    """
    client, release = desk.client(role), desk.release(COURIER, number)
    match role:
        case Role.DEVELOPER:
            digest = client.keep("code", example("courier/courier.wasm"))
            code = {"sha256": digest, "type": "wasm", "syscalls": CALLS}
            return client.do("PUT", f"{release}/code", code)
        case Role.PROVIDER:
            digest = client.keep("data", example(f"courier/{data}"))
            return client.do("PUT", f"{release}/data", {"sha256": digest})
        case Role.INFRASTRUCTURE:
            return client.do("PUT", f"{release}/plan", _courier_plan())
        case Role.OWNER:
            return client.do("PUT", f"{release}/rights", {"syscalls": CALLS})


def publish(desk: DemoDesk) -> None:
    """Contents come in any order, each from its party, and it is said what is missing from whom."""
    judge = desk.judge
    judge.tell("1. Four parties make a release")
    begin_courier(desk)
    release = desk.release(COURIER, 1)
    all_parts = {"code": "studio", "data": "weather", "mask": "boxes", "metadata": "grid"}
    judge.expect(
        "a new release says what is missing, and from whom",
        _missing(desk.client(Role.PROVIDER).get(release)),
        all_parts,
    )
    _expect_refused(
        desk, "the developer cannot say what the owner allows", Role.DEVELOPER, "rights"
    )
    for role, part in ((Role.OWNER, "mask"), (Role.PROVIDER, "data"), (Role.DEVELOPER, "code")):
        shown = give_courier(desk, 1, role)
        all_parts.pop(part)
        text = f"{desk.people[role].name} gives {part}; the rest is still missing"
        judge.expect(text, _missing(shown), all_parts)
    _expect_refused(desk, "the owner cannot give data of the provider", Role.OWNER, "data")
    shown = give_courier(desk, 1, Role.INFRASTRUCTURE)
    judge.expect("with the plan, nothing is missing", _missing(shown), {})
    judge.expect(
        "each part waits for the signature of its party",
        _states(shown),
        {**dict.fromkeys(COURIER_PARTS, "unsigned"), "metadata": "waiting"},
    )
    drafted = desk.client(Role.INFRASTRUCTURE).ask(
        "POST", "/api/rollouts", {"uid": COURIER.encode().hex(), "number": 1, "name": "too early"}
    )
    judge.expect("what is not signed cannot be rolled out", drafted.status, 409)


def sign(desk: DemoDesk) -> None:
    """Each party signs on its own machine; infrastructure last of all."""
    judge = desk.judge
    judge.tell("2. Each party signs with its own key, on its own machine")
    owner, release = desk.client(Role.OWNER), desk.release(COURIER, 1)
    desk.sign(COURIER, 1, *COURIER_PARTS)
    judge.expect(
        "when all others have signed, the metadata can be",
        _states(owner.get(release)),
        {**dict.fromkeys(COURIER_PARTS, "signed"), "metadata": "unsigned"},
    )
    judge.expect(
        "before that there is no bundle", owner.ask("GET", f"{release}/bundle").status, 409
    )
    desk.sign(COURIER, 1, "metadata")
    shown = owner.get(release)
    judge.expect("now the release is complete", shown["completed_s"] is not None, True)
    signers = {each["name"]: each["signed_by"] for each in shown["parts"]}
    wanted = {"code": "ada", "data": "bea", "mask": "dora", "endpoint-1": "dora"}
    judge.expect("each party has signed its own part", signers, {**wanted, "metadata": "carl"})


def list_components(desk: DemoDesk) -> None:
    """The developer says what software is in the release; no token changes."""
    judge = desk.judge
    judge.tell("3. The developer says what software is in the release")
    developer, release = desk.client(Role.DEVELOPER), desk.release(COURIER, 1)
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": _COMPONENTS}
    digest = developer.keep("sbom", json.dumps(document).encode())
    shown = developer.do("PUT", f"{release}/sbom", {"sha256": digest})
    judge.expect("the document has two components", shown["sbom"]["components"], 2)
    judge.expect("all parts are still signed", set(_states(shown).values()), {"signed"})
    seen = desk.client(Role.OWNER).get(f"{release}/sbom")["components"]
    names = [each["name"] for each in seen]
    judge.expect("the owner sees them", names, [each["name"] for each in _COMPONENTS])


def _courier_plan() -> dict[str, Any]:
    # A loop takes microseconds; but a machine that does much else can leave it for a while.
    times = {"start_max_duration_ms": 1000, "loop_period_ms": 500, "loop_max_duration_ms": 100}
    display = {"id": 1, "peer": "local", "peer_endpoint": 10, "direction": "in"}
    return {"timing": {"priority": 6}, "security": times, "endpoints": [display]}


def _expect_refused(desk: DemoDesk, text: str, role: Role, what: str) -> None:
    values: dict[str, Any] = {"rights": {"syscalls": ()}, "data": {"sha256": "0" * 64}}
    target = f"{desk.release(COURIER, 1)}/{what}"
    desk.judge.expect(text, desk.client(role).ask("PUT", target, values[what]).status, 403)


def _missing(shown: Any) -> dict[str, str]:
    """The organisations from whom something is missing, by what it is."""
    parts = shown["parts"]
    missing = {each["name"]: each["organisation"] for each in parts if each["state"] == "missing"}
    # The metadata wait for the plan as for all tokens; only the plan is missing.
    return missing | ({"metadata": shown["infrastructure"]} if shown["plan"] is None else {})


def _states(shown: Any) -> dict[str, str]:
    return {each["name"]: each["state"] for each in shown["parts"]}
