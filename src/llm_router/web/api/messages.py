"""One message: fetch, follow, stop, ask again."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from llm_router.domain.errors import InvalidRequest
from llm_router.web.answers import json_answer
from llm_router.web.api.chat import IdempotencyKey, answer_options, stream_answer
from llm_router.web.api.schemas import AnswerBody, MessageAnswer, SubmissionAnswer
from llm_router.web.deps import CallerDep, ServicesDep

router = APIRouter(prefix="/api/messages", tags=["messages"])


@router.get("/{message_id}", response_model=MessageAnswer)
async def get(message_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    message = await services.generations.stored(caller.user_id, message_id)
    return json_answer(message.as_dict())


@router.get(
    "/{message_id}/stream",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}, 204: {"description": "nothing to come"}},
)
async def stream(
    message_id: str,
    services: ServicesDep,
    caller: CallerDep,
    last_event_id: Annotated[str | None, Header(max_length=32)] = None,
    after: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Every event behind `Last-Event-ID` (or `after`), once and in order, whenever it is asked for."""
    return await stream_answer(services, caller.user_id, message_id, _seq(last_event_id, after))


@router.post("/{message_id}/stop", response_model=MessageAnswer)
async def stop(message_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    """Ends the answer and keeps what was said. One that has ended is returned as it is."""
    message = await services.generations.stop(caller.user_id, message_id)
    return json_answer(message.as_dict())


@router.post("/{message_id}/retry", status_code=202, response_model=SubmissionAnswer)
async def retry(
    message_id: str,
    services: ServicesDep,
    caller: CallerDep,
    body: AnswerBody | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Starts another answer beside this one, or a first answer to a prompt."""
    body = body or AnswerBody()
    submission = await services.chat.retry(
        caller, message_id, answer_options(body), idempotency_key, budget_override=body.budget_override
    )
    return json_answer(asdict(submission), 202, {"Location": f"/api/messages/{submission.message_id}"})


def _seq(last_event_id: str | None, after: int) -> int:
    """A browser's own `EventSource` resumes with an empty header where it has seen no id."""
    if not last_event_id:
        return after
    if not (last_event_id.isascii() and last_event_id.isdigit()):
        raise InvalidRequest("Last-Event-ID has to be the id of an event of this stream: a whole number.")
    return int(last_event_id)
