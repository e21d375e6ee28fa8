"""The audit over HTTP: what was done in the own organisation."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select

from ..actor import Actor, PlatformScope
from ..tables.people import AuditEntry
from .bodies import MAX_NUMBER, AuditAnswer, AuditEntryAnswer
from .callers import caller
from .parts import PlatformParts


def make_router(parts: PlatformParts) -> APIRouter:
    """The resource of the audit."""
    router = APIRouter(prefix="/api", tags=["audit"])

    @router.get("/audit")
    def show_audit(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))],
        after: Annotated[int, Query(ge=0, le=MAX_NUMBER)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> AuditAnswer:
        """Deeds of the own organisation, from the one after a number on."""
        query = select(AuditEntry).where(
            AuditEntry.organisation_id == actor.organisation_id, AuditEntry.number > after
        )
        with parts.database.reading() as session:
            found = session.scalars(query.order_by(AuditEntry.number).limit(limit + 1)).all()
            shown = [_show(each) for each in found[:limit]]
        return AuditAnswer(entries=shown, next=shown[-1].number if len(found) > limit else None)

    return router


def _show(entry: AuditEntry) -> AuditEntryAnswer:
    return AuditEntryAnswer(
        number=entry.number,
        at_s=entry.at_s,
        person=entry.person,
        deed=entry.deed,
        subject=entry.subject,
        detail=json.loads(entry.detail),
        sha256=entry.sha256,
    )
