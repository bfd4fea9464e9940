"""The bundled price list, `data/`: prices and facts as they were when this version was made.

Reads what `scripts/update_prices.py` wrote: a vendor's file when something is asked of it, a row's prices when they are
needed. Knows nothing of connections, keys or live lists.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from llm_router.domain.model_names import base_of_fine_tune, has_only_marks, undated, with_dashed_date
from llm_router.domain.pricing import RATES, ModelPrice, PriceEntry, PriceHistory, PriceTier, PriceVariant, Span

_DATA = Path(__file__).parent.parent / "data"

_SEARCHES = "-search-preview"
"""In the name of models that search for each answer, at a fee that neither the answer nor the list tells."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model can do. None is unknown."""

    max_output_tokens: int | None = None
    supports_temperature: bool | None = None
    supports_vision: bool | None = None
    supports_tools: bool | None = None
    reasoning_levels: tuple[str, ...] | None = None
    generates_images: bool = False


class BundledModel:
    """One row of one vendor."""

    def __init__(self, row: Mapping[str, Any], version: str) -> None:
        self._row = row
        self._version = version
        self.id: str = row["id"]
        self.label: str | None = row.get("label")
        self.context_window: int | None = row.get("context_window")
        self.is_offered: bool = row.get("is_offered", True)
        """Whether a new prompt may go there; old bills are priced either way."""

    @property
    def answers(self) -> bool:
        """Whether it puts anything out; models that only make vectors, or judge, do not."""
        return any("output" in period for period in self._row["prices"])

    @cached_property
    def prices(self) -> PriceHistory:
        return PriceHistory(
            tuple((_span(row), PriceEntry(self._version, _rates(row), _tiers(row))) for row in self._row["prices"]),
            tuple(
                (_span(row), PriceVariant(tuple(row["service_tiers"]), _rates(row), _tiers(row)))
                for row in self._row.get("variants", ())
            ),
        )


class Vendor:
    """The models of one house, in the order in which their rules are tried."""

    def __init__(self, name: str, table: Mapping[str, Any], version: str, makers: tuple["Vendor", ...] = ()) -> None:
        self.name = name
        self.models = tuple(BundledModel(row, version) for row in table["models"])
        self._rows: list[Mapping[str, Any]] = table["models"]
        self._families: Mapping[str, Any] = table.get("families", {})
        self._makers = makers
        """Whose prices it charges for models that it does not list itself."""

    def find(self, model: str) -> BundledModel | None:
        """The row that describes `model`: itself, dated or under another name."""
        found = self._find(model)
        return found[0] if found else None

    def price(self, model: str, moment: datetime) -> PriceEntry | None:
        """What `model` costs at `moment`; None where nobody says so.

        Assumed where only the model without its date is known, where the price is its maker's, or where a fee is
        missing from it.
        """
        if (found := self._find(model)) is not None:
            row, is_certain = found
            return replace(row.prices.at(moment), is_assumed=not is_certain or _SEARCHES in model.lower())
        at_makers = (maker.price(model, moment) for maker in self._makers)
        price = next((price for price in at_makers if price is not None), None)
        return price and replace(price, is_assumed=True)

    def facts(self, model: str) -> ModelFacts:
        prefixes = (prefix for prefix in self._families if model == prefix or model.startswith(f"{prefix}-"))
        longest = max(prefixes, key=len, default=None)
        if longest is None:
            return ModelFacts()
        row = dict(self._families[longest])
        levels = row.pop("reasoning_levels", None)
        return ModelFacts(**row, reasoning_levels=None if levels is None else tuple(levels))

    def _find(self, model: str) -> tuple[BundledModel, bool] | None:
        """The row, and whether the list means this very name by it."""
        name = base_of_fine_tune(model.lower())
        names = [name, with_dashed_date(name)]
        # As Google and relays write it: `models/gemini-…`, `publishers/google/models/gemini-…`, `openai/gpt-…`.
        head, _, bare = name.rpartition("/")
        if head in (self.name, "models") or head.startswith("publishers/"):
            names += [bare, with_dashed_date(bare)]
        for name in names:
            if (position := self._position(name)) is not None:
                return self.models[position], True
        for name in names:
            if (position := self._exact.get(undated(name))) is not None:
                return self.models[position], False
        return None

    def _position(self, name: str) -> int | None:
        """Of all rules that fit the earliest counts, whether it names `name` whole or describes it."""
        exact = self._exact.get(name)
        described = (at for at, rules in self._described if any(_fits(rule, name) for rule in rules))
        first = next(described, None)
        return min((at for at in (exact, first) if at is not None), default=None)

    @cached_property
    def _exact(self) -> dict[str, int]:
        positions: dict[str, int] = {}
        for at, row in enumerate(self._rows):
            own = row["id"].lower()
            positions.setdefault(own, at)
            for rule in row.get("match", ()):
                if _is_exact(rule):
                    positions.setdefault(rule[1:] if rule[0] == "=" else own + rule[1:], at)
        return positions

    @cached_property
    def _described(self) -> list[tuple[int, list[list[str]]]]:
        found: list[tuple[int, list[list[str]]]] = []
        for at, row in enumerate(self._rows):
            rules = [[rule] if isinstance(rule, str) else rule for rule in row.get("match", ()) if not _is_exact(rule)]
            if rules:
                found.append((at, rules))
        return found


