"""What changed for the owner, as a stream: keeps the pages of all devices in step."""

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from llm_router.web.deps import CallerDep, ServicesDep
from llm_router.web.event_stream import event_stream_response

router = APIRouter(prefix="/api/events", tags=["events"])


@router.get(
    "",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "what changed, as it does"}},
)
async def stream(
    services: ServicesDep, caller: CallerDep, last_event_id: Annotated[str | None, Header(max_length=32)] = None
) -> Response:
    """Every change behind `Last-Event-ID`. Without an id that is known here it begins with `reset`: fetch anew."""
    events = services.changes.read(caller.user_id, _seq(last_event_id))
    return event_stream_response(events, closing=services.closing)


def _seq(last_event_id: str | None) -> int | None:
    """Whatever is no number of ours is answered by `reset`, as an old number is."""
    return int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdigit() else None
