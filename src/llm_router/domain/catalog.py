"""Facts about models: what they can do, what they cost, and where each fact came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from llm_router.domain.chat import ProviderName, Target
from llm_router.domain.pricing import ModelPrice as ModelPrice
from llm_router.domain.pricing import PriceEntry

FactSource = Literal["live", "bundled", "configured", "assumed"]
"""`live`: the provider's own model list. `bundled`: the snapshot shipped with this version.
`configured`: the owner's configuration file. `assumed`: nothing better is known."""


def catalog_id(connection: str, model: str) -> str:
    """What a request names: the bare model at `openai` and `anthropic`, `connection/model` elsewhere."""
    return model if connection in ("openai", "anthropic") else f"{connection}/{model}"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One row of the catalog. Capabilities are None where unknown."""

    id: str
    """See `catalog_id`."""
    target: Target
    label: str
    available: bool
    unavailable_reason: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    default_max_tokens: int | None = None
    """The limit that is sent with a request that has none of its own. None where none is sent."""
    supports_temperature: bool | None = None
    supports_vision: bool | None = None
    supports_tools: bool | None = None
    reasoning_levels: tuple[str, ...] | None = None
    """Levels that may be asked for; empty where the model cannot reason, None where unknown."""
    generates_images: bool = False
    is_demo: bool = False
    """The embedded model: good enough to try the house, not to live in it."""
    price: PriceEntry | None = None
    sources: Mapping[str, FactSource] = field(default_factory=dict)
    """By fact (`listed`, `context_window`, `price`, …): where it came from."""

    @property
    def provider(self) -> ProviderName:
        return self.target.provider
