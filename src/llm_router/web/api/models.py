"""What could be asked, what it can do, and what it costs."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from llm_router.domain.catalog import FactSource, ModelInfo
from llm_router.domain.conversations import shown_time
from llm_router.domain.pricing import RATES, ModelPrice, PriceEntry
from llm_router.services.catalog import ConnectionStatus
from llm_router.web.answers import json_answer
from llm_router.web.api.schemas import CatalogAnswer
from llm_router.web.deps import ServicesDep

router = APIRouter(prefix="/api/usage", tags=["usage"])


@router.get("/models", response_model=CatalogAnswer)
async def models(services: ServicesDep) -> Response:
    """The catalog: what there is, what it can do and cost, and where each fact came from."""
    view = await services.catalog.models()
    return json_answer(
        {
            "defaults": {"chat": view.defaults.chat, "image": view.defaults.image},
            "connections": [_shown_connection(connection) for connection in view.connections],
            "models": [_shown_model(model) for model in view.models],
            "prices_version": view.prices_version,
        }
    )


def _shown_connection(connection: ConnectionStatus) -> dict[str, Any]:
    listed_at = connection.listed_at
    return {
        "name": connection.name,
        "provider": connection.provider,
        "configured": connection.is_configured,
        "list": connection.list,
        "listed_at": None if listed_at is None else shown_time(int(listed_at.timestamp() * 1000)),
        "error": connection.error,
    }


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
        "price": info.price and _shown_price(info.price, info.sources["price"]),
        "sources": dict(info.sources),
    }


def _shown_price(price: PriceEntry, source: FactSource) -> dict[str, Any]:
    """The standard rates, and each variant's as a whole: what it says itself over what it leaves as it is."""
    return {
        **_shown_rates(price.rates),
        "source": source,
        "version": price.version,
        "tiers": [{"above": tier.above, **_shown_rates(tier.rates)} for tier in price.tiers],
        "variants": [
            _shown_variant(price, service_tier) for variant in price.variants for service_tier in variant.service_tiers
        ],
    }


def _shown_variant(price: PriceEntry, service_tier: str) -> dict[str, Any]:
    own = [variant for variant in price.variants if service_tier in variant.service_tiers]
    steps = sorted({tier.above for tiers in (price.tiers, *(variant.tiers for variant in own)) for tier in tiers})
    return {
        "when": {"service_tier": service_tier},
        **_shown_rates(price.rates_for(0, service_tier)),
        "tiers": [{"above": above, **_shown_rates(price.rates_for(above + 1, service_tier))} for above in steps],
    }


def _shown_rates(rates: ModelPrice) -> dict[str, float | None]:
    return {name: None if (rate := getattr(rates, name)) is None else float(rate) for name in RATES}
