"""Brings usage objects of the OpenAI family to our one meaning. Pure arithmetic; knows no stream and no price.

The same names mean different things at different vendors, and nobody says which. What decides is the arithmetic of
the object itself, never the vendor's name, since a gateway passes on whatever stands behind it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from llm_router.domain.usage import Usage
from llm_router.wire.json import amount, count, mapping

USD_TICKS = 10_000_000_000
"""xAI's `cost_in_usd_ticks` in a dollar."""


def openai_usage(raw: Mapping[str, Any], *, has_answer: bool, service_tier: str | None = None) -> Usage:
    """`raw` as Chat Completions or Responses send it. `has_answer`: text or a tool call came before it."""
    prompt = _first(raw, "prompt_tokens", "input_tokens")
    completion = _first(raw, "completion_tokens", "output_tokens")
    prompt_details = mapping(raw.get("prompt_tokens_details") or raw.get("input_tokens_details"))
    completion_details = mapping(raw.get("completion_tokens_details") or raw.get("output_tokens_details"))
    # DeepSeek's own word, and Together's, which has no details object.
    cache_read = _known(
        count(prompt_details.get("cached_tokens")), _first(raw, "prompt_cache_hit_tokens", "cached_tokens")
    )
    # Vercel's word comes from Anthropic.
    cache_write = _known(count(prompt_details.get("cache_write_tokens")), count(raw.get("cache_creation_input_tokens")))
    output, reasoning = _output(
        prompt,
        completion,
        count(raw.get("total_tokens")),
        count(completion_details.get("reasoning_tokens")),
        has_answer,
    )
    return Usage(
        tokens_input=_input(prompt, cache_read, cache_write),
        tokens_output=output,
        tokens_cache_read=cache_read,
        tokens_cache_write=cache_write,
        tokens_reasoning=reasoning,
        cost_reported=reported_cost(raw),
        service_tier=service_tier,
        raw=raw,
    )


def reported_cost(raw: Mapping[str, Any]) -> Decimal | None:
    """The dollars a usage object says the call cost, None where it says nothing of it."""
    ticks = count(raw.get("cost_in_usd_ticks"))
    if ticks is not None:
        return Decimal(ticks) / USD_TICKS
    cost = raw.get("cost")
    if isinstance(cost, dict):
        # Perplexity says 0 on every chunk until the last, which has the fee: 0 here means "not yet".
        return amount(cost.get("total_cost")) or None
    charged = amount(cost)
    if charged is None or raw.get("is_byok") is not True:
        return charged
    # OpenRouter with the owner's own key: `cost` is its fee, the provider's bill is beside it.
    upstream = amount(mapping(raw.get("cost_details")).get("upstream_inference_cost"))
    return charged + upstream if upstream is not None else charged or None


def _input(prompt: int | None, cache_read: int | None, cache_write: int | None) -> int | None:
    """Cached tokens are a part of the prompt, except where there are more of them than prompt (Grok at Azure)."""
    cached = (cache_read or 0) + (cache_write or 0)
    return prompt + cached if prompt is not None and cached > prompt else prompt


def _output(
    prompt: int | None, completion: int | None, total: int | None, reasoning: int | None, has_answer: bool
) -> tuple[int | None, int | None]:
    """Tokens out, reasoning included, and the reasoning among them."""
    if completion is None:
        return None, reasoning
    unnamed = total - prompt - completion if total is not None and prompt is not None else 0
    if reasoning:
        if unnamed == reasoning:  # xAI: the total counts reasoning apart
            return completion + reasoning, reasoning
        # Vercel for Gemini: apart, and left out of the total; its cost agrees.
        if reasoning > completion and has_answer:
            return completion + reasoning, reasoning
        # OpenAI and most: inside. Where nothing but reasoning came, an excess is a miscount (OpenRouter: 11 of 10).
        return completion, min(reasoning, completion)
    if unnamed > 0:  # Gemini: thinking shows in the total only
        return completion + unnamed, unnamed
    return completion, reasoning


def _first(raw: Mapping[str, Any], *names: str) -> int | None:
    return _known(*(count(raw.get(name)) for name in names))


def _known(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
