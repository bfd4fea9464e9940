"""The shapes of the API: what bodies must look like, and what answers look like in `/openapi.json`.

Answers are written from domain values directly; a test holds them to these shapes.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

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


class AnswerBody(BaseModel):
    """How an answer is to be made; what is left out is left to the conversation and the provider."""

    model: ModelName | None = None
    temperature: Temperature | None = None
    reasoning: Level | None = None
    max_tokens: TokenLimit | None = None


class ChatBody(AnswerBody):
    message: MessageText
    conversation_id: Id | None = None
    parent_id: Id | None = None
    """Left out: the conversation's active leaf. null: a new root."""
    system_text: SystemText | None = None


class ConversationBody(BaseModel):
    title: Title | None = None
    model: ModelName | None = None
    system_prompt: SystemText | None = None


class ConversationChanges(BaseModel):
    title: Title | None = None
    model: ModelName | None = None
    active_leaf_id: Id | None = None


class CloneBody(BaseModel):
    message_id: Id | None = None


class SystemBody(BaseModel):
    system_text: SystemText


class ImageBody(BaseModel):
    prompt: Annotated[str, Field(min_length=1, max_length=32_000, strict=True), AfterValidator(_has_words)]
    model: ModelName | None = None
    size: Annotated[str, Field(pattern=r"^(auto|\d{2,4}x\d{2,4})$", strict=True)] | None = None
    quality: Annotated[str, Field(pattern=r"^[a-z]{1,16}$", strict=True)] | None = None
    conversation_id: Id | None = None


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
    unpriced: int
    estimated: int
    tokens_input: int
    tokens_output: int
    tokens_cache_read: int
    tokens_cache_write: int
    tokens_reasoning: int
    cost: float | None


class ModelTotals(TotalsAnswer):
    model: str
    provider: str


class UsageSummaryAnswer(BaseModel):
    scope: Literal["overall", "device"]
    device_id: str | None
    totals: TotalsAnswer
    by_model: list[ModelTotals]


class PriceAnswer(BaseModel):
    input: float | None
    output: float | None
    cache_read: float | None
    cache_write: float | None


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
    image: ImageAnswer


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
