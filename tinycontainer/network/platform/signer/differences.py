"""What differs from the last version that was signed here, worded as ``diff`` words it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tinycontainer.interfaces.analysis import Analyser
from tinycontainer.metadata import (
    ContainerMap,
    ContainerType,
    Endpoint,
    Metadata,
    Security,
    decode,
)
from tinycontainer.tools.artefact.artefact import Artefact
from tinycontainer.tools.diff.comparison import Change, compare_versions
from tinycontainer_tokens import Kind

from ..releases.parts import ReleasePart
from .code_look import CodeLook, list_names, look_at_code
from .contents import read_endpoint
from .examining import ExaminedRequest
from .signed import Signed
from .tokens import draft_token


def list_differences(
    last: Signed,
    new: ExaminedRequest,
    look: CodeLook | None,
    analysers: Mapping[ContainerType, Analyser],
) -> tuple[Change, ...]:
    """What differs between two versions of a part.

    Args:
        last: what was signed here before.
        new: what is to be signed.
        look: what the new code shows; None for other parts.
        analysers: to look at the last code with.
    """
    changes = [*compare_versions(_before(last), _after(new)).changes]
    covered = new.covered
    if covered is not None and last.covered is None and last.covered_bytes != len(covered):
        text = f"size {len(covered)} instead of {last.covered_bytes}"
        changes.append(Change(new.part.kind.name.lower(), "changed", text))
    if look is not None and last.covered is not None:
        changes += _call_changes(look_at_code(last.covered, analysers), look)
    if last.number != new.order.number:
        text = f"it belongs to release {new.order.number} instead of {last.number}"
        changes.append(Change("release", "number", text))
    return tuple(changes)


def describe_endpoints(uid: bytes, endpoints: tuple[Endpoint, ...]) -> tuple[str, ...]:
    """Endpoints in words."""
    without = Metadata(ContainerMap(uid, ContainerType.UNDEFINED), (), None, b"")
    granting = replace(without, endpoints=endpoints)
    found = compare_versions(_artefact(without), _artefact(granting)).changes
    return tuple(each.text for each in found if each.area == "endpoints")


def _before(last: Signed) -> Artefact:
    token = draft_token(last.payload, last.header)
    if last.part.kind is Kind.METADATA and last.covered is not None:
        whole = last.covered + token
        return _artefact(decode(whole, len(whole)))
    endpoint = None
    if last.part.kind is Kind.ENDPOINT and last.covered is not None:
        endpoint = read_endpoint(last.covered, last.part.endpoint_id)
    return _alone(last.uid, last.part, token, last.covered, endpoint)


def _after(new: ExaminedRequest) -> Artefact:
    if new.metadata is not None:
        return _artefact(new.metadata)
    token = draft_token(new.payload, new.header)
    return _alone(new.order.uid, new.part, token, new.covered, new.endpoint)


def _alone(
    uid: bytes, part: ReleasePart, token: bytes, covered: bytes | None, endpoint: Endpoint | None
) -> Artefact:
    """One part, in a container that has nothing else."""
    mask = token if part.kind is Kind.MASK else b""
    endpoints = None if endpoint is None else (replace(endpoint, token=token),)
    security = Security(
        code_token=token if part.kind is Kind.CODE else b"",
        data_token=token if part.kind is Kind.DATA else b"",
    )
    container = ContainerMap(uid, ContainerType.UNDEFINED, mask)
    found = _artefact(Metadata(container, endpoints, security, b""))
    if part.kind is Kind.CODE:
        return replace(found, code=covered)
    return replace(found, data=covered) if part.kind is Kind.DATA else found


def _artefact(metadata: Metadata) -> Artefact:
    return Artefact("", metadata, None, None)


def _call_changes(old: CodeLook, new: CodeLook) -> Iterator[Change]:
    if old.facts is None or new.facts is None:
        if old != new:
            yield Change("code", "unknown", "what the two versions call cannot be compared")
        return
    for name, before, after in (
        ("call", old.facts.natives, new.facts.natives),
        ("import", old.facts.imported, new.facts.imported),
    ):
        if after - before:
            yield Change("code", "gained", f"now {name}s {list_names(after - before)}")
        if before - after:
            yield Change("code", "lost", f"no longer {name}s {list_names(before - after)}")
    gained = new.facts.opened - old.facts.opened
    if gained:
        ids = list_names(map(str, gained))
        yield Change("code", "gained", f"now opens the endpoints {ids}")
