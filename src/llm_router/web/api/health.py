"""Whether the server can do its job."""

from fastapi import APIRouter
from starlette.responses import Response

from llm_router import __version__
from llm_router.domain.errors import StorageFailed
from llm_router.web.answers import json_answer
from llm_router.web.api.schemas import HealthAnswer
from llm_router.web.deps import ServicesDep

router = APIRouter(tags=["health"])


@router.head("/health", include_in_schema=False)
@router.get("/health", response_model=HealthAnswer, responses={503: {"model": HealthAnswer}})
async def health(services: ServicesDep) -> Response:
    """200 while a prompt can be kept; 503 with the reason when the database cannot be written."""
    database: dict[str, object] = {"writable": True, "path": str(services.database.path)}
    try:
        await services.database.check_writable()
    except StorageFailed as error:
        database |= {"writable": False, "reason": error.message}
    providers = [
        {
            "name": connection.name,
            "provider": connection.provider,
            "configured": connection.is_configured,
            "detail": connection.error,
        }
        for connection in services.catalog.connections
    ]
    return json_answer(
        {
            "status": "ok" if database["writable"] else "degraded",
            "version": __version__,
            "database": database,
            "providers": providers,
        },
        200 if database["writable"] else 503,
    )
