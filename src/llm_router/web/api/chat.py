"""A prompt in: streamed at once, or taken and answered in the background."""

import re
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header
from starlette.responses import Response

from llm_router.domain.errors import InvalidRequest
from llm_router.services.chat import AnswerOptions, Prompt
from llm_router.web.answers import json_answer
from llm_router.web.api.schemas import AnswerBody, ChatBody, MessageAnswer, SubmissionAnswer
from llm_router.web.deps import CallerDep, Services, ServicesDep
from llm_router.web.event_stream import event_stream_response

router = APIRouter(prefix="/api/chat", tags=["chat"])

MAX_WAIT_SECONDS = 300

_EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "the events of the answer"}
}

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=128)]
"""A retried request under the same key names the first answer, and is not paid twice."""


@router.post("/stream", responses=_EVENT_STREAM, response_class=Response)
async def stream(
    body: ChatBody, services: ServicesDep, caller: CallerDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Takes a prompt and streams its answer. Leaving the stream does not stop it."""
    submission = await services.chat.submit(
        caller, _prompt(body), idempotency_key, budget_override=body.budget_override
    )
    return await stream_answer(services, caller.user_id, submission.message_id, after=0)


@router.post("/submit", status_code=202, response_model=SubmissionAnswer, responses={200: {"model": MessageAnswer}})
async def submit(
    body: ChatBody,
    services: ServicesDep,
    caller: CallerDep,
    idempotency_key: IdempotencyKey = None,
    prefer: Annotated[str | None, Header()] = None,
) -> Response:
    """Takes a prompt and answers at once; with `Prefer: wait=N` with the finished message, if N seconds suffice."""
    seconds = _wait_seconds(prefer)  # before the prompt is taken: who is refused has changed nothing
    submission = await services.chat.submit(
        caller, _prompt(body), idempotency_key, budget_override=body.budget_override
    )
    headers = {"Location": f"/api/messages/{submission.message_id}"}
    if seconds is not None and await services.generations.wait(submission.message_id, seconds):
        message = await services.generations.stored(caller.user_id, submission.message_id)
        if message.is_finished:
            return json_answer(message.as_dict(), 200, headers | {"Preference-Applied": f"wait={seconds}"})
    return json_answer(asdict(submission), 202, headers)


async def stream_answer(services: Services, user_id: str, message_id: str, after: int) -> Response:
    """The events of an answer behind `after`; 204, which ends an `EventSource`, where there are none to come."""
    events = await services.generations.attach(user_id, message_id, after)
    if events is None:
        return Response(status_code=204)
    return event_stream_response(events, closing=services.closing)


def answer_options(body: AnswerBody) -> AnswerOptions:
    return AnswerOptions(body.model, body.temperature, body.reasoning, body.max_tokens)


def _prompt(body: ChatBody) -> Prompt:
    return Prompt(
        text=body.message,
        conversation_id=body.conversation_id,
        parent_id=body.parent_id if "parent_id" in body.model_fields_set else "leaf",
        system_text=body.system_text,
        options=answer_options(body),
    )


def _wait_seconds(prefer: str | None) -> int | None:
    """`Prefer: wait=N` (RFC 7240, section 4.3). Other preferences are none of ours."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(-?[\w.]+)", prefer or "", re.IGNORECASE)
    if found is None:
        return None
    digits = found.group(1)
    if not digits.isascii() or not digits.isdigit():
        raise InvalidRequest("Prefer: wait takes a whole number of seconds, such as `Prefer: wait=30`.")
    # Python refuses to read a number of thousands of digits, and a header has room for one.
    return min(int(digits[:9]), MAX_WAIT_SECONDS)
