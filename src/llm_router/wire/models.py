"""A row of a provider's own model list, and the shapes such lists come in. Knows nothing of the catalog."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from llm_router.domain.catalog import ModelPrice
from llm_router.domain.errors import UpstreamFailed
from llm_router.wire.json import amount, count, mapping, mappings, read_json, text

MILLION = Decimal(1_000_000)

MAX_MODELS = 2_000
"""Of one list. The longest known have hundreds; one that is left out can still be asked by its name."""

MAX_NAME_CHARACTERS = 200
"""As many as a prompt may name (`ModelName` in `web/api/schemas.py`)."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model as the provider's own list names it. None where the list does not say."""

    model: str
    label: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    price: ModelPrice | None = None


def listed_rows(body: bytes) -> list[Mapping[str, Any]]:
    """The rows of a list that have an id: under `data`, or bare (Together); the first of very many.

    Raises UpstreamFailed.
    """
    value = read_json(body)
    rows = value if isinstance(value, list) else mapping(value).get("data")
    if not isinstance(rows, list):
        raise UpstreamFailed("The model list could not be read.")
    return [row for row in mappings(rows) if 0 < len(text(row.get("id"))) <= MAX_NAME_CHARACTERS][:MAX_MODELS]


def decode_openai_models(body: bytes) -> list[ListedModel]:
    """The list at `/v1/models` of OpenAI and those who follow it. Raises UpstreamFailed."""
    return [_openai_model(row) for row in listed_rows(body)]


def _openai_model(row: Mapping[str, Any]) -> ListedModel:
    top = mapping(row.get("top_provider"))  # OpenRouter
    meta = mapping(row.get("meta"))  # llama.cpp
    window = (
        count(row.get("context_length"))  # OpenRouter, Together
        or count(row.get("context_window"))  # Groq, Vercel
        or count(row.get("max_context_length"))  # Mistral
        or count(row.get("max_model_len"))  # vLLM
        or count(meta.get("n_ctx"))
        or count(meta.get("n_ctx_train"))
    )
    output = (
        count(top.get("max_completion_tokens"))
        or count(row.get("max_completion_tokens"))  # Groq
        or count(row.get("max_tokens"))  # Vercel
    )
    label = text(row.get("name")) or text(row.get("display_name")) or None
    return ListedModel(row["id"], label, window, output, _openrouter_price(mapping(row.get("pricing"))))


def _openrouter_price(pricing: Mapping[str, Any]) -> ModelPrice | None:
    """Dollars a token, written as strings. Others have `pricing` too, in other units and by other names: not read."""

    def per_million(name: str) -> Decimal | None:
        # `-1`, which is no amount, is said where it depends (a router's own alias).
        dollars = amount(pricing.get(name)) if isinstance(pricing.get(name), str) else None
        return None if dollars is None else dollars * MILLION

    price = ModelPrice(
        input=per_million("prompt"),
        output=per_million("completion"),
        cache_read=per_million("input_cache_read"),
        cache_write=per_million("input_cache_write"),
    )
    return None if price == ModelPrice() else price
