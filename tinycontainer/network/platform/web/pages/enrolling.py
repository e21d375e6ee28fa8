"""The pages by which owners add devices and profiles, and infrastructure connects devices."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ...actor import PlatformScope
from ...fleet import connections, devices, profiles
from ...fleet.profiles import MOST_PROFILES
from ...refusing import bad_request
from ..bodies import NumberPath
from ..connections import ConnectionGiven, reach_device
from ..fleet import take_device
from ..fleet_bodies import DeviceGiven, DeviceShown, NamePath, ProfileGiven, ProfileListed
from ..parts import PlatformParts
from .forms import fill, read_form, read_number
from .rendering import PageWriter
from .route import attempt
from .visitors import Visitor, sending, visiting

Looker = Annotated[Visitor, Depends(visiting(PlatformScope.DEPLOY))]
Deployer = Annotated[Visitor, Depends(sending(PlatformScope.DEPLOY))]
Form = Annotated[Mapping[str, str], Depends(read_form)]
_OF_DEVICE: Final = ("name", "infrastructure", "kind", "group", "evidence_key")
_UNFILLED: Final = {
    **dict.fromkeys((*_OF_DEVICE, "labels", "profile", "device_id"), ""),
    **dict.fromkeys(("profile_name", "device_file", "key_files"), ""),
}


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of enrolling.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """
    _add_owning(router, parts, partial(_write_enrolling, parts, writer))
    _add_connecting(router, parts, writer)


def _add_owning(router: APIRouter, parts: PlatformParts, write: "partial[Response]") -> None:
    @router.get("/enrolling")
    def show_forms(visitor: Looker) -> Response:
        return write(visitor, {})

    @router.post("/enrolling/devices")
    def add_device(visitor: Deployer, form: Form) -> Response:
        def add() -> str:
            return f"/devices/{take_device(parts, visitor.actor, _read_device(form)).name}"

        return attempt(add, partial(write, visitor, form))

    @router.post("/enrolling/profiles")
    def add_profile(visitor: Deployer, form: Form) -> Response:
        def add() -> str:
            values = {
                "name": form.get("profile_name", ""),
                "device_file": form.get("device_file", "").replace("\r\n", "\n"),
                "key_files": _read_key_files(form.get("key_files", "")),
            }
            given = fill(ProfileGiven, values)
            with parts.changing(visitor.actor) as session:
                profiles.add_profile(
                    session,
                    visitor.actor,
                    given.name,
                    given.device_file,
                    given.key_files,
                    parts.now_s(),
                )
            return "/enrolling"

        # A private key that somebody has sent by mistake is not sent back.
        return attempt(add, partial(write, visitor, {**form, "key_files": ""}))

    @router.post("/enrolling/profiles/{number}/delete")
    def delete_profile(visitor: Deployer, number: NumberPath) -> Response:
        def delete() -> str:
            with parts.changing(visitor.actor) as session:
                profiles.delete_profile(session, visitor.actor, number, parts.now_s())
            return "/enrolling"

        return attempt(delete, partial(write, visitor, {}))


def _add_connecting(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    def write(
        visitor: Visitor, name: str, form: Mapping[str, str], status: int = 200, refusal: str = ""
    ) -> Response:
        with parts.database.reading() as session:
            row = devices.find_device(session, visitor.actor, name)
            own = visitor.actor.organisation
            return writer.write(
                "connecting",
                visitor,
                status=status,
                refusal=refusal,
                device=DeviceShown.of(row, devices.names_of(session, (row,))),
                is_operator=row.infrastructure_id == visitor.actor.organisation_id,
                gateways=sorted(each for each, owner in parts.gateways.items() if owner == own),
                values={
                    "gateway": row.gateway or "",
                    "endpoint": row.endpoint or name,
                    "takes_updates": "on" if row.takes_updates else "",
                    **form,
                },
            )

    @router.get("/enrolling/{name}")
    def show_connection(visitor: Looker, name: NamePath) -> Response:
        return write(visitor, name, {})

    @router.post("/enrolling/{name}/connect")
    def connect(visitor: Deployer, name: NamePath, form: Form) -> Response:
        def reach() -> str:
            given = {
                "gateway": form.get("gateway", ""),
                "endpoint": form.get("endpoint", ""),
                "takes_updates": bool(form.get("takes_updates")),
            }
            reach_device(parts, visitor.actor, name, fill(ConnectionGiven, given))
            return f"/devices/{name}"

        ticked = {"takes_updates": form.get("takes_updates", "")}
        return attempt(reach, partial(write, visitor, name, {**form, **ticked}))

    @router.post("/enrolling/{name}/disconnect")
    def disconnect(visitor: Deployer, name: NamePath) -> Response:
        def leave() -> str:
            with parts.changing(visitor.actor) as session:
                connections.disconnect_device(session, visitor.actor, name, parts.now_s())
            return f"/devices/{name}"

        return attempt(leave, partial(write, visitor, name, {}))


def _write_enrolling(
    parts: PlatformParts,
    writer: PageWriter,
    visitor: Visitor,
    form: Mapping[str, str],
    status: int = 200,
    refusal: str = "",
) -> Response:
    with parts.database.reading() as session:
        rows = profiles.list_profiles(session, visitor.actor, 0, MOST_PROFILES)
        own = [row for row in rows if row.organisation_id == visitor.actor.organisation_id]
        return writer.write(
            "enrolling",
            visitor,
            status=status,
            refusal=refusal,
            profiles=[ProfileListed.of(row) for row in own],
            values={**_UNFILLED, **form},
        )


def _read_device(form: Mapping[str, str]) -> DeviceGiven:
    values: dict[str, object] = {name: form.get(name, "") for name in _OF_DEVICE}
    labels = [each.partition("=") for each in form.get("labels", "").split(",") if each.strip()]
    if any(not between for _, between, _ in labels):
        raise bad_request("labels: each of them is KEY=VALUE, with commas between")
    values["labels"] = {name.strip(): value.strip() for name, _, value in labels}
    values["profile"] = read_number(form.get("profile", ""))
    values["device_id"] = form.get("device_id", "").strip() or None
    return fill(DeviceGiven, values)


def _read_key_files(text: str) -> dict[str, str]:
    """Key files, each after a line with its name.

    Raises:
        PlatformRefused: a key has no name before it, or a name is there twice.
    """
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    is_inside = False
    for line in map(str.strip, text.splitlines()):
        is_inside = is_inside or line.startswith("-----BEGIN")
        if is_inside:
            if lines is None:
                raise bad_request(
                    "key_files: each key comes after a line with the name of its file"
                )
            lines.append(line)
            is_inside = not line.startswith("-----END")
        elif line:
            if line in found:
                raise bad_request("key_files: a name is there twice")
            lines = found.setdefault(line, [])
    return {name: "\n".join(each) + "\n" for name, each in found.items()}
