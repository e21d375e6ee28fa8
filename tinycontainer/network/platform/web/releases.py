"""Releases over HTTP: what each party adds, what it is to sign, and how far all of it is."""

import base64
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from tinycontainer.metadata import ContainerType
from tinycontainer_tokens import Profile

from ..actor import Actor, PlatformScope
from ..catalogue import envelopes, releases
from ..catalogue.forms import PlanForm, mask_of
from ..catalogue.releases import Parties
from ..catalogue.seen import require_unchanged
from ..refusing import bad_request
from ..releases.parts import ReleasePart
from ..releases.unsigned import UnsignedToken
from .callers import caller
from .parts import PlatformParts
from .release_bodies import (
    BytesToSign,
    CodeGiven,
    DataGiven,
    EnvelopeGiven,
    Fingerprint,
    Number,
    PartName,
    PlanGiven,
    ReleaseGiven,
    ReleaseListed,
    ReleaseShown,
    ReleasesShown,
    RightsGiven,
    SeenClaims,
    TokenGiven,
    ToSign,
    Uid,
    decode_token,
)

PAGE: Final = 100


def make_router(parts: PlatformParts) -> APIRouter:
    """The routes of releases."""
    router = APIRouter(prefix="/api/releases", tags=["releases"])
    _add_looking(router, parts)
    _add_contents(router, parts)
    _add_signing(router, parts)
    return router


def _add_looking(router: APIRouter, parts: PlatformParts) -> None:
    @router.get("")
    def list_releases(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))],
        before: Annotated[int, Query(ge=1, lt=1 << 31)] = (1 << 31) - 1,
    ) -> ReleasesShown:
        """The releases that the organisation is a party to, the newest first, a page of them."""
        with parts.database.reading() as session:
            rows = releases.list_releases(session, actor, before, PAGE)
            following = rows[-1].id if len(rows) == PAGE else None
            return ReleasesShown(releases=[ReleaseListed.of(row) for row in rows], next=following)

    @router.post("", status_code=201)
    def add_release(
        actor: Annotated[Actor, Depends(caller(PlatformScope.PUBLISH))], given: ReleaseGiven
    ) -> ReleaseShown:
        """Begin a release of an application of the organisation."""
        with parts.changing(actor) as session:
            row = releases.add_release(
                session,
                actor,
                bytes.fromhex(given.uid),
                given.number,
                Parties(given.provider, given.infrastructure, given.owner),
                given.profile,
                given.signs_endpoints,
                parts.now_s(),
            )
            return ReleaseShown.of(row, releases.names_of(session, row))

    @router.get("/{uid}/{number}")
    def show_release(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))], uid: Uid, number: Number
    ) -> ReleaseShown:
        """A release: what is there, and what is missing from whom."""
        with parts.database.reading() as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number)
            return ReleaseShown.of(row, releases.names_of(session, row))

    @router.get(
        "/{uid}/{number}/bundle",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {}}}},
    )
    def read_bundle(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))], uid: Uid, number: Number
    ) -> Response:
        """The container, once all four parties have signed."""
        with parts.database.reading() as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number)
            content = releases.bundle_of(session, row).encode()
        headers = {"content-disposition": "attachment"}
        return Response(content, 200, headers, "application/octet-stream")


