"""What was spent, and what could be asked."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from llm_router.domain.catalog import ModelInfo, ModelPrice
from llm_router.store.usage import summarise
from llm_router.web.answers import json_answer
from llm_router.web.api.schemas import CatalogAnswer, UsageSummaryAnswer
from llm_router.web.deps import CallerDep, ServicesDep

router = APIRouter(prefix="/api/usage", tags=["usage"])


@router.get("/summary", response_model=UsageSummaryAnswer)
async def summary(
    services: ServicesDep,
    caller: CallerDep,
    scope: Literal["overall", "device"] = "overall",
    device_id: Annotated[str | None, Query(max_length=64)] = None,
    since: AwareDatetime | None = None,
) -> Response:
    """Totals of all devices, or of one: the caller's own unless `device_id` names another; all, or those `since`."""
    device = (device_id or caller.device_id) if scope == "device" else None
    async with services.database.read() as connection:
        found = await summarise(connection, caller.user_id, device, _milliseconds(since))
    by_model = [
        {"model": model, "provider": provider, **totals.as_dict()} for model, provider, totals in found.by_model
    ]
    return json_answer({"scope": scope, "device_id": device, "totals": found.totals.as_dict(), "by_model": by_model})


@router.get("/models", response_model=CatalogAnswer)
async def models(services: ServicesDep) -> Response:
    """The catalog: what there is, what it can do and cost, and where each fact came from."""
    view = await services.catalog.models()
    return json_answer(
        {
            "defaults": {"chat": view.defaults.chat, "image": view.defaults.image},
            "connections": [
                {
                    "name": connection.name,
                    "provider": connection.provider,
                    "configured": connection.is_configured,
                    "list": connection.list,
                    "error": connection.error,
                }
                for connection in view.connections
            ],
            "models": [_shown_model(model) for model in view.models],
            "prices_version": view.prices_version,
        }
    )


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _shown_model(info: ModelInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "label": info.label,
        "provider": info.provider,
        "connection": info.target.connection,
        "available": info.available,
        "unavailable_reason": info.unavailable_reason,
        "context_window": info.context_window,
        "max_output_tokens": info.max_output_tokens,
        "supports_temperature": info.supports_temperature,
        "supports_vision": info.supports_vision,
        "supports_tools": info.supports_tools,
        "reasoning_levels": info.reasoning_levels,
        "generates_images": info.generates_images,
        "is_demo": info.is_demo,
        "price": _shown_price(info.price),
        "sources": dict(info.sources),
    }


def _shown_price(price: ModelPrice | None) -> dict[str, float | None] | None:
    if price is None:
        return None
    rates = {
        "input": price.input,
        "output": price.output,
        "cache_read": price.cache_read,
        "cache_write": price.cache_write,
    }
    return {name: None if rate is None else float(rate) for name, rate in rates.items()}
