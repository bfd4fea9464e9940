"""Which models there are, what they can do and cost, and where a prompt that names one goes.

Three sources meet here: each provider's own list, fetched in the background and kept; the owner's configuration;
and the bundled snapshot, which fills what the others leave open. Resolving a name touches no network.
Knows no SQL and no dialect, opens no connection of its own, and never holds a prompt back.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, Self, get_args

from llm_router.domain.catalog import FactSource, ModelInfo, ModelPrice, catalog_id
from llm_router.domain.chat import ProviderName, ReasoningLevel, Target
from llm_router.domain.errors import InvalidRequest, NoRoute, RouterError, UnknownModel, redact
from llm_router.domain.pricing import CONFIGURED, LIVE, PriceEntry
from llm_router.providers.base import ListedModel, Provider
from llm_router.providers.local import LISTED as LISTED_LOCAL
from llm_router.services.prices import ConnectionPrices, vendor_of
from llm_router.services.snapshot import BundledModel, ModelFacts, Snapshot, Vendor
from llm_router.settings import ConnectionSettings
from llm_router.wire.anthropic_messages import default_max_tokens

log = logging.getLogger(__name__)

LOCAL = "local"

# Lists name all that is served and seldom say what it is for, so the name must tell. A word counts where it stands
# between dashes, dots or the ends: `text-embedding-3-small`, `gpt-4o-mini-tts`, `BAAI/bge-m3`.
_NOT_CHAT = re.compile(
    r"""(?xi) (?: ^ | [-.:/_] )
    (?: embed | embeddings? | bge | rerank | reranker | moderation | ocr
      | whisper | tts | transcribe | transcription )
    (?: $ | [-.:/_] )"""
)
# OpenAI's names everything it has ever served; elsewhere `instruct` is what chats.
_NOT_OPENAI_CHAT = re.compile(
    r"""(?x) (?: ^ | [-.:] )
    (?: similarity | edit | instruct | ada | babbage | curie | davinci
      | translate | audio | realtime | live | sora | computer-use )
    (?: $ | [-.:] )"""
)
_IMAGE = re.compile(r"(?:^|[-.:])(?:image|dall-e)(?:$|[-.:])")

# Names that say whose they are, for aliases that no list holds (`claude-opus-4-5`, `gpt-5-chat-latest`).
PREFIXES: tuple[tuple[str, str], ...] = (
    ("claude", "anthropic"),
    *((prefix, "openai") for prefix in ("gpt", "chatgpt", "o1", "o3", "o4", "codex", "dall-e")),
)

_PRICE_SOURCES: Mapping[str, FactSource] = {LIVE: "live", CONFIGURED: "configured"}
"""By `PriceEntry.version`."""

ListStatus = Literal["live", "bundled", "configured"]


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One connection, and where the list of its models came from."""

    name: str
    provider: ProviderName
    is_configured: bool
    """Whether prompts can be sent there."""
    list: ListStatus
    listed_at: datetime | None = None
    """When the provider's own list last came."""
    error: str | None = None
    """Why the list is not fresh, or why nothing can be sent."""


@dataclass(frozen=True, slots=True)
class CatalogDefaults:
    """Catalog ids; None where nothing serves the purpose."""

    chat: str | None
    image: str | None


@dataclass(frozen=True, slots=True)
class CatalogView:
    """Everything at one moment."""

    models: tuple[ModelInfo, ...]
    connections: tuple[ConnectionStatus, ...]
    defaults: CatalogDefaults
    prices_version: str


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    info: ModelInfo
    target: Target


