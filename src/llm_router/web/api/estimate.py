"""What the next prompt would cost, asked before it is sent."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from llm_router.services.estimates import Question
from llm_router.web.answers import json_answer
from llm_router.web.api.schemas import Body, Id, Level, MessageText, ModelName, SystemText, TokenLimit
from llm_router.web.deps import CallerDep, ServicesDep

router = APIRouter(prefix="/api/chat", tags=["chat"])

MAX_MODELS = 20


class EstimateBody(Body):
    message: MessageText
    models: Annotated[list[ModelName], Field(min_length=1, max_length=MAX_MODELS)] | None = None
    """Left out: the model the prompt would go to."""
    conversation_id: Id | None = None
    parent_id: Id | None = None
    """Left out: the conversation's active leaf. null: a new root."""
    system_text: SystemText | None = None
    reasoning: Level | None = None
    max_tokens: TokenLimit | None = None


class CountAnswer(BaseModel):
    likely: int
    low: int
    high: int


class OutputAnswer(BaseModel):
    likely: int
    high: int


class MoneyAnswer(BaseModel):
    likely: float
    low: float
    high: float


class ModelEstimateAnswer(BaseModel):
    model: str
    available: bool
    context_window: int | None
    fits: bool | None
    basis: Literal["counted", "reported"]
    tokens_input: int
    tokens_cache_read: int
    tokens_output: OutputAnswer
    cost: MoneyAnswer | None
    cost_input: MoneyAnswer | None
    price_version: str | None
    reason: str | None = None


class RemainingAnswer(BaseModel):
    budget_id: str
    remaining: float


class EstimateAnswer(BaseModel):
    tokens_input: CountAnswer
    basis: Literal["counted", "reported"]
    models: list[ModelEstimateAnswer]
    budgets: list[RemainingAnswer]


@router.post("/estimate", response_model=EstimateAnswer)
async def estimate(body: EstimateBody, services: ServicesDep, caller: CallerDep) -> Response:
    """Sends nothing to anyone. Tokens and cost come as a likely value between bounds."""
    question = Question(
        text=body.message,
        models=tuple(dict.fromkeys(body.models or ())),
        conversation_id=body.conversation_id,
        parent_id=body.parent_id if "parent_id" in body.model_fields_set else "leaf",
        system_text=body.system_text,
        reasoning=body.reasoning,
        max_tokens=body.max_tokens,
    )
    return json_answer((await services.estimates.estimate(caller, question)).as_dict())
