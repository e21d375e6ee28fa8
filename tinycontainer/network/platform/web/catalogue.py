"""Keys, applications and artefacts over HTTP."""

import base64
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from tinycontainer_tokens import Role

from ..actor import Actor, PlatformScope
from ..catalogue import applications, artefacts, keys
from ..catalogue.artefacts import ArtefactKind
from ..tables.catalogue import ApplicationRow, ArtefactRow, PublicKey
from .bodies import JsonAnswer, JsonBody, Label
from .callers import caller
from .parts import PlatformParts

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 in lower case")]
UidDigits = Annotated[str, Field(pattern="^([0-9a-f]{2}){1,63}$")]
"""The uid of a container, in lower-case hexadecimal digits."""
PAGE: Final = 100


class KeyGiven(JsonBody):
    """A public key that is to be known."""

    role: Role = Field(strict=False)
    name: Label
    public: str = Field(max_length=4096, description="PEM of the public half")


class KeyShown(JsonAnswer):
    """A public key."""

    fingerprint: str
    role: str
    name: str
    public: str = Field(description="its 32 bytes, in base64")
    created_s: float
    withdrawn_s: float | None

    @classmethod
    def of(cls, row: PublicKey) -> "KeyShown":
        """From its row."""
        return cls(
            fingerprint=row.fingerprint,
            role=row.role,
            name=row.name,
            public=base64.b64encode(row.public).decode(),
            created_s=row.created_s,
            withdrawn_s=row.withdrawn_s,
        )


class ApplicationGiven(JsonBody):
    """An application that is to be known."""

    uid: UidDigits
    name: Label


class ApplicationShown(JsonAnswer):
    """An application."""

    uid: str
    name: str
    developer: str
    created_s: float

    @classmethod
    def of(cls, row: ApplicationRow) -> "ApplicationShown":
        """From its row."""
        return cls(
            uid=row.uid.hex(),
            name=row.name,
            developer=row.organisation.name,
            created_s=row.created_s,
        )


class ArtefactShown(JsonAnswer):
    """What is known of an artefact, beside its bytes."""

    sha256: str
    kind: str
    bytes: int
    created_s: float

    @classmethod
    def of(cls, row: ArtefactRow) -> "ArtefactShown":
        """From its row."""
        return cls(sha256=row.sha256, kind=row.kind, bytes=row.size_bytes, created_s=row.created_s)


class KeysShown(JsonAnswer):
    """The keys of the organisation."""

    keys: list[KeyShown]


class ApplicationsShown(JsonAnswer):
    """Applications, by their uids."""

    applications: list[ApplicationShown]
    next: str
    """The value of `after` for those that follow; empty if there are no more."""


_OCTETS: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


async def _read_body(request: Request) -> bytes:
    """The body as it is. It comes after who asks: nobody else is listened to for so long."""
    return await request.body()


def make_router(parts: PlatformParts) -> APIRouter:
    """The routes of keys, applications and artefacts."""
    router = APIRouter(prefix="/api", tags=["catalogue"])
    _add_keys(router, parts)
    _add_applications(router, parts)
    _add_artefacts(router, parts)
    return router


def _add_keys(router: APIRouter, parts: PlatformParts) -> None:
    @router.get("/keys")
    def list_keys(actor: Annotated[Actor, Depends(caller(PlatformScope.READ))]) -> KeysShown:
        """The keys of the organisation, the withdrawn ones among them."""
        with parts.database.reading() as session:
            rows = keys.keys_of(session, actor.organisation_id)
            return KeysShown(keys=[KeyShown.of(each) for each in rows])

    @router.post("/keys", status_code=201)
    def add_key(
        actor: Annotated[Actor, Depends(caller(PlatformScope.ADMINISTER))], given: KeyGiven
    ) -> KeyShown:
        """Take the public half of a key; a private one is refused."""
        with parts.changing(actor) as session:
            content = given.public.encode()
            row = keys.add_key(session, actor, given.role, given.name, content, parts.now_s())
            return KeyShown.of(row)

    @router.delete("/keys/{fingerprint}")
    def withdraw_key(
        actor: Annotated[Actor, Depends(caller(PlatformScope.ADMINISTER))], fingerprint: Digest
    ) -> KeyShown:
        """Let nothing more be signed with a key."""
        with parts.changing(actor) as session:
            return KeyShown.of(keys.withdraw_key(session, actor, fingerprint, parts.now_s()))


def _add_applications(router: APIRouter, parts: PlatformParts) -> None:
    @router.get("/applications")
    def list_applications(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))],
        after: Annotated[str, Query(pattern="^([0-9a-f]{2}){0,63}$")] = "",
    ) -> ApplicationsShown:
        """The applications that the organisation sees, a page of them."""
        with parts.database.reading() as session:
            rows = applications.list_applications(session, actor, after, PAGE)
            following = rows[-1].uid.hex() if len(rows) == PAGE else ""
            shown = [ApplicationShown.of(each) for each in rows]
            return ApplicationsShown(applications=shown, next=following)

    @router.post("/applications", status_code=201)
    def add_application(
        actor: Annotated[Actor, Depends(caller(PlatformScope.PUBLISH))], given: ApplicationGiven
    ) -> ApplicationShown:
        """Take a uid for a container of the organisation."""
        with parts.changing(actor) as session:
            uid = bytes.fromhex(given.uid)
            row = applications.add_application(session, actor, uid, given.name, parts.now_s())
            session.refresh(row)
            return ApplicationShown.of(row)

    @router.get("/applications/{uid}")
    def show_application(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))],
        uid: Annotated[UidDigits, Path()],
    ) -> ApplicationShown:
        """An application."""
        with parts.database.reading() as session:
            found = applications.find_application(session, actor, bytes.fromhex(uid))
            return ApplicationShown.of(found)


def _add_artefacts(router: APIRouter, parts: PlatformParts) -> None:
    @router.put("/artefacts/{sha256}", status_code=201, openapi_extra=_OCTETS)
    def keep_artefact(
        actor: Annotated[Actor, Depends(caller(PlatformScope.PUBLISH))],
        sha256: Digest,
        kind: ArtefactKind,
        content: Annotated[bytes, Depends(_read_body)],
    ) -> ArtefactShown:
        """Keep some bytes under their hash."""
        with parts.changing(actor) as session:
            row = artefacts.keep_artefact(session, actor, sha256, kind, content, parts.now_s())
            return ArtefactShown.of(row)

    @router.get(
        "/artefacts/{sha256}",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {}}}},
    )
    def read_artefact(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))], sha256: Digest
    ) -> Response:
        """The bytes of an artefact."""
        with parts.database.reading() as session:
            content = artefacts.read_artefact(session, actor, sha256).content
        headers = {"etag": f'"{sha256}"', "content-disposition": "attachment"}
        return Response(content, 200, headers, "application/octet-stream")