class Snapshot:
    """The whole list, of which a vendor is read when it is first asked for."""

    def __init__(self, directory: Path = _DATA) -> None:
        index = orjson.loads((directory / "catalog.json").read_bytes())
        self.version: str = index["version"]
        """The day the list was last seen to change; `Cost.price_version` of what is priced with it."""
        self.preferred: Mapping[str, tuple[str, ...]] = {
            purpose: tuple(ids) for purpose, ids in index["preferred"].items()
        }
        """Catalog ids by purpose (`chat`, `image`), the best first."""
        self.vendors: tuple[str, ...] = tuple(index["hosts"])
        self._hosts: Mapping[str, list[str]] = index["hosts"]
        self._directory = directory
        self._read: dict[str, Vendor] = {}

    def vendor(self, name: str) -> Vendor:
        if name not in self._read:
            table = orjson.loads((self._directory / "prices" / f"{name}.json").read_bytes())
            makers = tuple(self.vendor(maker) for maker in table.get("makers", ()))
            self._read[name] = Vendor(name, table, self.version, makers)
        return self._read[name]

    def vendor_at(self, base_url: str) -> Vendor | None:
        """Whose address this is; None for any other, one's own machine first of all."""
        address = urlsplit(base_url)
        for name, hosts in self._hosts.items():
            if any(_is_at(address.hostname or "", address.path, known) for known in hosts):
                return self.vendor(name)
        return None


def load_snapshot() -> Snapshot:
    """The list shipped with this version."""
    return Snapshot()


def _is_at(host: str, path: str, known: str) -> bool:
    known_host, slash, known_path = known.partition("/")
    is_host = fnmatchcase(host, known_host) or fnmatchcase(host, f"*.{known_host}")
    return is_host and (not slash or f"{path}/".startswith(f"/{known_path}/"))


def _span(row: Mapping[str, Any]) -> Span:
    between = [time.fromisoformat(text) for text in row.get("between", ())]
    starts_on = date.fromisoformat(row["from"]) if "from" in row else None
    return Span(starts_on, (between[0], between[1]) if between else None)


def _tiers(row: Mapping[str, Any]) -> tuple[PriceTier, ...]:
    return tuple(PriceTier(tier["above"], _rates(tier)) for tier in row.get("tiers", ()))


def _rates(row: Mapping[str, Any]) -> ModelPrice:
    return ModelPrice(**{name: _decimal(row[name]) for name in RATES if name in row})


_decimal = cache(Decimal)
"""A few hundred rates make up the whole list."""


def _is_exact(rule: str | list[str]) -> bool:
    """Whether it is one whole name: `=name`, or `+rest` of a name that begins with the row's own."""
    return isinstance(rule, str) and rule[0] in "=+"


def _fits(rule: list[str], name: str) -> bool:
    """All conditions of `rule`: a mark (begins, ends, contains, expression, is) and a text each.

    A list that says "begins with `claude-opus-4-6`" means its releases. What more a name says makes it another model,
    of an unknown price: nothing may stand around the text but a path before it and the marks of a release behind it.
    """
    return all(_fits_condition(condition[0], condition[1:], name) for condition in rule)


def _fits_condition(mark: str, text: str, name: str) -> bool:
    match mark:
        case "=":
            return name == text
        case "^":
            return name.startswith(text) and _is_release(text, name[len(text) :])
        case "$":
            return name.endswith(text) and _is_path(name[: -len(text)], text)
        case "*":
            before, found, after = name.partition(text)
            return bool(found) and _is_path(before, text) and _is_release(text, after)
        case "/":
            hit = re.search(text, name)
            # An expression that only looks around says nothing of where the name ends.
            return hit is not None and (hit.start() == hit.end() or _is_release(hit.group(), name[hit.end() :]))
    raise ValueError(f"unknown rule {mark}{text}")


def _is_release(text: str, rest: str) -> bool:
    """Whether `rest` only says which release; where `text` ends in the middle of that, from there on."""
    begun = re.search(r"[-@:]?\d*$", text)
    return has_only_marks(rest) or (begun is not None and has_only_marks(begun.group() + rest))


def _is_path(before: str, text: str) -> bool:
    return not before or before[-1] in "/.:" or text[0] in "/.:"
