"""The shapes of the API: what bodies must look like, and what answers look like in `/openapi.json`.

Answers are written from domain values directly; a test holds them to these shapes.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

MAX_MESSAGE_LENGTH = 1_000_000
MAX_SYSTEM_LENGTH = 200_000


def _has_words(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


MessageText = Annotated[
    str, Field(min_length=1, max_length=MAX_MESSAGE_LENGTH, strict=True), AfterValidator(_has_words)
]
SystemText = Annotated[str, Field(min_length=1, max_length=MAX_SYSTEM_LENGTH, strict=True), AfterValidator(_has_words)]
Title = Annotated[str, Field(min_length=1, max_length=200, strict=True), AfterValidator(_has_words)]
ModelName = Annotated[str, Field(min_length=1, max_length=200, strict=True)]
Id = Annotated[str, Field(min_length=1, max_length=64, strict=True)]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False, strict=True)]
Level = Annotated[str, Field(min_length=1, max_length=16, strict=True)]
TokenLimit = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]
Dollars = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=9)]
"""A number or a string; a number means what its shortest decimal form says, to the nano-dollar."""


class Body(BaseModel):
    """What a caller sends. A field that is not known is refused: a misspelt one would be left out in silence."""

    model_config = ConfigDict(extra="forbid")


class AnswerBody(Body):
    """How an answer is to be made; what is left out is left to the conversation and the provider."""

    model: ModelName | None = None
    temperature: Temperature | None = None
    reasoning: Level | None = None
    max_tokens: TokenLimit | None = None
    budget_override: StrictBool = False
    """Lets this one pass budgets that have no room for it; the ledger says so."""


class ChatBody(AnswerBody):
    message: MessageText
    conversation_id: Id | None = None
    parent_id: Id | None = None
    """Left out: the conversation's active leaf. null: a new root."""
    system_text: SystemText | None = None


class ConversationBody(Body):
    title: Title | None = None
    model: ModelName | None = None
    system_prompt: SystemText | None = None


class ConversationChanges(Body):
    title: Title | None = None
    model: ModelName | None = None
    active_leaf_id: Id | None = None


class CloneBody(Body):
    message_id: Id | None = None


class SystemBody(Body):
    system_text: SystemText


class ImageBody(Body):
    prompt: Annotated[str, Field(min_length=1, max_length=32_000, strict=True), AfterValidator(_has_words)]
    model: ModelName | None = None
    size: Annotated[str, Field(pattern=r"^(auto|\d{2,4}x\d{2,4})$", strict=True)] | None = None
    quality: Annotated[str, Field(pattern=r"^[a-z]{1,16}$", strict=True)] | None = None
    conversation_id: Id | None = None
    parent_id: Id | None = None
    """As of a prompt."""
    budget_override: StrictBool = False


class BudgetBody(Body):
    period: Literal["day", "month"]
    scope: Literal["overall", "device", "model"]
    subject: Annotated[str, Field(min_length=1, max_length=200, strict=True)] | None = None
    """A device's id or a model; left out it counts each device, or each model, for itself."""
    limit: Dollars


