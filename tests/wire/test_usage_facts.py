"""What providers mean by their usage, fact by fact, each with the recording that proves it.

Each test shows what was sent and then what it means here. The facts are those of QUIRKS.md beside the recordings.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from llm_router.domain.events import StreamEvent, UsageReported
from llm_router.domain.usage import Usage
from llm_router.wire import openai_media
from tests.recordings import Recording, needs_recordings, recording
from tests.wire.streams import DECODERS, decode, fold

pytestmark = needs_recordings


def events_of(recorded: Recording) -> list[StreamEvent]:
    decoder = DECODERS[recorded.endpoint]()
    return decode(decoder, [recorded.body]) if recorded.is_stream else decoder.decode_answer(recorded.body)


def meant(name: str) -> Usage:
    """The last usage that the codec reports."""
    usage = fold(events_of(recording(name))).usage
    assert usage is not None
    return usage


def documents(name: str) -> list[dict[str, Any]]:
    """The JSON of each event of a stream, or of the one answer."""
    recorded = recording(name)
    lines = re.split(r"\r\n|\n", recorded.body.decode()) if recorded.is_stream else [f"data:{recorded.body.decode()}"]
    datas = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    return [json.loads(data) for data in datas if data != "[DONE]"]


def sent(name: str) -> list[dict[str, Any]]:
    """Every usage object of the recording in the order they were sent."""
    places = [
        place.get("usage")
        for document in documents(name)
        for place in (document.get("message"), document.get("response"), document.get("x_groq"), document)
        if isinstance(place, dict)
    ]
    return [usage for usage in places if usage]


def reports(name: str) -> list[Usage]:
    return [event.usage for event in events_of(recording(name)) if isinstance(event, UsageReported)]


# Where in a chat stream usage stands.


def test_without_include_usage_openai_sends_none_and_it_stays_unknown() -> None:
    name = "openai/chat-completions/stream-without-include-usage-no-usage-anywhe-gpt-4o-mini"
    assert sent(name) == []
    assert fold(events_of(recording(name))).usage is None


def test_usage_in_a_last_chunk_with_no_choices() -> None:
    name = "openai/chat-completions/stream-with-include-usage-usage-in-last-chun-gpt-3-5-turbo"
    *earlier, last = documents(name)
    assert last["choices"] == []
    assert {"usage": None}.items() <= earlier[0].items()
    assert (meant(name).tokens_input, meant(name).tokens_output) == (14, 2)


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("mistral/chat-completions/mistral-stream-mistral-small-latest", (24, 2)),
        ("deepseek/chat-completions/deepseek-stream-cache-hit-deepseek-chat", (451, 21)),
        ("zai/chat-completions/z-ai-stream-reasoning-content-glm-4-7-flash", (266, 71)),
        ("together/chat-completions/together-stream-llama-3-3-70b-instruct", (41, 15)),
    ],
)
def test_usage_in_the_chunk_of_the_finish_reason(name: str, tokens: tuple[int, int]) -> None:
    [chunk] = [document for document in documents(name) if document.get("usage")]
    assert chunk["choices"][0]["finish_reason"]
    assert (meant(name).tokens_input, meant(name).tokens_output) == tokens


def test_usage_under_x_groq_only() -> None:
    name = "groq/chat-completions/groq-stream-x-groq-usage-llama3-8b-8192"
    assert not any("usage" in document for document in documents(name))
    assert (meant(name).tokens_input, meant(name).tokens_output) == (18, 73)


def test_the_same_usage_three_times_is_taken_once() -> None:
    name = "groq/chat-completions/groq-stream-tool-call-kimi-k2-instruct-0905"
    assert [usage["total_tokens"] for usage in sent(name)] == [125, 125, 125]
    assert (meant(name).tokens_input, meant(name).tokens_output) == (93, 32)


def test_usage_on_every_chunk_grows_and_the_last_one_counts() -> None:
    name = "perplexity/chat-completions/usage-on-every-chunk-growing-crlf-no-done-sonar"
    grown = [usage["completion_tokens"] for usage in sent(name)]
    assert grown == sorted(grown)
    assert len(set(grown)) > 3
    assert (meant(name).tokens_input, meant(name).tokens_output) == (8, 5)
    # The fee for the request is told only in the last; 0 on the way is no price.
    *on_the_way, last = reports(name)
    assert {usage.cost_reported for usage in on_the_way} == {None}
    assert last.cost_reported == Decimal("0.00501")


def test_a_second_usage_object_inside_a_delta_is_not_the_usage() -> None:
    name = "vercel-gateway/chat-completions/two-usage-objects-in-one-stream-anthropic-st-claude-sonnet-4"
    assert recording(name).body.count(b'"usage":{') == 2
    assert (meant(name).tokens_input, meant(name).tokens_output) == (700, 31)
    assert meant(name).cost_reported == Decimal("0.002565")


# Reasoning.


def test_openai_counts_reasoning_inside_the_completion() -> None:
    name = "openai/chat-completions/streamed-reasoning-model-gpt-5-mini"
    [usage] = sent(name)
    assert usage["completion_tokens"] == usage["completion_tokens_details"]["reasoning_tokens"] == 50
    assert fold(events_of(recording(name))).finish_reason == "length"
    assert (meant(name).tokens_output, meant(name).tokens_reasoning) == (50, 50)


def test_xai_chat_counts_reasoning_outside_the_completion() -> None:
    name = "xai/chat-completions/xai-stream-grok-code-fast-1"
    usage = sent(name)[-1]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (213, 2, 213 + 2 + 198)
    assert (meant(name).tokens_output, meant(name).tokens_reasoning) == (200, 198)


def test_xai_responses_counts_it_inside() -> None:
    name = "xai/responses/xai-responses-grok-4-3"
    assert sent(name)[-1]["output_tokens"] == 80
    assert (meant(name).tokens_output, meant(name).tokens_reasoning) == (80, 79)


def test_gemini_hides_thinking_in_the_total() -> None:
    name = "gemini-openai/chat-completions/tool-call-with-empty-id-total-tokens-prompt-gemini-2-5-pro-preview"
    assert sent(name) == [{"completion_tokens": 12, "prompt_tokens": 35, "total_tokens": 109}]
    assert (meant(name).tokens_output, meant(name).tokens_reasoning) == (74, 62)


def test_vercel_leaves_reasoning_out_of_completion_and_total() -> None:
    name = "vercel-gateway/chat-completions/reasoning-tokens-completion-tokens-through-a-gemini-2-5-flash"
    [usage] = sent(name)
    assert (usage["completion_tokens"], usage["total_tokens"]) == (2, 11)
    assert (meant(name).tokens_output, meant(name).tokens_reasoning) == (27, 25)
    # Its own price says so: 0.3 and 2.5 dollars a million.
    assert meant(name).cost_reported == (9 * Decimal("0.3") + 27 * Decimal("2.5")).scaleb(-6)


def test_openrouter_may_count_one_token_of_reasoning_too_many() -> None:
    name = "openrouter/chat-completions/error-object-usage-inside-a-200-stream-reaso-minimax-m2-free"
    [usage] = sent(name)
    assert (usage["completion_tokens"], usage["completion_tokens_details"]["reasoning_tokens"]) == (10, 11)
    assert (meant(name).tokens_output, meant(name).tokens_reasoning) == (10, 10)


def test_anthropic_counts_thinking_inside_the_output() -> None:
    name = "anthropic/messages/messages-thinking-claude-sonnet-5"
    assert sent(name)[0]["output_tokens_details"] == {"thinking_tokens": 54}
    assert (meant(name).tokens_output, meant(name).tokens_reasoning) == (270, 54)


# The prompt cache.


def test_openai_counts_cached_tokens_inside_the_prompt() -> None:
    name = "openai/chat-completions/cached-prompt-tokens-gpt-4o-mini"
    assert sent(name)[0]["prompt_tokens"] == 1426
    assert (meant(name).tokens_input, meant(name).tokens_cache_read) == (1426, 1024)


def test_grok_at_azure_counts_them_beside_the_prompt() -> None:
    name = "azure/chat-completions/cached-tokens-161-prompt-tokens-10-grok-4-1-fast-non-reas"
    assert sent(name)[0]["prompt_tokens"] == 10
    assert (meant(name).tokens_input, meant(name).tokens_cache_read) == (171, 161)


@pytest.mark.parametrize(
    "name",
    [
        "openai/chat-completions/prompt-cache-write-cache-write-tokens-in-pro-gpt-5-6-sol",
        "openai/responses/prompt-cache-write-in-responses-input-tokens-gpt-5-6-sol",
    ],
)
def test_openai_counts_cache_writes_inside_the_prompt(name: str) -> None:
    assert (meant(name).tokens_input, meant(name).tokens_cache_write) == (1220, 1217)


def test_deepseek_splits_the_prompt_into_hits_and_misses() -> None:
    name = "deepseek/chat-completions/deepseek-stream-cache-hit-deepseek-chat"
    usage = sent(name)[-1]
    assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"] == 451
    assert (meant(name).tokens_input, meant(name).tokens_cache_read) == (451, 384)


def test_together_puts_cached_tokens_at_the_top() -> None:
    name = "together/chat-completions/together-stream-llama-3-3-70b-instruct"
    assert sent(name)[-1]["cached_tokens"] == 0
    assert meant(name).tokens_cache_read == 0


@pytest.mark.parametrize(
    "name", ["ollama/chat-completions/ollama-stream-gpt-oss-120b", "cerebras/chat-completions/cerebras-llama-3-3-70b"]
)
def test_where_the_details_are_missing_the_parts_are_unknown(name: str) -> None:
    assert not any("details" in field for field in sent(name)[-1])
    usage = meant(name)
    assert usage.tokens_output
    assert (usage.tokens_cache_read, usage.tokens_cache_write, usage.tokens_reasoning) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "plain", "read", "written"),
    [
        ("anthropic/messages/messages-cache-write-claude-sonnet-4-0", 147, 0, 4602),
        ("anthropic/messages/messages-stream-cache-read-claude-3-5-sonnet-2024", 4, 1167, 0),
    ],
)
def test_anthropic_counts_neither_kind_of_cached_tokens_as_input(
    name: str, plain: int, read: int, written: int
) -> None:
    assert sent(name)[0]["input_tokens"] == plain
    usage = meant(name)
    assert (usage.tokens_cache_read, usage.tokens_cache_write) == (read, written)
    assert usage.tokens_input == plain + read + written


def test_cache_writes_for_an_hour_are_told_apart() -> None:
    name = "anthropic/messages/1-hour-cache-write-ephemeral-1h-input-tokens-claude-sonnet-4-202505"
    assert sent(name)[0]["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 2056}
    assert (meant(name).tokens_cache_write, meant(name).tokens_cache_write_1h) == (2056, 2056)


def test_cache_writes_without_a_split_are_for_five_minutes() -> None:
    name = "anthropic/messages/messages-stream-cache-write-claude-3-5-sonnet-2024"
    assert "cache_creation" not in sent(name)[0]
    assert (meant(name).tokens_cache_write, meant(name).tokens_cache_write_1h) == (1165, None)


# What an Anthropic stream says at its beginning and at its end.


def test_message_delta_replaces_the_output_of_message_start() -> None:
    name = "anthropic/messages/messages-stream-thinking-tool-use-claude-haiku-4-5-20251"
    assert [usage["output_tokens"] for usage in sent(name)] == [8, 92]
    assert meant(name).tokens_output == 92


def test_older_message_deltas_have_the_output_alone() -> None:
    name = "anthropic/messages/messages-stream-cache-read-claude-3-5-sonnet-2024"
    assert sent(name)[1] == {"output_tokens": 256}
    usage = meant(name)
    assert (usage.tokens_input, usage.tokens_cache_read, usage.tokens_output) == (1171, 1167, 256)


def test_with_server_tools_message_delta_replaces_the_input_too() -> None:
    name = "anthropic/messages/messages-stream-server-tool-web-search-claude-opus-4-1-202508"
    assert [usage["input_tokens"] for usage in sent(name)] == [2039, 10423]
    assert meant(name).tokens_input == 10423


def test_iterations_of_a_compaction_are_summed() -> None:
    name = "anthropic/messages/two-iterations-compaction-message-delta-inpu-claude-sonnet-4-6"
    last = sent(name)[-1]
    assert (last["input_tokens"], last["cache_read_input_tokens"], last["output_tokens"]) == (181, 0, 8)
    usage = meant(name)
    assert (usage.tokens_input, usage.tokens_cache_read, usage.tokens_output) == (55096 + 100 + 181, 55096, 83 + 8)
    assert (usage.tokens_cache_write, usage.tokens_cache_write_1h) == (0, 0)


def test_a_refusal_after_text_is_billed() -> None:
    name = "anthropic/messages/stop-reason-refusal-at-the-end-of-a-stream-w-claude-fable-5"
    assert fold(events_of(recording(name))).finish_reason == "content_filter"
    assert (meant(name).tokens_input, meant(name).tokens_output) == (28, 106)


# What a Responses stream says at its end.


def test_a_response_that_begins_has_no_usage_yet() -> None:
    name = "openai/responses/responses-stream-text-gpt-5-5"
    begun = [document["response"] for document in documents(name) if "response" in document][:2]
    assert [response["usage"] for response in begun] == [None, None]
    assert len(reports(name)) == 1


def test_an_incomplete_response_has_usage() -> None:
    name = "openai/responses/response-incomplete-max-output-tokens-gpt-4o"
    assert documents(name)[-1]["type"] == "response.incomplete"
    assert (meant(name).tokens_input, meant(name).tokens_output) == (14, 50)


# Prices that a provider names itself.


@pytest.mark.parametrize(
    ("name", "field", "dollars"),
    [
        ("openrouter/chat-completions/openrouter-cost-o1", 0.000735, "0.000735"),
        (
            "perplexity/chat-completions/perplexity-sonar",
            {"input_tokens_cost": 2e-05, "output_tokens_cost": 1e-05, "request_cost": 0.005, "total_cost": 0.00503},
            "0.00503",
        ),
    ],
)
def test_cost_is_a_number_or_an_object(name: str, field: object, dollars: str) -> None:
    assert sent(name)[-1]["cost"] == field
    assert meant(name).cost_reported == Decimal(dollars)


def test_xai_counts_ticks_of_which_a_dollar_has_ten_thousand_million() -> None:
    name = "xai/chat-completions/xai-stream-grok-code-fast-1"
    assert sent(name)[-1]["cost_in_usd_ticks"] == 3_080_400
    assert meant(name).cost_reported == Decimal("0.00030804")
    # As its list has it: 0.2 in, 0.02 from the cache, 1.5 out.
    assert Decimal("0.00030804") == (21 * Decimal("0.2") + 192 * Decimal("0.02") + 200 * Decimal("1.5")).scaleb(-6)


def test_with_a_key_of_ones_own_zero_is_only_the_gateways_fee() -> None:
    name = "openrouter/chat-completions/byok-cost-0-while-upstream-inference-cost-is-claude-opus-5"
    assert (sent(name)[-1]["cost"], sent(name)[-1]["is_byok"]) == (0, True)
    assert meant(name).cost_reported == Decimal("0.00417")


def test_zero_without_a_key_of_ones_own_is_zero() -> None:
    name = "openrouter/chat-completions/openrouter-stream-with-keep-alive-comments-a-llama-3-2-3b-instruct"
    assert (sent(name)[-1]["cost"], sent(name)[-1]["is_byok"]) == (0, False)
    assert meant(name).cost_reported == 0


def test_a_cost_far_above_that_of_the_tokens_stands() -> None:
    name = "openrouter/chat-completions/cost-includes-a-server-tool-advisor-fee-abov-gpt-4o-mini"
    assert sent(name)[-1]["cost_details"]["upstream_inference_cost"] == 0.0001764
    assert meant(name).cost_reported == Decimal("0.0160614")


# Searches, images, tiers.


def test_tool_usage_outside_the_usage_is_kept() -> None:
    name = "openai/responses/responses-text-gpt-5-6-terra"
    [answer] = documents(name)
    assert answer["tool_usage"]["web_search"] == {"num_requests": 0}
    assert "tool_usage" not in answer["usage"]
    raw = meant(name).raw
    assert raw is not None
    assert raw["tool_usage"] == answer["tool_usage"]
    assert meant(name).web_searches == 0


@pytest.mark.parametrize(
    "name", ["openai/responses/responses-stream-web-search-gpt-4o", "openai/responses/responses-web-search-gpt-4-1"]
)
def test_searches_that_no_usage_names_are_counted_in_the_answer(name: str) -> None:
    assert not any("tool_usage" in document.get("response", document) for document in documents(name))
    assert meant(name).web_searches == 1


@pytest.mark.parametrize(
    "name",
    [
        "anthropic/messages/messages-server-tool-claude-sonnet-5",
        "anthropic/messages/messages-stream-server-tool-web-search-claude-opus-4-1-202508",
    ],
)
def test_anthropic_counts_searches_besides_the_tokens(name: str) -> None:
    assert sent(name)[-1]["server_tool_use"]["web_search_requests"] == 1
    assert meant(name).web_searches == 1


@pytest.mark.parametrize(
    ("name", "asked", "answered"),
    [
        ("openai/chat-completions/service-tier-set-in-request-and-answered-gpt-5", "priority", "priority"),
        ("openai/responses/responses-text-gpt-5-6-terra", "auto", "default"),
        ("openai/responses/responses-stream-text-gpt-5-5", None, "default"),
        ("anthropic/messages/emoji-in-a-stream-claude-3-5-haiku-20241", "standard_only", "standard"),
        ("groq/chat-completions/groq-stream-tool-call-kimi-k2-instruct-0905", None, "on_demand"),
        ("openai/responses/responses-stream-function-call-gpt-4o", None, None),
    ],
)
def test_the_service_tier_is_the_one_of_the_answer(name: str, asked: str | None, answered: str | None) -> None:
    assert recording(name).request_body.get("service_tier") == asked
    assert meant(name).service_tier == answered


def test_the_model_that_answers_may_be_another_than_the_one_asked() -> None:
    name = "deepseek/chat-completions/deepseek-stream-cache-hit-deepseek-chat"
    assert recording(name).request_body["model"] == "deepseek-chat"
    assert fold(events_of(recording(name))).response_model == "deepseek-v4-flash"


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("openai/images-edits/gpt-image-1-5-edit-several-images-usage-with-gpt-image-1-5", (431, 388, 1364, 1056)),
        ("openai/images-generations/gpt-image-1-b64-json-with-usage-gpt-image-1", (10, 0, 4160, 4160)),
    ],
)
def test_gpt_image_tells_tokens_of_images_from_those_of_text(name: str, counts: tuple[int, ...]) -> None:
    usage = openai_media.decode_images(recording(name).body).usage
    assert usage is not None
    assert counts == (
        usage.tokens_input,
        usage.tokens_input_image,
        usage.tokens_output,
        usage.tokens_output_image,
    )


def test_dall_e_sends_no_usage() -> None:
    body = recording("openai/images-generations/dall-e-3-url-with-revised-prompt-dall-e-3").body
    assert openai_media.decode_images(body).usage is None


# What no recording shows.


def anthropic(usage: Mapping[str, Any]) -> Usage:
    body = {"type": "message", "id": "m", "model": "claude", "content": [], "usage": usage, "stop_reason": "end_turn"}
    found = fold(DECODERS["messages"]().decode_answer(json.dumps(body).encode())).usage
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("usage", "tier"),
    [
        ({"service_tier": "standard", "speed": "fast"}, "fast"),
        ({"service_tier": "standard", "speed": "standard", "inference_geo": "global"}, "standard"),
        ({"service_tier": "standard", "inference_geo": "us"}, "us"),
        ({"service_tier": "priority", "inference_geo": "us"}, "priority"),
        ({"service_tier": "batch"}, "batch"),
        ({"inference_geo": "not_available"}, None),
        ({"service_tier": None}, None),
    ],
)
def test_the_tier_is_the_word_that_decides_the_rates(usage: dict[str, Any], tier: str | None) -> None:
    assert anthropic({"input_tokens": 1, "output_tokens": 1, **usage}).service_tier == tier


@pytest.mark.parametrize(
    ("total", "minutes", "hour", "expected"),
    [
        pytest.param(100, 60, 40, (100, 40), id="both"),
        pytest.param(None, 60, 40, (100, 40), id="the split alone"),
        pytest.param(None, None, 40, (40, 40), id="half of it"),
        pytest.param(100, None, None, (100, None), id="the total alone"),
        pytest.param(150, 60, 40, (150, 40), id="a total that has grown since"),
        pytest.param(150, 0, 40, (150, 150), id="grown, and all of it for an hour"),
        pytest.param(30, 0, 40, (30, 30), id="a total that is less"),
        pytest.param(0, 0, 0, (0, 0), id="nothing"),
        pytest.param(None, None, None, (None, None), id="unknown"),
    ],
)
def test_cache_writes_by_duration(
    total: int | None, minutes: int | None, hour: int | None, expected: tuple[int | None, int | None]
) -> None:
    usage = anthropic(
        {
            "input_tokens": 1,
            "output_tokens": 1,
            "cache_creation_input_tokens": total,
            "cache_creation": {"ephemeral_5m_input_tokens": minutes, "ephemeral_1h_input_tokens": hour},
        }
    )
    assert (usage.tokens_cache_write, usage.tokens_cache_write_1h) == expected
    assert usage.tokens_input == 1 + (expected[0] or 0)


def test_iterations_are_summed_with_their_cache_writes_of_both_durations() -> None:
    def iteration(plain: int, read: int, minutes: int, hour: int, output: int) -> dict[str, Any]:
        return {
            "input_tokens": plain,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": minutes + hour,
            "cache_creation": {"ephemeral_5m_input_tokens": minutes, "ephemeral_1h_input_tokens": hour},
            "output_tokens": output,
        }

    last = iteration(5, 6, 7, 8, 9)
    usage = anthropic({**last, "iterations": [iteration(100, 200, 300, 400, 500), last]})
    assert usage.tokens_input == 100 + 200 + 300 + 400 + 5 + 6 + 7 + 8
    assert (usage.tokens_cache_read, usage.tokens_cache_write, usage.tokens_cache_write_1h) == (206, 715, 408)
    assert usage.tokens_output == 509


@pytest.mark.parametrize(
    "name",
    [
        "openai/responses/image-generation-call-item-in-responses-gpt-5",
        "openai/responses/responses-stream-image-generation-call-event-gpt-5-nano",
    ],
)
def test_an_image_that_a_tool_made_is_charged_besides_and_nobody_says_how_much(name: str) -> None:
    assert not any("tool_usage" in document for document in documents(name))
    assert meant(name).has_unknown_fees


@pytest.mark.parametrize(("tokens", "has_fees"), [(0, False), (4160, True)])
def test_since_2026_the_tokens_of_such_an_image_are_told_and_not_their_model(tokens: int, has_fees: bool) -> None:
    tools = {"image_gen": {"total_tokens": tokens}, "web_search": {"num_requests": 0}}
    body = {"output": [], "usage": {"input_tokens": 1, "output_tokens": 1}, "tool_usage": tools}
    usage = fold(DECODERS["responses"]().decode_answer(json.dumps(body).encode())).usage
    assert usage is not None
    assert usage.has_unknown_fees is has_fees


def test_only_searches_are_charged_not_the_pages_that_are_opened() -> None:
    items = [{"type": "web_search_call", "action": {"type": kind}} for kind in ("search", "open_page", "find_in_page")]
    body = {"output": [*items, {"type": "web_search_call"}], "usage": {"input_tokens": 1, "output_tokens": 1}}
    usage = fold(DECODERS["responses"]().decode_answer(json.dumps(body).encode())).usage
    assert usage is not None
    assert usage.web_searches == 2


def test_fast_and_in_the_us_costs_more_than_either_and_one_word_does_not_say_so() -> None:
    both = anthropic({"input_tokens": 1, "output_tokens": 1, "speed": "fast", "inference_geo": "us"})
    assert (both.service_tier, both.has_unknown_fees) == ("fast", True)
    assert not anthropic({"input_tokens": 1, "output_tokens": 1, "speed": "fast"}).has_unknown_fees


def test_audio_is_told_apart_on_both_sides() -> None:
    raw = {
        "prompt_tokens": 20,
        "completion_tokens": 30,
        "total_tokens": 50,
        "prompt_tokens_details": {"audio_tokens": 12, "cached_tokens": 0},
        "completion_tokens_details": {"audio_tokens": 25, "text_tokens": 5},
    }
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": raw}
    usage = fold(DECODERS["chat-completions"]().decode_answer(json.dumps(body).encode())).usage
    assert usage is not None
    assert (usage.tokens_input_audio, usage.tokens_output_audio) == (12, 25)


def test_an_image_endpoint_without_the_split_made_nothing_but_images() -> None:
    usage = openai_media.decode_usage({"input_tokens": 50, "output_tokens": 272, "total_tokens": 322})
    assert (usage.tokens_input_image, usage.tokens_output_image) == (None, 272)
