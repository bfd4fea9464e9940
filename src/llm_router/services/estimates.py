"""What the next prompt would take and cost at each model that could be asked, before anyone is asked.

Sends nothing, and reads only as much of the conversation as it has to. All it says is a likely value between bounds,
but for what a provider counted itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from llm_router.domain.budgets import longest_answer
from llm_router.domain.catalog import ModelInfo
from llm_router.domain.clock import Clock
from llm_router.domain.conversations import Conversation, shown_dollars
from llm_router.domain.errors import InvalidRequest, UnknownModel
from llm_router.domain.pricing import PriceEntry, price_usage
from llm_router.domain.prompt_cache import CacheRule, cache_rule
from llm_router.domain.tokens import MESSAGE_TOKENS, TokenCount, measure
from llm_router.domain.usage import Usage
from llm_router.services.budgets import Budgets, BudgetStatus
from llm_router.services.catalog import Catalog
from llm_router.services.chat import Caller, find_place
from llm_router.store.database import Database
from llm_router.store.ledger import LedgerRow, recent_outputs, reported_calls
from llm_router.store.paths import Words, outline_to, words_of
from llm_router.store.sql import AsyncConnection

Basis = Literal["counted", "reported"]

_MESSAGE = TokenCount(MESSAGE_TOKENS, 1, 8)
"""What a vendor's template puts around one message."""

_NOTHING = TokenCount(0, 0, 0)

_PROMPT = TokenCount(4, 0, 100)
"""What it puts before all of them: at most vendors a handful of tokens, 25 to 80 where the template of Llama, gpt-oss
or DeepSeek says more, and hundreds, which no bound foresees, where xAI or a relay has instructions of its own."""

_ANSWERS_LOOKED_AT = 100
"""Of the path's end: whoever asks the same model again has its last answer among them."""

_CALLS_LOOKED_AT = 1000
"""Of the owner's ledger, however long that is: enough to say how long answers are."""

_ANSWERS_AVERAGED = 20

TYPICAL_OUTPUT = 500
"""Tokens of an answer, where the owner has had none yet. A guess: half a page."""

