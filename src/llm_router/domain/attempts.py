"""One upstream call and what came of it: the value behind a row of `usage_logs`."""

from dataclasses import dataclass
from typing import Literal

from llm_router.domain.chat import Target
from llm_router.domain.usage import Cost, Usage

AttemptStatus = Literal["complete", "cancelled", "error"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Priced and recorded once, whether it succeeded or not."""

    id: str
    target: Target
    status: AttemptStatus
    usage: Usage
    cost: Cost
    started_at: int
    """Milliseconds since 1970."""
    duration: float | None
    """Seconds."""
    time_to_first_chunk: float | None = None
    response_model: str | None = None
    error_type: str | None = None
