from decimal import Decimal

import orjson
import pytest

from llm_router.domain.catalog import ModelPrice
from llm_router.domain.errors import UpstreamFailed
from llm_router.wire import anthropic_messages, openai_chat, openai_responses
from llm_router.wire.models import MAX_MODELS, ListedModel
from tests.recordings import needs_recordings, recording


@needs_recordings
def test_the_list_of_openai_has_names_only() -> None:
    models = openai_responses.decode_model_list(recording("openai/models/openai-models-list").body)
    assert ListedModel("gpt-3.5-turbo-16k") in models


@needs_recordings
def test_the_list_of_anthropic_has_windows() -> None:
    models = anthropic_messages.decode_model_list(recording("anthropic/models/anthropic-models-list").body)
    assert models[0] == ListedModel("claude-opus-5", "Claude Opus 5", 1_000_000, 128_000)
    assert len(models) == 11


@needs_recordings
def test_the_list_of_openrouter_has_prices_a_token() -> None:
    body = recording("openrouter/models/openrouter-models-list-with-pricing-strings").body
    [nano] = [model for model in openai_chat.decode_model_list(body) if model.model == "openai/gpt-5-nano"]
    assert nano == ListedModel(
        "openai/gpt-5-nano",
        "OpenAI: GPT-5 Nano",
        400_000,
        128_000,
        ModelPrice(Decimal("0.05"), Decimal("0.4"), Decimal("0.005"), None),
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": "a", "max_model_len": 4096}, ListedModel("a", None, 4096)),  # vLLM
        ({"id": "a", "context_window": 8, "max_completion_tokens": 4}, ListedModel("a", None, 8, 4)),  # Groq
        ({"id": "a", "max_context_length": 8, "name": "A"}, ListedModel("a", "A", 8)),  # Mistral
        ({"id": "a", "meta": {"n_ctx_train": 8}}, ListedModel("a", None, 8)),  # llama.cpp
        ({"id": "a", "context_length": None, "pricing": {"prompt": "-1"}}, ListedModel("a")),  # it depends
        ({"id": "a", "pricing": {"input": 0.2, "output": 0.2}}, ListedModel("a")),  # Together: another unit
        ({"id": "a", "pricing": {"prompt": 0.2}}, ListedModel("a")),  # a number: of which unit?
        ({"id": "a", "pricing": {"prompt": "0"}}, ListedModel("a", price=ModelPrice(input=Decimal(0)))),
    ],
)
def test_rows_of_other_servers(row: object, expected: ListedModel) -> None:
    assert openai_chat.decode_model_list(orjson.dumps({"data": [row, {"id": None}, 7]})) == [expected]


def test_a_bare_list_is_a_list() -> None:
    assert openai_chat.decode_model_list(b'[{"id": "a"}]') == [ListedModel("a")]
    assert openai_chat.decode_model_list(b'{"data": []}') == []


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"data": {}}', b"3"])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    for dialect in (openai_chat, anthropic_messages):
        with pytest.raises(UpstreamFailed):
            dialect.decode_model_list(body)


def test_a_list_of_everything_is_read_in_part() -> None:
    """Each row costs time and memory for as long as the server runs, and nobody chooses among so many."""
    rows = [{"id": f"m{number}"} for number in range(MAX_MODELS + 1)]
    assert [listed.model for listed in openai_chat.decode_model_list(orjson.dumps({"data": rows}))] == [
        f"m{number}" for number in range(MAX_MODELS)
    ]


def test_a_name_that_no_prompt_could_give_is_left_out() -> None:
    rows = [{"id": "m" * 201}, {"id": "m" * 200}]
    assert [listed.model for listed in openai_chat.decode_model_list(orjson.dumps(rows))] == ["m" * 200]