_OTHER_TOKENIZER = 135
"""Percent. Models of one vendor may cut text differently: Anthropic's newer ones take up to 35 % more tokens for the
same text than those before (platform.claude.com/docs, "What's new in Claude Opus 4.7")."""


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt that was not sent. As `Prompt`, but that it may be meant for several models."""

    text: str
    models: tuple[str, ...] = ()
    """Catalog ids; none asks about the model the prompt would go to."""
    conversation_id: str | None = None
    parent_id: str | Literal["leaf"] | None = "leaf"
    system_text: str | None = None
    reasoning: str | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """Nano-dollars."""

    likely: int
    low: int
    high: int

    def as_dict(self) -> dict[str, float | None]:
        return {name: shown_dollars(getattr(self, name)) for name in ("likely", "low", "high")}


@dataclass(frozen=True, slots=True)
class ModelEstimate:
    """What the prompt would take at one model.

    The likely output is the median of this conversation's answers by this model, else of the owner's by it, else of
    the owner's by any. The highest is `max_tokens`, else `longest_answer`. The lowest cost is that of an answer of
    one word, everything cached that may be; the highest that of the longest answer, nothing cached. Each is priced as a
    bill would be, long-context tiers included.
    """

    info: ModelInfo
    basis: Basis
    tokens_input: TokenCount
    tokens_cache_read: int
    tokens_output_likely: int
    tokens_output_high: int
    cost: Money | None
    cost_input: Money | None
    price_version: str | None
    reason: str | None
    """Why it cannot be asked, or not be priced."""

    @property
    def fits(self) -> bool | None:
        """Whether the prompt fits the context window. None where that is unknown, or too close to say."""
        window = self.info.context_window
        if window is None or self.tokens_input.low <= window < self.tokens_input.high:
            return None
        return self.tokens_input.high <= window

    def as_dict(self) -> dict[str, Any]:
        return {
            "model": self.info.id,
            "available": self.info.available,
            "context_window": self.info.context_window,
            "fits": self.fits,
            "basis": self.basis,
            "tokens_input": self.tokens_input.likely,
            "tokens_cache_read": self.tokens_cache_read,
            "tokens_output": {"likely": self.tokens_output_likely, "high": self.tokens_output_high},
            "cost": self.cost.as_dict() if self.cost else None,
            "cost_input": self.cost_input.as_dict() if self.cost_input else None,
            "price_version": self.price_version,
            **({"reason": self.reason} if self.reason else {}),
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    models: tuple[ModelEstimate, ...]
    """In the order they were asked for; never empty."""
    remaining: tuple[tuple[str, int], ...]
    """Of each budget the first model would count against: its id, and the nano-dollars that are left."""

    def as_dict(self) -> dict[str, Any]:
        first = self.models[0]
        counted = first.tokens_input
        return {
            "tokens_input": {"likely": counted.likely, "low": counted.low, "high": counted.high},
            "basis": first.basis,
            "models": [model.as_dict() for model in self.models],
            "budgets": [
                {"budget_id": budget_id, "remaining": shown_dollars(left)} for budget_id, left in self.remaining
            ],
        }


class Estimates:
    def __init__(self, database: Database, catalog: Catalog, budgets: Budgets, clock: Clock) -> None:
        self._database = database
        self._catalog = catalog
        self._budgets = budgets
        self._clock = clock

    async def estimate(self, caller: Caller, question: Question) -> Estimate:
        """Raises UnknownModel, NoRoute where nothing at all can be asked, NotFound, InvalidRequest, Conflict."""
        async with self._database.read() as connection:
            # As for a prompt that is sent, with the same refusals: nobody is told the price of what cannot be had.
            conversation, parent_id = await find_place(
                connection, caller.user_id, question.conversation_id, question.parent_id
            )
            infos = self._models(question, conversation.model if conversation else None)
            context = await _context(connection, caller.user_id, question, conversation, parent_id, infos)
            outputs = await recent_outputs(connection, caller.user_id, limit=_CALLS_LOOKED_AT)
            budgets = await self._budgets.applying(connection, caller.user_id, caller.device_id, infos[0].id)
        return Estimate(
            tuple(self._at(info, question, context, outputs) for info in infos),
            tuple((status.budget.id, _left(status)) for status in budgets),
        )

    def _models(self, question: Question, of_conversation: str | None) -> list[ModelInfo]:
        if question.models:
            return [self._catalog.find(model) for model in question.models]
        if of_conversation is not None:
            try:
                info = self._catalog.find(of_conversation)
            except UnknownModel:
                info = None
            if info is not None and info.available:
                return [info]
        return [self._catalog.find(None)]

    def _at(
        self, info: ModelInfo, question: Question, context: "_Context", outputs: Sequence[tuple[str, str, int]]
    ) -> ModelEstimate:
        basis, tokens_input = context.count(info)
        rule = context.cache_rule(info)
        cached = min(context.cached(info, question, rule, self._clock.now_ms()), tokens_input.likely)
        high = longest_answer(info, question.max_tokens)
        likely = min(_likely_output(info.id, context.conversation_id, outputs), high)
        # An image has tokens of its own, of which a prompt's length says nothing.
        price = None if info.generates_images else self._catalog.price_for(info.target)
        cost, cost_input = _costs(price, rule, tokens_input, cached, likely, high)
        return ModelEstimate(
            info=info,
            basis=basis,
            tokens_input=tokens_input,
            tokens_cache_read=cached,
            tokens_output_likely=likely,
            tokens_output_high=high,
            cost=cost,
            cost_input=cost_input,
            price_version=price.version if cost and price else None,
            reason=self._reason(info, question, is_priced=cost is not None),
        )

    def _reason(self, info: ModelInfo, question: Question, *, is_priced: bool) -> str | None:
        try:
            self._catalog.validate(info, reasoning=question.reasoning)
        except InvalidRequest as error:
            return error.message
        if not info.available:
            return info.unavailable_reason
        return None if is_priced else f"no price is known for {info.id}"


@dataclass(frozen=True, slots=True)
class _Context:
    """What would be sent. Counted once, for however many models are asked about."""

    new: TokenCount
    """The prompt itself, and what it adds to the system prompt."""
    conversation_id: str | None = None
    system: TokenCount = _NOTHING
    path: tuple[Words, ...] = ()
    """Whole, or from the last answer on that has been counted for every model."""
    counts: tuple[TokenCount, ...] = ()
    """Of each message of the path."""
    calls: Mapping[str, LedgerRow] = field(default_factory=dict)
    """By the answer it made: the call whose counts the provider reported."""

    def count(self, info: ModelInfo) -> tuple[Basis, TokenCount]:
        """What the whole prompt takes at a model. Counted by its vendor as far as it has answered here already."""
        for at in range(len(self.path) - 1, -1, -1):
            call = self.calls.get(self.path[at].message_id)
            if call is not None and _counts_alike(call, info):
                return "reported", sum(self.counts[at + 1 :], _reported(call, info) + self.new)
        return "counted", sum(self.counts, _PROMPT + self.system + self.new)

    def cache_rule(self, info: ModelInfo) -> CacheRule | None:
        here = [call for call in self.calls.values() if _is_of(call, info)]
        reports_reads = any(call.usage.tokens_cache_read for call in here[-3:])
        return cache_rule(info.provider, info.target.model, reports_reads=reports_reads)

    def cached(self, info: ModelInfo, question: Question, rule: CacheRule | None, now: int) -> int:
        """What the last call on this path sent to the same model is the beginning of what would be sent now.

        Unless the system prompt grows, which comes first, or the reasoning level changes: at both vendors it is a part
        of what has to be the same.
        """
        if rule is None or question.system_text:
            return 0
        for answer in reversed(self.path):
            call = self.calls.get(answer.message_id)
            if call is not None and _is_of(call, info):
                if answer.reasoning != question.reasoning or call.usage.tokens_input is None:
                    return 0
                return rule.served(call.usage.tokens_input, (now - call.ended_at) / 1000)
        return 0


def _left(status: BudgetStatus) -> int:
    standing = status.standings[0]
    return max(status.budget.limit_nanousd - standing.spent_nanousd - standing.reserved_nanousd, 0)


async def _context(
    connection: AsyncConnection,
    user_id: str,
    question: Question,
    conversation: Conversation | None,
    parent_id: str | None,
    infos: Sequence[ModelInfo],
) -> _Context:
    """What would be sent: read from the earliest message on whose words any of `infos` needs."""
    new = _message(question.text) + (measure(question.system_text) if question.system_text else _NOTHING)
    if conversation is None:
        return _Context(new)
    path = await outline_to(connection, user_id, parent_id) if parent_id is not None else []
    ids = [message_id for message_id, _ in path]
    answers = [message_id for message_id, role in path if role == "assistant"]
    calls = await reported_calls(connection, user_id, answers[-_ANSWERS_LOOKED_AT:])
    needed = [_last(ids, calls, info, _counts_alike) or 0 for info in infos]
    needed += [at for info in infos if (at := _last(ids, calls, info, _is_of)) is not None]
    words = await words_of(connection, user_id, ids[min(needed) :])
    return _Context(
        new,
        conversation.id,
        _message(conversation.system_prompt or ""),
        tuple(words),
        tuple(_message(each.text) for each in words),
        calls,
    )


def _message(text: str) -> TokenCount:
    """A message with what marks it. One that says nothing is not sent."""
    return _MESSAGE + measure(text) if text.strip() else _NOTHING


def _last(
    ids: Sequence[str],
    calls: Mapping[str, LedgerRow],
    info: ModelInfo,
    fits: Callable[[LedgerRow, ModelInfo], bool],
) -> int | None:
    """Where on the path the last answer is whose call fits `info`."""
    found = (at for at, message_id in enumerate(ids) if message_id in calls and fits(calls[message_id], info))
    return max(found, default=None)


def _is_of(call: LedgerRow, info: ModelInfo) -> bool:
    return call.target == info.target


def _counts_alike(call: LedgerRow, info: ModelInfo) -> bool:
    """Whether the vendor that counted `call` is the one that would count now. A relay has many behind one address."""
    same_vendor = call.target.connection == info.target.connection and info.provider in ("openai", "anthropic")
    known = call.usage.tokens_input is not None and call.usage.tokens_output is not None
    return known and (same_vendor or call.target == info.target)


def _reported(call: LedgerRow, info: ModelInfo) -> TokenCount:
    """What the prompt of `call` and its answer take when they are sent again."""
    sent = call.usage.tokens_input or 0
    said = call.usage.tokens_output or 0
    # Thinking is not sent back, but by newer Claudes, and then not always charged.
    spoken = max(said - (call.usage.tokens_reasoning or 0), 0)
    thought = said if info.provider == "anthropic" else spoken
    likely, low, high = sent + spoken, sent + spoken, sent + thought
    if call.target != info.target:
        low, high = low * 100 // _OTHER_TOKENIZER, -(-high * _OTHER_TOKENIZER // 100)
    return TokenCount(likely, low, high) + _MESSAGE


def _likely_output(model: str, conversation_id: str | None, outputs: Sequence[tuple[str, str, int]]) -> int:
    here = [tokens for conversation, name, tokens in outputs if name == model and conversation == conversation_id]
    by_model = [tokens for _, name, tokens in outputs if name == model]
    known = sorted((here or by_model or [tokens for _, _, tokens in outputs])[:_ANSWERS_AVERAGED])
    return known[(len(known) - 1) // 2] if known else TYPICAL_OUTPUT


def _costs(
    price: PriceEntry | None, rule: CacheRule | None, tokens_input: TokenCount, cached: int, likely: int, high: int
) -> tuple[Money | None, Money | None]:
    """Of all, and of the input alone; None where no price is known."""

    def cost(tokens: int, read: int, output: int) -> int | None:
        written = rule.written(tokens, read) if rule else 0
        usage = Usage(tokens, output, read, written)
        return price_usage(usage, price).nanousd

    def money(low_output: int, likely_output: int, high_output: int) -> Money | None:
        low = cost(tokens_input.low, min(cached, tokens_input.low), low_output)
        middle = cost(tokens_input.likely, cached, likely_output)
        most = cost(tokens_input.high, 0, high_output)
        # A tier or a dear write can turn them around.
        return (
            None
            if low is None or middle is None or most is None
            else Money(middle, min(low, middle), max(middle, most))
        )

    return money(1, likely, high), money(0, 0, 0)