def _add_contents(router: APIRouter, parts: PlatformParts) -> None:
    publisher = Annotated[Actor, Depends(caller(PlatformScope.PUBLISH))]

    @router.put("/{uid}/{number}/code")
    def add_code(actor: publisher, uid: Uid, number: Number, given: CodeGiven) -> ReleaseShown:
        """As the developer: add the code, or other code in its place."""
        with parts.changing(actor) as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number, to_change=True)
            kind = ContainerType[given.type.upper()]
            calls = mask_of(given.syscalls)
            releases.add_code(
                session, actor, row, given.sha256, kind, calls, given.terms, parts.now_s()
            )
            return ReleaseShown.of(row, releases.names_of(session, row))

    @router.put("/{uid}/{number}/data")
    def add_data(actor: publisher, uid: Uid, number: Number, given: DataGiven) -> ReleaseShown:
        """As the provider: add the data, or other data in their place."""
        with parts.changing(actor) as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number, to_change=True)
            releases.add_data(session, actor, row, given.sha256, given.terms, parts.now_s())
            return ReleaseShown.of(row, releases.names_of(session, row))

    @router.put("/{uid}/{number}/plan")
    def add_plan(actor: publisher, uid: Uid, number: Number, given: PlanGiven) -> ReleaseShown:
        """As the infrastructure: add timing and endpoints, or others in their place."""
        with parts.changing(actor) as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number, to_change=True)
            plan = PlanForm(timing=given.timing, security=given.security, endpoints=given.endpoints)
            releases.add_plan(session, actor, row, plan, given.terms, parts.now_s())
            return ReleaseShown.of(row, releases.names_of(session, row))

    @router.put("/{uid}/{number}/rights")
    def add_rights(actor: publisher, uid: Uid, number: Number, given: RightsGiven) -> ReleaseShown:
        """As the owner: say which calls are allowed, and for how long."""
        with parts.changing(actor) as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number, to_change=True)
            mask = mask_of(given.syscalls)
            releases.add_rights(session, actor, row, mask, given.terms, parts.now_s())
            return ReleaseShown.of(row, releases.names_of(session, row))

    @router.put("/{uid}/{number}/envelope")
    def add_envelope(
        actor: publisher, uid: Uid, number: Number, given: EnvelopeGiven
    ) -> ReleaseShown:
        """As the infrastructure: add an envelope of SUIT, for devices that take updates."""
        with parts.changing(actor) as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number, to_change=True)
            envelopes.add_envelope(session, actor, row, given.sha256, parts.now_s())
            return ReleaseShown.of(row, releases.names_of(session, row))


def _add_signing(router: APIRouter, parts: PlatformParts) -> None:
    signer = Annotated[Actor, Depends(caller(PlatformScope.SIGN))]

    @router.get("/{uid}/{number}/signing/{part}")
    def show_to_sign(
        actor: signer,
        uid: Uid,
        number: Number,
        part: PartName,
        key: Fingerprint,
    ) -> ToSign:
        """The bytes that a party signs, with the key of this fingerprint."""
        with parts.database.reading() as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number)
            wanted = _parse_part(part)
            material = releases.signing_key(session, actor, row, wanted, key)
            payload, covered = releases.to_sign(session, row, wanted, material)
            return ToSign(
                uid=uid,
                number=number,
                part=wanted.name,
                profile=row.profile,
                payload=base64.b64encode(payload).decode(),
                covered=None if covered is None else base64.b64encode(covered).decode(),
            )

    @router.get("/{uid}/{number}/signing/{part}/bytes")
    def show_bytes_to_sign(
        actor: signer,
        uid: Uid,
        number: Number,
        part: PartName,
        key: Fingerprint,
        seen: SeenClaims = "",
    ) -> BytesToSign:
        """The same as the bytes that the signature itself covers: to sign them is to believe."""
        with parts.database.reading() as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number)
            wanted = _parse_part(part)
            material = releases.signing_key(session, actor, row, wanted, key)
            if seen:
                require_unchanged(session, actor, row, wanted, seen)
            payload, _ = releases.to_sign(session, row, wanted, material)
            return BytesToSign.of(UnsignedToken.of(payload, Profile(row.profile), material))

    @router.put("/{uid}/{number}/tokens/{part}")
    def add_token(
        actor: signer, uid: Uid, number: Number, part: PartName, given: TokenGiven
    ) -> ReleaseShown:
        """Take a token, once it is verified."""
        with parts.changing(actor) as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number, to_change=True)
            token = decode_token(given.token)
            releases.add_token(session, actor, row, _parse_part(part), token, parts.now_s())
            return ReleaseShown.of(row, releases.names_of(session, row))


def _parse_part(name: str) -> ReleasePart:
    try:
        return ReleasePart.parse(name)
    except ValueError as error:
        raise bad_request(f"part: {error}") from None
