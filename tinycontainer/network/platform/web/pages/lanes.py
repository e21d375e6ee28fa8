"""A release as four lanes: what each party has brought and signed, and what it can sign now."""

from dataclasses import dataclass
from typing import Final

from tinycontainer.interfaces.syscalls import allowed, describe_unknown_bits
from tinycontainer_tokens import Profile, Role

from ...catalogue.releases import party_id
from ...releases.release import PartState
from ...tables.catalogue import ReleaseRow
from ..release_bodies import PartShown, ReleaseShown
from .moments import write_moment
from .rendering import write_command, write_part, write_uid
from .visitors import Visitor

_CONTENTS: Final = {
    Role.DEVELOPER: "the code is",
    Role.PROVIDER: "the data are",
    Role.INFRASTRUCTURE: "the plan is",
    Role.OWNER: "the rights are",
}


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A part of a release in a lane.

    Attributes:
        shown: how far it is.
        key: fingerprint of the key that has signed it; empty if none has.
        command: by which whoever looks signs it; empty if this one cannot, or not now.
    """

    shown: PartShown
    key: str
    command: str


@dataclass(frozen=True, slots=True)
class ReleaseLane:
    """What a party has to do with a release.

    Attributes:
        role: of the party.
        organisation: its name.
        is_own: whether whoever looks belongs to it.
        said: what is missing of it, in one line.
        tone: word of a state that looks as that line should.
        contents: what it has brought, each with a label; empty if nothing is there.
        parts: that it signs.
        deeds: what whoever looks can bring: last parts of paths, with labels.
    """

    role: str
    organisation: str
    is_own: bool
    said: str
    tone: str
    contents: tuple[tuple[str, str], ...]
    parts: tuple[SignedPart, ...]
    deeds: tuple[tuple[str, str], ...]


def make_lanes(
    row: ReleaseRow, shown: ReleaseShown, visitor: Visitor, address: str
) -> tuple[ReleaseLane, ...]:
    """The lanes of a release.

    Args:
        row: of the release.
        shown: the same, as the API shows it.
        visitor: who looks at it.
        address: of the platform, for commands.
    """
    keys = {each.part: each.fingerprint for each in row.tokens}
    contents = {
        Role.DEVELOPER: _code_of(shown),
        Role.PROVIDER: _data_of(shown),
        Role.INFRASTRUCTURE: _plan_of(shown),
        Role.OWNER: _rights_of(shown),
    }
    names = {
        Role.DEVELOPER: shown.developer,
        Role.PROVIDER: shown.provider,
        Role.INFRASTRUCTURE: shown.infrastructure,
        Role.OWNER: shown.owner,
    }
    lanes = []
    for role, content in contents.items():
        is_own = party_id(row, role) == visitor.actor.organisation_id
        signs = is_own and visitor.may("sign") and row.bundle_sha256 is None
        parts = tuple(
            SignedPart(
                each, keys.get(each.name, ""), _command(shown, each, address) if signs else ""
            )
            for each in shown.parts
            if each.role == role.value
        )
        said, tone = _say(role, parts)
        deeds = _deeds_of(role, row) if is_own and visitor.may("publish") else ()
        lanes.append(
            ReleaseLane(role.value, names[role], is_own, said, tone, content, parts, deeds)
        )
    return tuple(lanes)


def write_withdrawal(uid: str, address: str) -> str:
    """The command by which an owner takes back every right of a container.

    Args:
        uid: of the container, in digits.
        address: of the platform.
    """
    files = ("--key", "owner.pem", "--token", "platform.token")
    return write_command("withdraw", address, write_uid(uid), *files)


def _say(role: Role, parts: tuple[SignedPart, ...]) -> tuple[str, str]:
    """What is missing of a lane, and how that looks."""
    by_state: dict[PartState, list[str]] = {state: [] for state in PartState}
    for each in parts:
        by_state[PartState(each.shown.state)].append(each.shown.name)
    if by_state[PartState.MISSING]:
        return f"{_CONTENTS[role]} missing", PartState.MISSING
    if by_state[PartState.UNSIGNED]:
        names = ", ".join(write_part(each) for each in by_state[PartState.UNSIGNED])
        return f"to sign: {names}", PartState.UNSIGNED
    if by_state[PartState.WAITING]:
        return "waits for the signatures of the others", PartState.WAITING
    return "all is there and signed", PartState.SIGNED


def _deeds_of(role: Role, row: ReleaseRow) -> tuple[tuple[str, str], ...]:
    """What a party can bring now; what is inside can be said at any time."""
    is_open = row.bundle_sha256 is None
    match role:
        case Role.DEVELOPER:
            code = "Add the code" if row.code_sha256 is None else "Change the code"
            inside = "Add an SBOM" if row.sbom_sha256 is None else "Change the SBOM"
            return (*((("code", code),) if is_open else ()), ("sbom", inside))
        case Role.PROVIDER:
            found = [("data", "Add the data" if row.data_sha256 is None else "Change the data")]
        case Role.INFRASTRUCTURE:
            plan = "Write the plan" if row.plan is None else "Change the plan"
            envelope = "Add" if row.envelope_sha256 is None else "Change"
            found = [("plan", plan), ("envelope", f"{envelope} an update envelope")]
        case _:
            found = [("rights", "Allow calls" if row.mask is None else "Change what is allowed")]
    return tuple(found) if is_open else ()


def _command(shown: ReleaseShown, part: PartShown, address: str) -> str:
    """By which a party signs a part; empty if there is nothing to sign now."""
    if part.state != PartState.UNSIGNED.value:
        return ""
    more = [] if shown.profile == Profile.RFC9052.value else ["--profile", shown.profile]
    files = ("--key", f"{part.role}.pem", "--token", "platform.token")
    uid = write_uid(shown.uid)
    return write_command("sign", address, uid, str(shown.number), part.name, *files, *more)


def _code_of(shown: ReleaseShown) -> tuple[tuple[str, str], ...]:
    if shown.code_sha256 is None:
        return ()
    inside = "not said" if shown.sbom is None else _count(shown.sbom.components)
    return (
        ("sha256", shown.code_sha256),
        ("type", shown.type or "-"),
        ("asks for", _calls_of(shown.asked_mask)),
        ("inside", inside),
    )


def _data_of(shown: ReleaseShown) -> tuple[tuple[str, str], ...]:
    return () if shown.data_sha256 is None else (("sha256", shown.data_sha256),)


def _plan_of(shown: ReleaseShown) -> tuple[tuple[str, str], ...]:
    if shown.plan is None:
        return ()
    period_ms = shown.plan.timing.period_ms
    endpoints = [f"{each.id} ({each.peer}, {each.direction})" for each in shown.plan.endpoints]
    return (
        ("period", "not said" if period_ms is None else f"{period_ms} ms"),
        ("endpoints", ", ".join(endpoints) or "none"),
        ("envelope", "none" if shown.envelope_sha256 is None else "is there"),
    )


def _rights_of(shown: ReleaseShown) -> tuple[tuple[str, str], ...]:
    if shown.allowed_mask is None:
        return (("asked for", _calls_of(shown.asked_mask)),) if shown.asked_mask else ()
    refused = (shown.asked_mask or 0) & ~shown.allowed_mask
    denied = (("not allowed", f"{_calls_of(refused)}: asked for by the code"),) if refused else ()
    terms = shown.terms.get("mask")
    expires = "never" if terms is None or terms.expires is None else write_moment(terms.expires)
    return (("allows", _calls_of(shown.allowed_mask)), *denied, ("ends", expires))


def _calls_of(mask: int | None) -> str:
    """System calls by name."""
    if not mask:
        return "no call"
    unknown = describe_unknown_bits(mask)
    return ", ".join(
        [*(each.name.lower() for each in allowed(mask)), *([unknown] if unknown else [])]
    )


def _count(components: int) -> str:
    return f"{components} component{'' if components == 1 else 's'}"
