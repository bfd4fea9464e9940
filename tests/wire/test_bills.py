"""Every recorded exchange is accounted: its counts, and what they cost by the bundled list at one moment."""

import re
from decimal import Decimal

import pytest

from llm_router.domain.chat import Target
from llm_router.domain.clock import Clock
from llm_router.domain.pricing import PriceEntry, price_usage
from llm_router.domain.usage import Cost, Usage, UsageDialect
from llm_router.routing.metering import AttemptMeter
from llm_router.services.prices import price_lookup
from llm_router.settings import ConnectionSettings, Settings
from llm_router.wire import openai_media
from llm_router.wire.errors import decode_error
from llm_router.wire.json import mapping, read_json
from llm_router.wire.usage import DECODERS
from tests.recordings import Recording, needs_recordings, recording, recordings, recordings_folder
from tests.wire.expected_bills import BILLS, MOMENT, REFUSED, Bill, Refused
from tests.wire.streams import DECODERS as STREAM_DECODERS
from tests.wire.streams import decode, fold

pytestmark = needs_recordings

each_bill = pytest.mark.parametrize("expected", BILLS, ids=[bill.recording for bill in BILLS])
each_refusal = pytest.mark.parametrize("expected", REFUSED, ids=[refused.recording for refused in REFUSED])

BASE_URLS = {
    "anthropic": "https://api.anthropic.com",
    "avian": "https://api.avian.io/v1",
    "azure": "https://example.openai.azure.com/openai/v1",
    "bedrock-mantle": "https://bedrock-mantle.us-east-1.api.aws/v1",
    "cerebras": "https://api.cerebras.ai/v1",
    "deepseek": "https://api.deepseek.com",
    "gemini-openai": "https://generativelanguage.googleapis.com/v1beta/openai",
    "gpustack": "http://gpustack.local/v1",
    "groq": "https://api.groq.com/openai/v1",
    "huggingface": "https://router.huggingface.co/novita/v3/openai",
    "llamacpp": "http://localhost:8080/v1",
    "mistral": "https://api.mistral.ai/v1",
    "ollama": "https://ollama.com/v1",
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "perplexity": "https://api.perplexity.ai",
    "snowflake": "https://account.snowflakecomputing.com/api/v2/cortex/v1",
    "together": "https://api.together.xyz/v1",
    "vercel-gateway": "https://ai-gateway.vercel.sh/v1",
    "vllm": "http://localhost:8000/v1",
    "xai": "https://api.x.ai/v1",
    "zai": "https://api.z.ai/api/coding/paas/v4",
}
"""Where each recording's provider is: prices go by the host."""


def connection(provider: str) -> ConnectionSettings:
    return ConnectionSettings(
        provider,
        "openai" if provider == "openai" else "anthropic" if provider == "anthropic" else "openai_compatible",
        BASE_URLS[provider],
    )


PRICES = price_lookup(Settings(connections=tuple(map(connection, BASE_URLS))))


def price_of(recorded: Recording, asked: str | None, answered: str | None) -> PriceEntry | None:
    settings = connection(recorded.provider)
    target = Target(settings.name, settings.provider, asked or answered or "")
    return PRICES(target, answered, at=MOMENT)


def read(recorded: Recording) -> tuple[Usage | None, str | None]:
    """The usage as the codecs report it, and the model that answered."""
    if recorded.endpoint in STREAM_DECODERS:
        decoder = STREAM_DECODERS[recorded.endpoint]()
        events = decode(decoder, [recorded.body]) if recorded.is_stream else decoder.decode_answer(recorded.body)
        message = fold(events)
        return message.usage, message.response_model
    if recorded.endpoint.startswith("images-"):
        return openai_media.decode_images(recorded.body).usage, None
    answer = mapping(read_json(recorded.body))
    raw = mapping(answer.get("usage"))  # of endpoints that nobody asks yet
    dialect: UsageDialect = "openai_responses" if recorded.endpoint == "responses-compact" else "openai_chat"
    model = str(answer["model"]) if recorded.endpoint == "embeddings" else None
    return DECODERS[dialect](raw) if raw else None, model


@each_bill
def test_counts(expected: Bill) -> None:
    usage, answered = read(recording(expected.recording))
    if expected.kind in ("stream", "answer", "failed") and "/completions/" not in expected.recording:
        assert answered == expected.answered
    assert (usage.counts() if usage else None) == expected.counts
    assert (usage.service_tier if usage else None) == expected.tier
    assert (usage.cost_reported if usage else None) == (Decimal(expected.reported) if expected.reported else None)


@each_bill
def test_cost(expected: Bill) -> None:
    recorded = recording(expected.recording)
    usage, _ = read(recorded)
    if usage is None:
        assert expected.cost is None
        return
    cost = price_usage(usage, price_of(recorded, expected.asked, expected.answered))
    assert (cost.nanousd, cost.status) == (expected.cost, expected.status)


@each_bill
def test_what_is_stored_can_be_read_again(expected: Bill) -> None:
    """Prices are corrected later: a row's raw usage and its tier must give the same counts."""
    usage, _ = read(recording(expected.recording))
    if usage is not None:
        assert usage.dialect is not None
        assert usage.raw is not None
        assert DECODERS[usage.dialect](usage.raw, service_tier=usage.service_tier) == usage


@each_bill
def test_the_parts_never_exceed_the_whole(expected: Bill) -> None:
    usage, _ = read(recording(expected.recording))
    if usage is None or usage.tokens_input is None or usage.tokens_output is None:
        return
    assert (usage.tokens_cache_read or 0) + (usage.tokens_cache_write or 0) <= usage.tokens_input
    assert (usage.tokens_cache_write_1h or 0) <= (usage.tokens_cache_write or 0)
    assert (usage.tokens_input_image or 0) + (usage.tokens_input_audio or 0) <= usage.tokens_input
    assert (usage.tokens_output_image or 0) + (usage.tokens_output_audio or 0) <= usage.tokens_output
    assert (usage.tokens_reasoning or 0) <= usage.tokens_output


@each_refusal
def test_a_refusal_at_the_door_costs_nothing(expected: Refused) -> None:
    recorded = recording(expected.recording)
    assert recorded.status == expected.status
    error = decode_error(recorded.status, recorded.headers, recorded.body)
    settings = connection(recorded.provider)
    target = Target(settings.name, settings.provider, expected.asked or "")
    clock = Clock(wall=MOMENT.timestamp, monotonic=lambda: 0.0)
    meter = AttemptMeter(Usage(tokens_input=100, tokens_output=100), target, PRICES, clock)
    meter.close("error", error)
    assert (meter.attempt.usage, meter.attempt.cost) == (Usage(), Cost(0, "exact"))


def test_no_exchange_is_left_out() -> None:
    names = [*(bill.recording for bill in BILLS), *(refused.recording for refused in REFUSED)]
    index = (recordings_folder() / "INDEX.md").read_text(encoding="utf-8")
    assert len(names) == 166
    assert sorted(names) == sorted(re.findall(r"^\| (\S+)\.json \|", index, re.MULTILINE))
    assert sorted(names) == sorted(recorded.name for recorded in recordings())
