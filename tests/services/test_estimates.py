"""What a prompt is said to take and cost before it is sent, against what recorded answers took and ours cost."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llm_router.domain.chat import Target
from llm_router.domain.clock import Clock
from llm_router.domain.conversations import Message
from llm_router.domain.errors import Conflict, InvalidRequest, NotFound, UnknownModel
from llm_router.domain.tokens import TokenCount, measure
from llm_router.domain.usage import Usage, dollars
from llm_router.services.budgets import Budgets
from llm_router.services.catalog import Catalog
from llm_router.services.chat import Caller
from llm_router.services.estimates import TYPICAL_OUTPUT, Estimate, Estimates, ModelEstimate, Question
from llm_router.services.snapshot import load_snapshot
from llm_router.settings import ConnectionSettings, Secret
from llm_router.store.database import Database, open_database
from llm_router.store.tables import OWNER_ID
from tests.recorded_prompts import recorded_prompts
from tests.recordings import needs_recordings
from tests.store.rows import attempt, bill, conversation, keep, message, origin

NOW = 1_764_000_000_000
MINUTE = 60_000
CALLER = Caller(OWNER_ID, "phone")
CONNECTIONS = (
    ConnectionSettings("openai", "openai", "https://api.openai.com/v1", Secret("k"), "OPENAI_API_KEY"),
    ConnectionSettings("anthropic", "anthropic", "https://api.anthropic.com", None, "ANTHROPIC_API_KEY"),
    ConnectionSettings("mine", "openai_compatible", "http://192.168.1.5:11434/v1"),
    ConnectionSettings("deep", "openai_compatible", "https://api.deepseek.com/v1"),
)
RAW = {"prompt_tokens": 1}
"""That the provider reported something: what, is in the counts."""


@dataclass
class Router:
    """The parts that estimate, over a real file, at a time that the test sets."""

    database: Database
    now_ms: int = NOW

    async def ask(self, question: Question, caller: Caller = CALLER) -> Estimate:
        clock = Clock(lambda: self.now_ms / 1000, lambda: 0.0)
        now = datetime.fromtimestamp(NOW / 1000, UTC)
        catalog = Catalog(CONNECTIONS, {}, load_snapshot(), now=lambda: now)
        return await Estimates(self.database, catalog, Budgets(self.database, clock), clock).estimate(caller, question)

    async def at(self, model: str, **question: Any) -> ModelEstimate:
        """The estimate of one model for a prompt that follows what `answered` wrote."""
        given = {"text": "And then?", "conversation_id": "c1", **question}
        return (await self.ask(Question(models=(model,), **given))).models[0]

    async def answered(self, *answers: tuple[str, Usage], ended_ms: int = NOW, **values: Any) -> None:
        """A conversation of prompts, each answered by a model that reported so much."""
        messages: list[Message] = []
        for number, (model, _) in enumerate(answers):
            parent_id = f"a{number - 1}" if number else None
            messages.append(message(f"u{number}", parent_id, text="Tell me."))
            messages.append(message(f"a{number}", f"u{number}", role="assistant", text="Once.", model=model, **values))
        last = messages[-1].id if messages else None
        await keep(self.database, conversation(active_leaf_id=last), messages=messages)
        for number, (model, usage) in enumerate(answers):
            where = origin(conversation_id="c1", message_id=f"a{number}", model=model)
            made = attempt(target=target_of(model), usage=usage, started_at=ended_ms - 1000, duration=1.0)
            await bill(self.database, where, made)


def target_of(model: str) -> Target:
    if "/" in model:
        name, _, rest = model.partition("/")
        return Target(name, "openai_compatible", rest)
    vendor = "anthropic" if model.startswith("claude") else "openai"
    return Target(vendor, vendor, model)  # type: ignore[arg-type]


def took(tokens_input: int, tokens_output: int, **counts: Any) -> Usage:
    return Usage(tokens_input, tokens_output, **{"dialect": "openai_chat", "raw": RAW, **counts})


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[Router]:
    database = await open_database(tmp_path / "router.db")
    yield Router(database)
    await database.close()


# Counted by us


@needs_recordings
async def test_nine_of_ten_recorded_prompts_took_what_was_estimated(router: Router) -> None:
    """Of the plain text prompts among the recordings, short as most of them are. The others went to servers that put
    hundreds of tokens of their own before them (xAI, a relay), or are a sentence said over and over.
    """
    asked = recorded_prompts()
    within = 0
    for number, prompt in enumerate(asked):
        place = f"c{number}"
        path = [
            message(f"m{number}-{at}", f"m{number}-{at - 1}" if at else None, conversation_id=place, text=text)
            for at, text in enumerate(prompt.turns[:-1])
        ]
        leaf = path[-1].id if path else None
        await keep(
            router.database, conversation(place, system_prompt=prompt.system, active_leaf_id=leaf), messages=path
        )
        counted = (await router.at("gpt-5", text=prompt.turns[-1], conversation_id=place)).tokens_input
        within += counted.low <= prompt.tokens_input <= counted.high
    assert len(asked) >= 60
    assert within / len(asked) >= 0.9


async def test_what_was_never_counted_by_its_vendor_is_counted_from_the_words(router: Router) -> None:
    await router.answered(("gpt-5", took(900, 80)))
    # Another vendor, a relay's other model, and a provider that sent no counts.
    for model in ("claude-sonnet-4-5", "mine/llama3.2", "deep/deepseek-chat"):
        counted = await router.at(model)
        assert counted.basis == "counted"
        assert counted.tokens_input.likely < 50
    alone = await router.at("gpt-5", conversation_id=None, text="Hello", system_text=None)
    assert alone.basis == "counted"
    assert alone.tokens_input == TokenCount(8, 1, 108) + measure("Hello")


async def test_a_relays_models_are_of_many_vendors(router: Router) -> None:
    await router.answered(("deep/deepseek-chat", took(900, 80)))
    assert (await router.at("deep/deepseek-chat")).basis == "reported"
    assert (await router.at("deep/qwen3")).basis == "counted"


async def test_a_system_prompt_and_a_text_added_to_it_count(router: Router) -> None:
    rules = "Answer in verse, and never say why. " * 50
    await keep(router.database, conversation(system_prompt=rules))
    without = await router.at("gpt-5", conversation_id=None)
    with_rules = await router.at("gpt-5")
    added = await router.at("gpt-5", system_text=rules)
    assert with_rules.tokens_input.likely - without.tokens_input.likely == 4 + measure(rules).likely
    assert added.tokens_input.likely - with_rules.tokens_input.likely == measure(rules).likely


# Counted by the provider


async def test_the_answer_before_says_what_all_but_the_new_text_takes(router: Router) -> None:
    await router.answered(("gpt-5", took(900, 80, tokens_reasoning=30)))
    estimate = await router.ask(Question("And then?", models=("gpt-5",), conversation_id="c1"))
    # 900 in; 50 of the 80 out were said and not thought; the new text, and what marks the two messages.
    new = measure("And then?")
    assert estimate.as_dict()["basis"] == "reported"
    assert estimate.as_dict()["tokens_input"] == {
        "likely": 950 + new.likely + 8,
        "low": 950 + new.low + 2,
        "high": 950 + new.high + 16,
    }


async def test_only_the_words_after_the_last_reported_answer_are_counted(router: Router) -> None:
    await router.answered(("gpt-5", took(900, 80)), ("gpt-5", Usage(12, 3)))  # the second one was estimated
    failed = message("u2", "a1", text="Again?")
    await keep(router.database, messages=[failed])
    after_both = await router.at("gpt-5", parent_id="u2")
    assert after_both.basis == "reported"
    texts = sum((measure(text) for text in ("Tell me.", "Once.", "Again?", "And then?")), TokenCount(0, 0, 0))
    assert after_both.tokens_input.likely == 980 + texts.likely + 5 * 4


async def test_another_model_of_the_vendor_may_cut_the_text_otherwise(router: Router) -> None:
    await router.answered(("claude-sonnet-4-5", took(10_000, 100)))
    same = (await router.at("claude-sonnet-4-5")).tokens_input
    other = await router.at("claude-opus-5")
    assert other.basis == "reported"
    new = measure("And then?")
    assert (same.low, same.high) == (10_100 + new.low + 2, 10_100 + new.high + 16)
    assert other.tokens_input.low < 10_100 * 100 // 134
    assert other.tokens_input.high > 10_100 * 134 // 100


async def test_a_claude_may_be_sent_its_thinking_again(router: Router) -> None:
    await router.answered(("claude-opus-5", took(1000, 500, tokens_reasoning=400)))
    counted = (await router.at("claude-opus-5")).tokens_input
    assert counted.likely == 1000 + 100 + 8 + measure("And then?").likely
    assert counted.high >= 1000 + 500


# The provider's cache


@pytest.mark.parametrize(
    ("model", "sent", "minutes", "cached"),
    [
        ("gpt-5", 1500, 2, 1408),  # whole steps of 128
        ("gpt-5", 1000, 2, 0),  # too short
        ("gpt-5", 1500, 11, 0),  # gone
        ("gpt-5.6-sol", 1500, 29, 1500),
        ("gpt-4-turbo", 1500, 2, 0),  # never had one
        ("claude-sonnet-4-5", 1500, 4, 1500),
        ("claude-sonnet-4-5", 1500, 6, 0),
        ("claude-haiku-4-5", 4000, 2, 0),  # 4,096 at the least
        ("claude-opus-5", 600, 2, 600),
        ("mine/llama3.2", 5000, 2, 0),
    ],
)
async def test_the_cache_likely_serves_what_was_sent_before(
    router: Router, model: str, sent: int, minutes: int, cached: int
) -> None:
    await router.answered((model, took(sent, 50)))
    router.now_ms = NOW + minutes * MINUTE
    assert (await router.at(model)).tokens_cache_read == cached


async def test_one_that_reported_reads_will_likely_do_so_again(router: Router) -> None:
    await router.answered(("deep/deepseek-chat", took(5000, 50, tokens_cache_read=4992)))
    router.now_ms = NOW + 30 * MINUTE
    assert (await router.at("deep/deepseek-chat")).tokens_cache_read == 5000


@pytest.mark.parametrize("change", [{"system_text": "Be brief."}, {"reasoning": "low"}])
async def test_what_changes_the_beginning_is_served_nothing(router: Router, change: dict[str, str]) -> None:
    await router.answered(("gpt-5", took(5000, 50)))
    assert (await router.at("gpt-5")).tokens_cache_read > 0
    assert (await router.at("gpt-5", **change)).tokens_cache_read == 0


# Money


async def test_the_cost_is_that_of_the_likely_counts_between_the_least_and_the_most(router: Router) -> None:
    await router.answered(("gpt-5", took(5000, 200)), ended_ms=NOW - 20 * MINUTE)
    estimate = await router.at("gpt-5", max_tokens=1000)
    # gpt-5: $1.25 and $10 a million; nothing is in the cache after 20 minutes.
    counted = estimate.tokens_input
    assert estimate.cost is not None
    assert estimate.cost_input is not None
    assert estimate.cost.likely == counted.likely * 1250 + 200 * 10_000
    assert estimate.cost.low == counted.low * 1250 + 10_000
    assert estimate.cost.high == counted.high * 1250 + 1000 * 10_000
    assert estimate.cost_input.likely == counted.likely * 1250
    assert estimate.price_version == load_snapshot().version


async def test_cached_and_written_tokens_cost_what_they_do(router: Router) -> None:
    await router.answered(("claude-sonnet-4-5", took(10_000, 100)))
    estimate = await router.at("claude-sonnet-4-5")
    # $3 a million, read at a tenth, written at five quarters.
    new = estimate.tokens_input.likely - 10_000
    assert estimate.cost_input is not None
    assert estimate.cost_input.likely == 10_000 * 300 + new * 3750
    assert estimate.cost_input.high == estimate.tokens_input.high * 3750


async def test_a_prompt_that_crosses_into_the_long_context_is_charged_so_as_a_whole(router: Router) -> None:
    await router.answered(("claude-sonnet-4-5", took(199_000, 500)), ended_ms=NOW - 60 * MINUTE)
    before = await router.at("claude-sonnet-4-5")
    after = await router.at("claude-sonnet-4-5", text="a word or two more " * 1000)
    assert before.tokens_input.likely < 200_000 < after.tokens_input.likely
    assert before.cost_input is not None
    assert after.cost_input is not None
    # Each token of it twice as dear, not only those beyond.
    assert after.cost_input.likely == after.tokens_input.likely * 7500
    assert before.cost_input.likely == before.tokens_input.likely * 3750


async def test_an_unknown_price_is_unknown(router: Router) -> None:
    estimate = (await router.at("mine/llama3.2", conversation_id=None)).as_dict()
    assert (estimate["cost"], estimate["cost_input"], estimate["price_version"]) == (None, None, None)
    assert estimate["reason"] == "no price is known for mine/llama3.2"


async def test_what_makes_images_is_not_priced_as_a_chat(router: Router) -> None:
    estimate = await router.at("gpt-image-1", conversation_id=None)
    assert estimate.cost is None
    assert estimate.reason == "gpt-image-1 makes images and does not chat: ask POST /api/images/generate for one"


# The answer's length


async def test_the_likely_output_is_the_median_of_what_this_model_wrote_here(router: Router) -> None:
    await router.answered(*(("gpt-5", took(100, tokens)) for tokens in (10, 40, 900)), ("gpt-5-mini", took(100, 7)))
    for _ in range(5):
        await bill(router.database, origin(model="gpt-5"), attempt(usage=took(100, 5000), started_at=NOW))
    assert (await router.at("gpt-5")).tokens_output_likely == 40
    elsewhere = {"conversation_id": None}
    assert (await router.at("gpt-5-mini", **elsewhere)).tokens_output_likely == 7
    assert (await router.at("gpt-5", **elsewhere)).tokens_output_likely == 5000
    # Of all: 7, 10, 40, 900 and five times 5,000.
    assert (await router.at("claude-opus-5", **elsewhere)).tokens_output_likely == 5000
    assert (await router.at("gpt-5", max_tokens=25)).tokens_output_likely == 25


async def test_without_any_answer_it_is_a_stated_guess_and_the_most_is_the_models_limit(router: Router) -> None:
    estimate = await router.at("gpt-5", conversation_id=None)
    assert (estimate.tokens_output_likely, estimate.tokens_output_high) == (TYPICAL_OUTPUT, 128_000)
    # Claude is sent a limit in any case.
    assert (await router.at("claude-opus-5", conversation_id=None)).tokens_output_high == 32_000


# What is asked, and of whom


async def test_several_models_are_answered_in_order_those_without_a_key_with_the_reason(router: Router) -> None:
    estimate = await router.ask(Question("Hello", models=("gpt-5", "claude-opus-5", "gpt-5-mini")))
    models = estimate.as_dict()["models"]
    assert [(each["model"], each["available"]) for each in models] == [
        ("gpt-5", True),
        ("claude-opus-5", False),
        ("gpt-5-mini", True),
    ]
    assert models[1]["reason"] == "no key for anthropic: set ANTHROPIC_API_KEY in .env and restart"
    assert models[1]["cost"] is not None


async def test_without_models_it_is_the_one_the_prompt_would_go_to(router: Router) -> None:
    await keep(router.database, conversation(model="gpt-5-nano"), conversation("c2", model="claude-opus-5"))
    asked = [(await router.ask(Question("Hi", conversation_id=each))).models[0].info.id for each in ("c1", "c2")]
    assert asked[0] == "gpt-5-nano"
    assert asked[1] == (await router.ask(Question("Hi"))).models[0].info.id  # its key is gone: the default


async def test_a_window_too_small_is_said(router: Router) -> None:
    await keep(router.database, conversation())
    short, long = "Hi", "a word or two more " * 100_000
    assert (await router.at("gpt-4o", text=short)).fits is True
    assert (await router.at("gpt-4o", text=long)).fits is False
    assert (await router.at("mine/llama3.2", text=long)).fits is None


@pytest.mark.parametrize(
    ("question", "error"),
    [
        (Question("x", models=("gtp-5",)), UnknownModel),
        (Question("x", conversation_id="nowhere"), NotFound),
        (Question("x", parent_id="nobody"), NotFound),
        (Question("x", conversation_id="c2", parent_id="a0"), InvalidRequest),
        (Question("x", conversation_id="c3"), Conflict),
    ],
)
async def test_what_could_not_be_sent_is_refused_as_if_it_were(
    router: Router, question: Question, error: type[Exception]
) -> None:
    await router.answered(("gpt-5", took(10, 5)))
    live = message("live", None, conversation_id="c3", role="assistant", status="streaming")
    await keep(router.database, conversation("c2"), conversation("c3", active_leaf_id="live"), messages=[live])
    with pytest.raises(error):
        await router.ask(question)


async def test_another_user_has_neither_the_conversation_nor_the_averages(router: Router) -> None:
    await router.answered(("gpt-5", took(900, 3)))
    stranger = Caller("stranger", "phone")
    with pytest.raises(NotFound):
        await router.ask(Question("x", conversation_id="c1"), stranger)
    with pytest.raises(NotFound):
        await router.ask(Question("x", parent_id="a0"), stranger)
    estimate = await router.ask(Question("x", models=("gpt-5",)), stranger)
    assert estimate.models[0].tokens_output_likely == TYPICAL_OUTPUT


async def test_what_is_left_of_the_budgets_is_told(router: Router) -> None:
    budgets = Budgets(router.database, Clock(lambda: NOW / 1000, lambda: 0.0))
    overall = await budgets.create(OWNER_ID, "day", "overall", None, 2_000_000_000)
    await budgets.create(OWNER_ID, "day", "model", "claude-opus-5", 1_000_000_000)
    await bill(router.database, origin(), attempt(500_000_000, started_at=NOW))
    estimate = await router.ask(Question("Hi", models=("gpt-5",)))
    assert estimate.as_dict()["budgets"] == [{"budget_id": overall.budget.id, "remaining": 1.5}]
    assert dollars(estimate.remaining[0][1]) == Decimal("1.5")
