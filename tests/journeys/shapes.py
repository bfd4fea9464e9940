"""Which shape of `web/api/schemas.py` each route's answer has: as `/openapi.json` says, so shall it be."""

import re
from typing import Any

from pydantic import BaseModel

from llm_router.web.api import estimate, schemas

_SHAPES: tuple[tuple[str, str, dict[int, type[BaseModel]]], ...] = (
    ("GET", r"/health", {200: schemas.HealthAnswer, 503: schemas.HealthAnswer}),
    ("POST", r"/api/chat/submit", {200: schemas.MessageAnswer, 202: schemas.SubmissionAnswer}),
    ("POST", r"/api/chat/estimate", {200: estimate.EstimateAnswer}),
    ("GET", r"/api/messages/[^/]+", {200: schemas.MessageAnswer}),
    ("POST", r"/api/messages/[^/]+/stop", {200: schemas.MessageAnswer}),
    ("POST", r"/api/messages/[^/]+/retry", {202: schemas.SubmissionAnswer}),
    ("GET", r"/api/conversations", {200: schemas.ConversationPage}),
    ("POST", r"/api/conversations", {201: schemas.ConversationWithMessages}),
    ("GET", r"/api/conversations/[^/]+", {200: schemas.ConversationWithMessages}),
    ("PATCH", r"/api/conversations/[^/]+", {200: schemas.ConversationAnswer}),
    ("POST", r"/api/conversations/[^/]+/clone", {201: schemas.ConversationWithMessages}),
    ("POST", r"/api/conversations/[^/]+/system", {200: schemas.ConversationAnswer}),
    ("GET", r"/api/usage/summary", {200: schemas.UsageSummaryAnswer}),
    ("GET", r"/api/usage/series", {200: schemas.UsageSeriesAnswer}),
    ("GET", r"/api/usage/logs", {200: schemas.UsageLogPage}),
    ("GET", r"/api/devices", {200: schemas.DeviceList}),
    ("PATCH", r"/api/devices/[^/]+", {200: schemas.DeviceAnswer}),
    ("GET", r"/api/usage/models", {200: schemas.CatalogAnswer}),
    ("GET", r"/api/images", {200: schemas.ImagePage}),
    ("GET", r"/api/budgets", {200: schemas.BudgetList}),
    ("POST", r"/api/budgets", {201: schemas.BudgetAnswer}),
    ("POST", r"/api/images/generate", {200: schemas.ImageGenerationAnswer, 202: schemas.SubmissionAnswer}),
)


def check_shape(method: str, path: str, status: int, body: Any) -> None:
    """Fails where an answer has another status than its route declares, or a field too many, too few or too odd."""
    place = path.partition("?")[0]
    shapes = next((found for verb, route, found in _SHAPES if verb == method and re.fullmatch(route, place)), {})
    shape = shapes.get(status) or (schemas.ErrorAnswer if status >= 400 else None)
    if shape is None:
        assert place == "/openapi.json", f"{method} {path} answered {status}, which is not in the book: {body}"
        return
    assert shape.model_validate(body).model_dump(exclude_unset=True) == body