class _Connection:
    """What is known of one connection: its settings, and the last copy of its list."""

    def __init__(
        self,
        settings: ConnectionSettings,
        vendor: Vendor | None,
        configured_prices: Mapping[str, ModelPrice],
        why_unusable: str | None,
    ) -> None:
        self.name = settings.name
        self.provider: ProviderName = settings.provider
        self.configured_models = settings.models
        self.vendor = vendor
        self.prices = ConnectionPrices(settings, vendor, configured_prices)
        self.why_unusable = why_unusable
        self.listed: dict[str, ListedModel] | None = None
        """The provider's own list by name, in its order, as it last came."""
        self.listed_at: datetime | None = None
        self.error: str | None = None
        self.due_at = float("-inf")
        """When the list is to be fetched again, by the catalog's clock."""

    @property
    def status(self) -> ConnectionStatus:
        kind: ListStatus = "configured" if self.configured_models else "live" if self.listed is not None else "bundled"
        error = self.why_unusable or self.error
        return ConnectionStatus(self.name, self.provider, self.why_unusable is None, kind, self.listed_at, error)

    def take(self, listed: Iterable[ListedModel], moment: datetime) -> None:
        """Takes over a list that came."""
        self.listed = {model.model: model for model in listed}
        self.listed_at = moment
        self.prices.live = {name: model.price for name, model in self.listed.items() if model.price}
        self.error = None

    def offered(self) -> list[ListedModel]:
        """The models to show, by the best list there is."""
        if self.configured_models:
            return [ListedModel(name) for name in self.configured_models]
        if self.listed is not None:
            return [listed for model, listed in self.listed.items() if self._is_offered(model)]
        if self.provider == LOCAL:
            return [LISTED_LOCAL]
        bundled = self.vendor.models if self.vendor else ()
        return [ListedModel(row.id) for row in bundled if row.is_offered and self._is_offered(row.id)]

    def bundled(self, model: str) -> BundledModel | None:
        return self.vendor.find(model) if self.vendor else None

    def describe(self, listed: ListedModel, listed_by: FactSource, moment: datetime) -> ModelInfo:
        """The catalog's row: what the live list says, then what the snapshot knows."""
        model = listed.model
        bundled = self.bundled(model)
        facts = self.vendor.facts(model) if self.vendor else ModelFacts()
        makes_images = facts.generates_images or (self.provider == "openai" and _IMAGE.search(model) is not None)
        window = listed.context_window or (bundled.context_window if bundled else None)
        longest = listed.max_output_tokens or facts.max_output_tokens
        price = self.prices.price(model, moment)
        # A label of the family would stand on each of its dated names: only its own name gets it.
        label = listed.label or (bundled.label if bundled and bundled.id == model else None) or model

        sources: dict[str, FactSource] = {"listed": listed_by}
        if window:
            sources["context_window"] = "live" if listed.context_window else "bundled"
        if longest:
            sources["max_output_tokens"] = "live" if listed.max_output_tokens else "bundled"
        if price:
            sources["price"] = _PRICE_SOURCES.get(price.version, "bundled")
        for name in ("supports_temperature", "supports_vision", "supports_tools", "reasoning_levels"):
            if getattr(facts, name) is not None:
                sources[name] = "bundled"
        if self.provider == "openai":
            sources["generates_images"] = "bundled" if facts.generates_images else "assumed"
        return ModelInfo(
            id=catalog_id(self.name, model),
            target=Target(self.name, self.provider, model),
            label=label,
            available=self.why_unusable is None,
            unavailable_reason=self.why_unusable,
            context_window=window,
            max_output_tokens=longest,
            default_max_tokens=default_max_tokens(model) if self.provider == "anthropic" else None,
            supports_temperature=facts.supports_temperature,
            supports_vision=facts.supports_vision,
            supports_tools=facts.supports_tools,
            reasoning_levels=facts.reasoning_levels,
            generates_images=makes_images,
            is_demo=self.provider == LOCAL,
            price=price,
            sources=sources,
        )

    def _is_offered(self, model: str) -> bool:
        """Whether it answers prompts, as far as its name and the snapshot tell."""
        if _NOT_CHAT.search(model) or (self.provider == "openai" and _NOT_OPENAI_CHAT.search(model)):
            return False
        bundled = self.bundled(model)
        return bundled is None or bundled.answers


