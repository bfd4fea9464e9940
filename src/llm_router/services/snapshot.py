"""The bundled catalog, `data/catalog.json`: prices and facts as they were when this version was made.

Reads what `scripts/update_prices.py` wrote. Rows are turned into values when they are asked for, not at start.
Knows nothing of connections, keys or live lists; those are the catalog's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from llm_router.domain.catalog import ModelPrice
from llm_router.domain.pricing import PriceEntry, PricePeriod, PriceTier

_CATALOG = Path(__file__).parent.parent / "data" / "catalog.json"

_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")
"""`-20251211`, as some relays write what the vendor writes `-2025-12-11`."""


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

    @cached_property
    def prices(self) -> tuple[PricePeriod, ...]:
        """Never empty; see `domain.pricing.price_at`."""
        return tuple(self._period(row) for row in self._row["prices"])

    def _period(self, row: Mapping[str, Any]) -> PricePeriod:
        tiers = tuple(PriceTier(tier["above"], _rates(tier)) for tier in row.get("tiers", ()))
        between = [time.fromisoformat(text) for text in row.get("between", ())]
        return PricePeriod(
            PriceEntry(self._version, _rates(row), tiers),
            starts_on=date.fromisoformat(row["from"]) if "from" in row else None,
            between=(between[0], between[1]) if between else None,
        )


class Vendor:
    """The models of one house, in the order in which their rules are tried."""

    def __init__(self, name: str, table: Mapping[str, Any], families: Mapping[str, Any], version: str) -> None:
        self.name = name
        self.models = tuple(BundledModel(row, version) for row in table["models"])
        self._rows: list[Mapping[str, Any]] = table["models"]
        self._families = families

    def find(self, model: str) -> BundledModel | None:
        """The row whose prices and window are those of `model`: itself, dated or under another name."""
        name = model.lower()
        position = self._position(name)
        if position is None and (dashed := _COMPACT_DATE.sub(r"-\1-\2-\3", name)) != name:
            position = self._position(dashed)
        return None if position is None else self.models[position]

    def facts(self, model: str) -> ModelFacts:
        prefixes = (prefix for prefix in self._families if model == prefix or model.startswith(f"{prefix}-"))
        longest = max(prefixes, key=len, default=None)
        if longest is None:
            return ModelFacts()
        row = dict(self._families[longest])
        levels = row.pop("reasoning_levels", None)
        return ModelFacts(**row, reasoning_levels=None if levels is None else tuple(levels))

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
    """The whole file."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.version: str = table["version"]
        """The day the prices were last seen to change; `Cost.price_version` of what is priced with them."""
        self.preferred: Mapping[str, tuple[str, ...]] = {
            purpose: tuple(ids) for purpose, ids in table["preferred"].items()
        }
        """Catalog ids by purpose (`chat`, `image`), the best first."""
        self._table = table
        self._vendors: dict[str, Vendor] = {}

    def vendor(self, name: str) -> Vendor:
        if name not in self._vendors:
            families = self._table["families"].get(name, {})
            self._vendors[name] = Vendor(name, self._table["vendors"][name], families, self.version)
        return self._vendors[name]

    def vendor_at(self, host: str) -> Vendor | None:
        """Whose host this is; None for any other, one's own machine first of all."""
        for name, table in self._table["vendors"].items():
            if any(host == known or host.endswith(f".{known}") for known in table["hosts"]):
                return self.vendor(name)
        return None


def load_snapshot() -> Snapshot:
    """The snapshot shipped with this version."""
    return Snapshot(orjson.loads(_CATALOG.read_bytes()))


def _rates(row: Mapping[str, Any]) -> ModelPrice:
    names = ("input", "output", "cache_read", "cache_write")
    return ModelPrice(**{name: Decimal(row[name]) for name in names if name in row})


def _is_exact(rule: str | list[str]) -> bool:
    """Whether it is one whole name: `=name`, or `+rest` of a name that begins with the row's own."""
    return isinstance(rule, str) and rule[0] in "=+"


def _fits(rule: list[str], name: str) -> bool:
    """All conditions of `rule`: a mark (begins, ends, contains, expression, is) and a text each."""
    for mark, text in ((condition[0], condition[1:]) for condition in rule):
        match mark:
            case "^":
                fits = name.startswith(text)
            case "$":
                fits = name.endswith(text)
            case "*":
                fits = text in name
            case "/":
                fits = re.search(text, name) is not None
            case "=":
                fits = name == text
            case _:
                raise ValueError(f"unknown rule {rule!r}")
        if not fits:
            return False
    return True