_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Those that write from right to left included: a name stands in the middle of other text."""


def _fits_a_line(text: str) -> str:
    if _CONTROL_CHARACTERS.search(text):
        raise ValueError("must not have control characters")
    return _has_words(text).strip()


class DeviceChanges(Body):
    name: Annotated[str, Field(min_length=1, max_length=60, strict=True), AfterValidator(_fits_a_line)]


class ErrorDetail(BaseModel):
    type: str
    message: str
    details: dict[str, Any] | None = None


class ErrorAnswer(BaseModel):
    error: ErrorDetail


class SubmissionAnswer(BaseModel):
    conversation_id: str
    user_message_id: str | None
    message_id: str
    status: str


class PartAnswer(BaseModel):
    type: Literal["text", "reasoning", "tool_call", "image"]
    text: str | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | None = None
    image_id: str | None = None
    media_type: str | None = None
    url: str | None = None


class MessageAnswer(BaseModel):
    id: str
    conversation_id: str
    parent_id: str | None
    role: Literal["user", "assistant"]
    content: str
    parts: list[PartAnswer]
    status: Literal["pending", "streaming", "complete", "stopped", "interrupted", "error"]
    model: str | None
    provider: str | None
    response_model: str | None
    temperature: float | None
    reasoning: str | None
    tokens_input: int | None
    tokens_output: int | None
    tokens_cache_read: int | None
    tokens_cache_write: int | None
    tokens_reasoning: int | None
    cost: float | None
    cost_status: Literal["exact", "bounded", "estimated", "unpriced"] | None
    finish_reason: str | None
    error: ErrorDetail | None
    time_to_first_chunk: float | None
    duration: float | None
    reasoning_duration: float | None
    created_at: str


class ConversationAnswer(BaseModel):
    id: str
    title: str
    model: str | None
    system_prompt: str | None
    device_id: str | None
    active_leaf_id: str | None
    created_at: str
    updated_at: str
    cost: float | None
    message_count: int
    is_live: bool


class ConversationWithMessages(ConversationAnswer):
    messages: list[MessageAnswer]


class ConversationPage(BaseModel):
    conversations: list[ConversationAnswer]
    next_cursor: str | None


class TotalsAnswer(BaseModel):
    requests: int
    failed: int
    exact: int
    bounded: int
    estimated: int
    unpriced: int
    tokens_input: int
    tokens_output: int
    tokens_cache_read: int
    tokens_cache_write: int
    tokens_reasoning: int
    web_searches: int
    cost: float | None


class ModelTotals(TotalsAnswer):
    model: str
    provider: str


class ProviderTotals(TotalsAnswer):
    provider: str
    connection: str


class DeviceTotals(TotalsAnswer):
    device_id: str | None
    name: str | None


class SourceTotals(TotalsAnswer):
    source: str


class StatusTotals(TotalsAnswer):
    status: str


class CostStatusTotals(TotalsAnswer):
    cost_status: str


class UsageSummaryAnswer(BaseModel):
    scope: Literal["overall", "device"]
    device_id: str | None
    since: str | None
    until: str | None
    totals: TotalsAnswer
    by_model: list[ModelTotals]
    by_provider: list[ProviderTotals]
    by_device: list[DeviceTotals]
    by_source: list[SourceTotals]
    by_status: list[StatusTotals]
    by_cost_status: list[CostStatusTotals]


class SeriesPart(TotalsAnswer):
    key: str | None
    name: str | None


class SeriesBucket(BaseModel):
    start: str
    totals: TotalsAnswer
    parts: list[SeriesPart]


class UsageSeriesAnswer(BaseModel):
    bucket: Literal["hour", "day", "month"]
    by: Literal["model", "provider", "device", "source"]
    since: str | None
    until: str | None
    time_zone: str
    buckets: list[SeriesBucket]


class UsageLogAnswer(BaseModel):
    id: str
    timestamp: str
    model: str
    provider: str
    connection: str
    target: str
    response_model: str | None
    device_id: str | None
    device_name: str | None
    source: Literal["web", "gateway", "cli"]
    conversation_id: str | None
    message_id: str | None
    operation_name: str
    status: Literal["complete", "cancelled", "error"]
    error_type: str | None
    cost: float | None
    cost_status: Literal["exact", "bounded", "estimated", "unpriced"]
    price_version: str | None
    service_tier: str | None
    budget_override: bool
    tokens_input: int | None
    tokens_output: int | None
    tokens_cache_read: int | None
    tokens_cache_write: int | None
    tokens_reasoning: int | None
    tokens_cache_write_1h: int | None
    tokens_input_audio: int | None
    tokens_output_audio: int | None
    tokens_input_image: int | None
    tokens_output_image: int | None
    web_searches: int | None
    time_to_first_chunk: float | None
    duration: float | None
    raw_usage: dict[str, Any] | None


class UsageLogPage(BaseModel):
    logs: list[UsageLogAnswer]
    next_cursor: str | None


class DeviceAnswer(BaseModel):
    id: str
    name: str
    created_at: str
    last_seen_at: str
    is_current: bool


class DeviceList(BaseModel):
    devices: list[DeviceAnswer]


class RatesAnswer(BaseModel):
    """Dollars per million tokens, thousand searches, thousand requests."""

    input: float | None
    output: float | None
    cache_read: float | None
    cache_write: float | None
    cache_write_1h: float | None
    input_audio: float | None
    output_audio: float | None
    input_image: float | None
    output_image: float | None
    cache_read_audio: float | None
    cache_read_image: float | None
    web_search: float | None
    request: float | None


class PriceTierAnswer(RatesAnswer):
    above: int


class PriceVariantAnswer(RatesAnswer):
    when: dict[str, str]
    tiers: list[PriceTierAnswer]


class PriceAnswer(RatesAnswer):
    source: Literal["live", "bundled", "configured"]
    version: str
    tiers: list[PriceTierAnswer]
    variants: list[PriceVariantAnswer]


class ModelAnswer(BaseModel):
    id: str
    label: str
    provider: str
    connection: str
    available: bool
    unavailable_reason: str | None
    context_window: int | None
    max_output_tokens: int | None
    supports_temperature: bool | None
    supports_vision: bool | None
    supports_tools: bool | None
    reasoning_levels: list[str] | None
    generates_images: bool
    is_demo: bool
    price: PriceAnswer | None
    sources: dict[str, str]


class CatalogConnection(BaseModel):
    name: str
    provider: str
    configured: bool
    list: Literal["live", "bundled", "configured"]
    listed_at: str | None
    error: str | None


class CatalogDefaults(BaseModel):
    chat: str | None
    image: str | None


class CatalogAnswer(BaseModel):
    defaults: CatalogDefaults
    connections: list[CatalogConnection]
    models: list[ModelAnswer]
    prices_version: str


class ImageAnswer(BaseModel):
    id: str
    url: str
    media_type: str
    model: str
    revised_prompt: str | None


class ImageGenerationAnswer(BaseModel):
    conversation_id: str
    user_message_id: str | None
    message: MessageAnswer
    image: ImageAnswer | None
    """None where it was stopped before it was there."""


class ListedImage(BaseModel):
    id: str
    url: str
    media_type: str
    model: str
    prompt: str
    conversation_id: str | None
    message_id: str | None
    cost: float | None
    cost_status: Literal["exact", "bounded", "estimated", "unpriced"] | None
    created_at: str


class ImagePage(BaseModel):
    images: list[ListedImage]
    next_cursor: str | None


class BudgetStatusAnswer(BaseModel):
    subject: str | None
    spent: float
    reserved: float
    unpriced: int
    resets_at: str


class BudgetAnswer(BaseModel):
    id: str
    period: Literal["day", "month"]
    scope: Literal["overall", "device", "model"]
    subject: str | None
    limit: float
    status: list[BudgetStatusAnswer]


class BudgetList(BaseModel):
    budgets: list[BudgetAnswer]


class HealthDatabase(BaseModel):
    writable: bool
    path: str
    reason: str | None = None


class HealthProvider(BaseModel):
    name: str
    provider: str
    configured: bool
    detail: str | None = None


class HealthAnswer(BaseModel):
    status: Literal["ok", "degraded"]
    version: str
    database: HealthDatabase
    providers: list[HealthProvider]
