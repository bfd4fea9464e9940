"""Images: made on request, served from their files."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import FileResponse, Response

from llm_router.domain.errors import NotFound
from llm_router.domain.messages import ImagePart, text_of
from llm_router.services.images import ImagePrompt
from llm_router.web.answers import json_answer
from llm_router.web.api.chat import MAX_WAIT_SECONDS, IdempotencyKey
from llm_router.web.api.schemas import ImageBody, ImageGenerationAnswer, ImagePage, SubmissionAnswer
from llm_router.web.deps import CallerDep, ServicesDep
from llm_router.web.errors import stored_error_response

router = APIRouter(prefix="/api/images", tags=["images"])


@router.get("", response_model=ImagePage)
async def index(
    services: ServicesDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """All that were made here and are still there, newest first."""
    page, next_cursor = await services.images.page(caller.user_id, limit=limit, cursor=cursor or None)
    return json_answer({"images": [image.as_dict() for image in page], "next_cursor": next_cursor})


@router.post("/generate", response_model=ImageGenerationAnswer, responses={202: {"model": SubmissionAnswer}})
async def generate(
    body: ImageBody,
    services: ServicesDep,
    caller: CallerDep,
    idempotency_key: IdempotencyKey = None,
    prefer: Annotated[str | None, Header()] = None,
) -> Response:
    """Waits for the image; with `Prefer: respond-async` (RFC 7240, section 4.1) only until the prompt is taken.

    Whoever leaves finds it in its conversation all the same; one that is stopped has none.
    """
    parent_id = body.parent_id if "parent_id" in body.model_fields_set else "leaf"
    prompt = ImagePrompt(body.prompt, body.model, body.size, body.quality, body.conversation_id, parent_id)
    submission = await services.images.submit(caller, prompt, idempotency_key, budget_override=body.budget_override)
    if prefer is not None and "respond-async" in prefer.lower():
        return json_answer(asdict(submission), 202, {"Location": f"/api/messages/{submission.message_id}"})
    await services.generations.wait(submission.message_id, MAX_WAIT_SECONDS)
    message = await services.generations.stored(caller.user_id, submission.message_id)
    ids = {"conversation_id": message.conversation_id, "user_message_id": message.parent_id}
    if not message.is_finished:
        return json_answer({**ids, "message_id": message.id, "status": message.status}, 202)
    image = next((part for part in message.parts if isinstance(part, ImagePart)), None)
    if image is None and message.error is not None:
        # Interrupted or refused: the message says which, and is kept.
        return stored_error_response(message.error, {**ids, "message_id": message.id})
    shown = image and {
        "id": image.image_id,
        "url": f"/api/images/{image.image_id}",
        "media_type": image.media_type,
        "model": message.model,
        "revised_prompt": text_of(message.parts) or None,
    }
    return json_answer({**ids, "message": message.as_dict(), "image": shown})


@router.get("/{image_id}", response_class=Response)
async def get(image_id: str, services: ServicesDep, caller: CallerDep) -> Response:
    image, path = await services.images.file(caller.user_id, image_id)
    if not path.is_file():
        raise NotFound("The file of that image is gone.")
    # An id names one image for ever.
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return FileResponse(path, media_type=image.media_type, headers=headers)
