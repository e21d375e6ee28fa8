"""The service itself over HTTP: whether it works, and its numbers."""

from fastapi import APIRouter
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from ..actor import PlatformScope
from ..metrics import MEDIA_TYPE
from .callers import caller
from .parts import PlatformParts
from .sources import is_local


def make_router(parts: PlatformParts) -> APIRouter:
    """The resources that an operator looks at."""
    router = APIRouter(tags=["service"])

    @router.get("/health")
    def show_health() -> dict[str, str]:
        """Whether the database answers; 503 if it does not."""
        with parts.database.reading() as session:
            session.execute(select(1))
        return {"status": "ok"}

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    def show_metrics(request: Request) -> Response:
        """Numbers for Prometheus, for this machine or for whoever may administer."""
        if not is_local(request, parts):
            caller(PlatformScope.ADMINISTER)(request)
        return Response(parts.metrics.write(), media_type=MEDIA_TYPE)

    return router
