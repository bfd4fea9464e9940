"""Brings usage objects of the OpenAI family to our one meaning. Pure arithmetic; knows no stream and no price.

The same names mean different things at different vendors, and nobody says which. What decides is the arithmetic of
the object itself, never the vendor's name, since a gateway passes on whatever stands behind it.

What a bill depends on and stands elsewhere in the answer is put beside the object's own fields, so that a stored one
can be read again: `tool_usage` by its own name, and of ours `web_search_calls`, `charged_tool_calls` and `has_answer`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from llm_router.domain.usage import Usage, UsageDialect
from llm_router.wire.json import MAX_DOLLARS, amount, count, mapping

USD_TICKS = 10_000_000_000
"""xAI's `cost_in_usd_ticks` in a dollar."""


def openai_usage(
    raw: Mapping[str, Any], dialect: UsageDialect, *, has_answer: bool = True, service_tier: str | None = None
) -> Usage:
    """`raw` as Chat Completions, Responses, Images or Embeddings send it.

    `has_answer`: text or a tool call came before it. Where that decides what was meant, `raw` says so from then on.
    """
    has_answer = has_answer and raw.get("has_answer") is not False
    input_details = mapping(raw.get("prompt_tokens_details") or raw.get("input_tokens_details"))
    output_details = mapping(raw.get("completion_tokens_details") or raw.get("output_tokens_details"))
    total = count(raw.get("total_tokens"))
    prompt = _first(raw, "prompt_tokens", "input_tokens")
    completion = _first(raw, "completion_tokens", "output_tokens")
    if completion is None and prompt is not None and total == prompt:
        completion = 0  # embeddings, which have no other side
    # DeepSeek's own word, and Together's, which has no details object.
    cache_read = _known(
        count(input_details.get("cached_tokens")), _first(raw, "prompt_cache_hit_tokens", "cached_tokens")
    )
    # Vercel's word comes from Anthropic.
    cache_write = _known(count(input_details.get("cache_write_tokens")), count(raw.get("cache_creation_input_tokens")))
    told = count(output_details.get("reasoning_tokens"))
    output, reasoning = _output(prompt, completion, total, told, has_answer)
    if not has_answer and (told or 0) > (completion or 0):
        raw = {**raw, "has_answer": False}
    return Usage(
        tokens_input=_input(prompt, cache_read, cache_write),
        tokens_output=output,
        tokens_cache_read=cache_read,
        tokens_cache_write=cache_write,
        tokens_reasoning=reasoning,
        tokens_input_audio=count(input_details.get("audio_tokens")),
        tokens_output_audio=count(output_details.get("audio_tokens")),
        tokens_input_image=count(input_details.get("image_tokens")),
        tokens_output_image=count(output_details.get("image_tokens")),
        web_searches=_web_searches(raw),
        has_unknown_fees=_has_unknown_fees(raw),
        cost_reported=reported_cost(raw),
        service_tier=service_tier,
        dialect=dialect,
        raw=raw,
    )


def reported_cost(raw: Mapping[str, Any]) -> Decimal | None:
    """The dollars a usage object says the call cost, None where it says nothing of it."""
    ticks = count(raw.get("cost_in_usd_ticks"), MAX_DOLLARS * USD_TICKS)
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


def _web_searches(raw: Mapping[str, Any]) -> int | None:
    """What OpenAI says it counted (since 2026), else the calls that were seen in the answer."""
    told = count(mapping(mapping(raw.get("tool_usage")).get("web_search")).get("num_requests"))
    return _known(told, count(raw.get("web_search_calls")))


def _has_unknown_fees(raw: Mapping[str, Any]) -> bool:
    """Tools at OpenAI that charge besides: by tokens of a model that is not told, by the call or by the hour."""
    images = mapping(mapping(raw.get("tool_usage")).get("image_gen"))
    return bool(count(images.get("total_tokens")) or count(raw.get("charged_tool_calls")))


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
        if reasoning > completion and (has_answer or completion == 0):
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
