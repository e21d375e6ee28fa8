"""Withdrawals over HTTP: an owner takes back every right of a container, in one step."""

import base64
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tinycontainer_tokens import Profile

from ..actor import Actor, PlatformScope
from ..fleet.devices import lock_fleet
from ..releases.parts import MASK
from ..releases.unsigned import UnsignedToken
from ..renting import withdrawals
from ..rollouts.withdrawing import order_withdrawal
from .callers import caller
from .parts import PlatformParts
from .release_bodies import BytesToSign, Fingerprint, TokenGiven, ToSign, Uid, decode_token
from .renting_bodies import WithdrawalShown

_LAST_SEQUENCE = (1 << 64) - 1
Signer = Annotated[Actor, Depends(caller(PlatformScope.SIGN))]


def make_router(parts: PlatformParts) -> APIRouter:
    """The routes of withdrawals."""
    router = APIRouter(prefix="/api/applications/{uid}/withdrawals", tags=["renting"])

    @router.get("/signing")
    def show_to_withdraw(
        actor: Signer,
        uid: Uid,
        key: Fingerprint,
        above: Annotated[
            int, Query(ge=0, le=_LAST_SEQUENCE, description="a sequence that was signed before")
        ] = 0,
    ) -> ToSign:
        """The bytes that an owner signs to take back its rights; the number is their sequence."""
        with parts.database.reading() as session:
            sequence, payload = withdrawals.to_withdraw(
                session, actor, bytes.fromhex(uid), key, above
            )
        return ToSign(
            uid=uid,
            number=sequence,
            part=MASK.name,
            profile=Profile.RFC9052.value,
            payload=base64.b64encode(payload).decode(),
            covered=None,
        )

    @router.get("/signing/bytes")
    def show_bytes_to_withdraw(actor: Signer, uid: Uid, key: Fingerprint) -> BytesToSign:
        """The same as the bytes that the signature itself covers: to sign them is to believe."""
        with parts.database.reading() as session:
            _, payload = withdrawals.to_withdraw(session, actor, bytes.fromhex(uid), key, 0)
            material = withdrawals.withdrawing_key(session, actor, key)
        return BytesToSign.of(UnsignedToken.of(payload, Profile.RFC9052, material))

    @router.post("", status_code=201)
    def withdraw_rights(actor: Signer, uid: Uid, given: TokenGiven) -> WithdrawalShown:
        """As an owner: take back every right of a container; devices lose it when they hear."""
        with parts.changing(actor) as session:
            now_s = parts.now_s()
            token = decode_token(given.token)
            lock_fleet(session, actor.organisation_id)
            row = withdrawals.withdraw_rights(session, actor, bytes.fromhex(uid), token, now_s)
            order_withdrawal(session, row, now_s, parts.random_bytes)
            return WithdrawalShown.of(row)

    return router
