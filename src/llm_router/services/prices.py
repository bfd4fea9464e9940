"""What the models of each connection cost: by the owner's own word, by the provider's list, by the bundled one.

The one place where these meet, for the running server and, without any network, for the command line.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from llm_router.domain.catalog import catalog_id
from llm_router.domain.chat import Target
from llm_router.domain.model_names import is_release_of
from llm_router.domain.pricing import CONFIGURED, FREE, LIVE, ModelPrice, PriceEntry
from llm_router.services.snapshot import Snapshot, Vendor, load_snapshot
from llm_router.settings import ConnectionSettings, Settings


class PriceAt(Protocol):
    def __call__(
        self, target: Target, response_model: str | None = None, at: datetime | None = None
    ) -> PriceEntry | None:
        """The price of what answered at a moment, now where none is given; None where none is known."""
        ...


class ConnectionPrices:
    """The prices of one connection."""

    def __init__(
        self, settings: ConnectionSettings, vendor: Vendor | None, configured: Mapping[str, ModelPrice]
    ) -> None:
        self._connection = settings.name
        self._is_local = settings.provider == "local"
        self._vendor = vendor
        self._configured = configured
        self.live: Mapping[str, ModelPrice] = {}
        """What the provider's own list says, by model, as it last came."""

    def price(self, model: str, at: datetime) -> PriceEntry | None:
        """What `model` costs; None where nobody says so.

        An OpenAI-compatible server on one's own machine has no price unless its owner gives it one: electricity is
        not free, and a proxy there may well be paying someone.
        """
        return self._by_owner(model) or self._by_list(model, at)

    def price_for(self, asked: str, answered: str | None, at: datetime) -> PriceEntry | None:
        """What an answer of the model `answered` to a prompt for `asked` costs.

        The model that answered is charged. Where its price is unknown it is taken for the one that was asked, which
        is what a provider bills who only calls it by another name; the cost is bounded then.
        """
        if answered is None:
            return self.price(asked, at)
        if (price := self._by_owner(answered) or self._by_owner(asked)) is not None:
            return price
        price, price_asked = self._by_list(answered, at), self._by_list(asked, at)
        if self._is_local or price_asked is None or (price is not None and not price.is_assumed):
            return price
        # The list may not know the release that answered; it is what the name that was asked stands for today.
        return price_asked if is_release_of(answered, asked) else price or replace(price_asked, is_assumed=True)

    def _by_owner(self, model: str) -> PriceEntry | None:
        for name in (catalog_id(self._connection, model), model):
            fitting = [configured for configured in self._configured if is_release_of(name, configured)]
            if fitting:
                # The release itself before the model that it is one of: the longest says most.
                return PriceEntry(CONFIGURED, self._configured[max(fitting, key=len)])
        return None

    def _by_list(self, model: str, at: datetime) -> PriceEntry | None:
        if self._is_local:
            return FREE
        live = self.live.get(model)
        if live is not None and live.input is not None and live.output is not None:
            return PriceEntry(LIVE, live)
        return self._vendor.price(model, at) if self._vendor else None


def vendor_of(settings: ConnectionSettings, snapshot: Snapshot) -> Vendor | None:
    """Whose prices and facts count there: for OpenAI and Anthropic their own, behind a proxy too."""
    if settings.provider in ("openai", "anthropic"):
        return snapshot.vendor(settings.provider)
    return snapshot.vendor_at(settings.base_url)


def price_lookup(settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(tz=UTC)) -> PriceAt:
    """Prices by the configuration and the bundled list alone: no provider is asked for its own."""
    snapshot = load_snapshot()
    local = ConnectionSettings(name="local", provider="local", base_url="")
    prices = {
        it.name: ConnectionPrices(it, vendor_of(it, snapshot), settings.prices) for it in (*settings.connections, local)
    }

    def price_for(target: Target, response_model: str | None = None, at: datetime | None = None) -> PriceEntry | None:
        connection = prices.get(target.connection)
        return connection.price_for(target.model, response_model, at or now()) if connection else None

    return price_for