class Catalog:
    """The catalog of one running server. Leaving its context ends the fetches that are under way."""

    def __init__(
        self,
        connections: Iterable[ConnectionSettings],
        providers: Mapping[str, Provider],
        snapshot: Snapshot,
        *,
        configured_prices: Mapping[str, ModelPrice] | None = None,
        local_unavailable_reason: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(tz=UTC),
        ttl_seconds: float = 3600.0,
        retry_seconds: float = 60.0,
        timeout_seconds: float = 5.0,
    ) -> None:
        """`providers` by connection name, of usable connections only; `local` is the embedded model's.

        `configured_prices` are the owner's own, by catalog id or bare name of a model.
        `clock` counts seconds and says when a list is stale; `now` is the UTC time, which prices depend on.
        """
        self._snapshot = snapshot
        self._providers = providers
        self._clock = clock
        self._now = now
        self._ttl_seconds = ttl_seconds
        self._retry_seconds = retry_seconds
        self._timeout_seconds = timeout_seconds
        prices = configured_prices or {}
        self._connections = {
            settings.name: _Connection(settings, vendor_of(settings, snapshot), prices, _why_unusable(settings))
            for settings in connections
        }
        if LOCAL in providers or local_unavailable_reason is not None:
            settings = ConnectionSettings(name=LOCAL, provider="local", base_url="")
            self._connections[LOCAL] = _Connection(settings, None, prices, local_unavailable_reason)
        self._refresh: asyncio.Task[None] | None = None
        self._see()

    async def __aenter__(self) -> Self:
        """Begins to fetch the lists, and does not wait for them."""
        self._begin_refresh()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
            await self.refreshed()

    @property
    def connections(self) -> tuple[ConnectionStatus, ...]:
        """Each connection as it is known now, without asking anyone."""
        return self._view.connections

    async def models(self) -> CatalogView:
        """The catalog as it is known now. Stale lists are fetched behind it; only the very first are waited for."""
        self._begin_refresh()
        await self.warm()
        if self._clock() - self._seen_at >= self._ttl_seconds:
            self._see()  # prices change with the day, also where no list is fetched
        return self._view

    async def warm(self) -> None:
        """Waits, for one timeout at most, until every list has been asked for once. Returns at once ever after.

        To be awaited before the first `resolve`, so that it knows the models of servers that only a list tells of.
        """
        if self._never_asked():
            self._begin_refresh()
            await self.refreshed()

    async def refreshed(self) -> None:
        """Waits for the fetch that is under way, if there is one; it ends by itself within the timeout."""
        if self._refresh is not None:
            await asyncio.wait({self._refresh})

    def resolve(self, model: str | None) -> ResolvedModel:
        """Where a prompt for `model` goes; None asks for the default. Raises UnknownModel or NoRoute.

        In this order: an id of the catalog; `connection/model`, listed or not; a bare name that one connection
        lists; a bare name that says whose it is.
        """
        info = self.find(model)
        if not info.available:
            raise NoRoute(
                f"{info.id} cannot be asked: {info.unavailable_reason}",
                details={"model": info.id, "connection": info.target.connection},
            )
        return ResolvedModel(info, info.target)

    def find(self, model: str | None) -> ModelInfo:
        """The model that `resolve` would choose, though it cannot be asked now. Raises UnknownModel, and NoRoute where
        there is no default.
        """
        return self._find(model or self._default_chat())

    def price_for(
        self, target: Target, response_model: str | None = None, at: datetime | None = None
    ) -> PriceEntry | None:
        """What the model that answered costs (see `ConnectionPrices.price_for`); None where no price is known.

        `at` is the moment that counts; now, where it is not given.
        """
        connection = self._connections.get(target.connection)
        if connection is None:
            return None
        return connection.prices.price_for(target.model, response_model, at or self._now())

    @staticmethod
    def validate(info: ModelInfo, *, temperature: float | None = None, reasoning: str | None = None) -> None:
        """Raises InvalidRequest where the model is known not to take what is asked, and says what it takes."""
        if info.generates_images:
            raise InvalidRequest(f"{info.id} makes images and does not chat: ask POST /api/images/generate for one")
        if temperature is not None:
            highest = 1 if info.provider == "anthropic" else 2
            if info.supports_temperature is False:
                raise InvalidRequest(f"{info.id} takes no temperature: leave it out")
            if not 0 <= temperature <= highest:
                raise InvalidRequest(f"temperature must be from 0 to {highest} for {info.id}, not {temperature:g}")
        if reasoning is not None:
            known: tuple[str, ...] = get_args(ReasoningLevel)
            levels = known if info.reasoning_levels is None else info.reasoning_levels
            if not levels:
                raise InvalidRequest(f"{info.id} does not reason: leave the reasoning level out")
            if reasoning not in levels:
                raise InvalidRequest(f"reasoning must be one of {', '.join(levels)} for {info.id}, not {reasoning!r}")

    # Names

    def _default_chat(self) -> str:
        default = self._view.defaults.chat
        if default is None:
            reasons = [status.error for status in self._view.connections if status.error]
            hint = "; ".join(dict.fromkeys(reasons)) or "no connection is configured"
            raise NoRoute(f"no model can be asked: {hint}", details={"connections": list(self._connections)})
        return default

    def _find(self, model: str) -> ModelInfo:
        by_id = self._by_id.get(model)
        if by_id is not None and by_id.available:
            return by_id
        name, slash, rest = model.partition("/")
        if by_id is None and slash and rest and name in self._connections:
            return self._unlisted(name, rest)
        listing = self._by_name.get(model, [])
        reachable = [info for info in listing if info.available]
        if len(reachable) == 1 or (by_id is None and len(listing) == 1):
            return reachable[0] if reachable else listing[0]
        if by_id is not None:
            return by_id
        if len(listing) > 1:
            ids = ", ".join(info.id for info in listing)
            raise UnknownModel(f"{model} is offered by several connections: name one of {ids}")
        owner = next((owner for prefix, owner in PREFIXES if model.startswith(prefix)), None)
        if owner in self._connections and not slash:
            return self._unlisted(owner, model)
        raise self._unknown(model)

    def _unlisted(self, connection: str, model: str) -> ModelInfo:
        """A model that was named and is on no list; its provider has the last word."""
        known = self._by_id.get(catalog_id(connection, model))
        return known or self._connections[connection].describe(ListedModel(model), "assumed", self._now())

    def _unknown(self, model: str) -> UnknownModel:
        import difflib  # seldom needed, and a fifth of a megabyte

        name = redact(model[:100])
        near = difflib.get_close_matches(name, list(self._by_id), n=3)
        if not near:
            near = [
                info.id
                for close in difflib.get_close_matches(name, list(self._by_name), n=3)
                for info in self._by_name[close]
            ][:3]
        hint = f": did you mean {', '.join(near)}?" if near else "; GET /api/usage/models lists those there are"
        return UnknownModel(f"no model is called {name}{hint}", details={"suggestions": near})

    # Lists

    def _never_asked(self) -> bool:
        return any(connection.due_at == float("-inf") for connection in self._fetchable())

    def _fetchable(self) -> list[_Connection]:
        return [connection for connection in self._connections.values() if self._is_fetchable(connection)]

    def _is_fetchable(self, connection: _Connection) -> bool:
        return (
            connection.why_unusable is None
            and connection.configured_models is None
            and connection.name in self._providers
        )

    def _begin_refresh(self) -> None:
        """One at a time: who comes while it runs shares it."""
        if self._refresh is not None and not self._refresh.done():
            return
        now = self._clock()
        due = [connection for connection in self._fetchable() if connection.due_at <= now]
        if due:
            self._refresh = asyncio.create_task(self._fetch_all(due), name="catalog refresh")

    async def _fetch_all(self, due: list[_Connection]) -> None:
        async with asyncio.TaskGroup() as group:
            for connection in due:
                group.create_task(self._fetch(connection))

    async def _fetch(self, connection: _Connection) -> None:
        """Takes over one list; a failure keeps the copy there is, says so, and is tried again before long."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                listed = await self._providers[connection.name].list_models()
        except RouterError as error:
            connection.error = f"its list of models could not be fetched: {error.message}"
        except TimeoutError:
            connection.error = f"its list of models did not come within {self._timeout_seconds:g} s"
        except Exception:
            log.exception("listing the models of %s failed", connection.name)
            connection.error = "its list of models could not be read"
        else:
            connection.take(listed, self._now())
        is_fresh = connection.error is None
        connection.due_at = self._clock() + (self._ttl_seconds if is_fresh else self._retry_seconds)
        self._see()

    # The view

    def _see(self) -> None:
        """Makes the view anew, whole, so that readers never see half of one."""
        moment, self._seen_at = self._now(), self._clock()
        models: list[ModelInfo] = []
        for connection in self._connections.values():
            offered = connection.offered()
            if connection.provider == "openai":
                offered.sort(key=lambda listed: listed.model)  # its list has no order
            models.extend(connection.describe(listed, connection.status.list, moment) for listed in offered)
        self._by_id = {info.id: info for info in models}
        self._by_name: dict[str, list[ModelInfo]] = {}
        for info in models:
            self._by_name.setdefault(info.target.model, []).append(info)
        self._view = CatalogView(
            models=tuple(models),
            connections=tuple(connection.status for connection in self._connections.values()),
            defaults=CatalogDefaults(chat=self._choose("chat", models), image=self._choose("image", models)),
            prices_version=self._snapshot.version,
        )

    def _choose(self, purpose: Literal["chat", "image"], models: list[ModelInfo]) -> str | None:
        """A preferred one, else the first there is; the embedded model only where there is nothing else."""
        fit = [info for info in models if info.available and info.generates_images == (purpose == "image")]
        ids = [info.id for info in fit if not info.is_demo] + [info.id for info in fit if info.is_demo]
        preferred = (model for model in self._snapshot.preferred[purpose] if model in ids)
        return next(preferred, ids[0] if ids else None)


def _why_unusable(settings: ConnectionSettings) -> str | None:
    if settings.is_usable:
        return None
    return f"no key for {settings.name}: set {settings.api_key_env} in .env and restart"
