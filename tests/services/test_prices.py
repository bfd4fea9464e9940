"""Whose word counts for a price: the owner's, the provider's list, the bundled list; and which of two names."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from llm_router.domain.chat import Target
from llm_router.domain.pricing import FREE, ModelPrice, PriceEntry
from llm_router.services.prices import ConnectionPrices, price_lookup, vendor_of
from llm_router.services.snapshot import Snapshot, load_snapshot
from llm_router.settings import ConnectionSettings, load_settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINE = ModelPrice(Decimal("0.01"), Decimal("0.02"))
LISTED = ModelPrice(Decimal("0.05"), Decimal("0.40"))

OPENAI = ConnectionSettings("openai", "openai", "https://api.openai.com/v1")
GROQ = ConnectionSettings("fast", "openai_compatible", "https://api.groq.com/openai/v1")
DEEPSEEK = ConnectionSettings("deep", "openai_compatible", "https://api.deepseek.com")
AZURE = ConnectionSettings("azure", "openai_compatible", "https://me.openai.azure.com/openai/v1")
OWN = ConnectionSettings("own", "openai_compatible", "http://192.168.1.7:8080/v1")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_snapshot()


def prices_of(connection: ConnectionSettings, snapshot: Snapshot, **configured: ModelPrice) -> ConnectionPrices:
    names = {name.replace("__", "/").replace("_", "-"): rates for name, rates in configured.items()}
    return ConnectionPrices(connection, vendor_of(connection, snapshot), names)


def shown(price: PriceEntry | None) -> tuple[str, bool] | None:
    return (str(price.rates.input), price.is_assumed) if price else None


@pytest.mark.parametrize(
    ("connection", "asked", "answered", "expected"),
    [
        (OPENAI, "gpt-5", None, ("1.25", False)),
        (OPENAI, "gpt-5", "gpt-5-2025-08-07", ("1.25", False)),
        (OPENAI, "gpt-5", "gpt-5-mini-2025-08-07", ("0.25", False)),
        # a release of what was asked is charged like it, whether or not a list knows its date
        (OPENAI, "gpt-5-mini", "gpt-5-mini-2027-01-31", ("0.25", False)),
        (OPENAI, "gpt-5", "gpt-5-mini-2027-01-31", ("0.25", True)),
        (OPENAI, "gpt-5-foo", None, None),
        (OPENAI, "gpt-5-foo", "gpt-5", ("1.25", False)),
        # who answers under a name that nobody knows is taken for the one that was asked, and that is not certain
        (OPENAI, "gpt-5", "gpt-of-tomorrow", ("1.25", True)),
        (OPENAI, "gpt-5-foo", "gpt-5-foo-2026-01-01", None),
        (DEEPSEEK, "deepseek-chat", "deepseek-v4-flash", ("0.15", False)),  # the one that was asked costs 0.27
        (GROQ, "llama-3.3-70b-versatile", "llama-3.3-70b-versatile", ("0.59", False)),
        # a deployment may be called anything; its answers say which model it is
        (AZURE, "openllmetry-testing", "gpt-4o-mini-2024-07-18", ("0.15", True)),
        (AZURE, "openllmetry-testing", None, None),
        (OWN, "gpt-5", "gpt-5", None),
    ],
)
def test_the_model_that_answered_is_charged(
    snapshot: Snapshot,
    connection: ConnectionSettings,
    asked: str,
    answered: str | None,
    expected: tuple[str, bool] | None,
) -> None:
    assert shown(prices_of(connection, snapshot).price_for(asked, answered, NOW)) == expected


def test_a_price_in_the_providers_own_list_is_before_the_bundled_one(snapshot: Snapshot) -> None:
    prices = prices_of(GROQ, snapshot)
    prices.live = {"llama-3.3-70b-versatile": LISTED, "half": ModelPrice(input=Decimal(1))}
    assert prices.price("llama-3.3-70b-versatile", NOW) == PriceEntry("live", LISTED)
    assert prices.price("half", NOW) is None


@pytest.mark.parametrize(
    ("configured", "asked", "answered"),
    [
        ("gpt-5", "gpt-5", None),
        ("gpt-5", "gpt-5", "gpt-5-2025-08-07"),
        ("gpt-5", "gpt-5-2025-08-07", "gpt-5-2025-08-07"),
        ("gpt-5", "gpt-5", "gpt-5-mini"),  # what was asked has a price by contract, whoever answers
        ("gpt-5-mini", "gpt-5", "gpt-5-mini-2025-08-07"),
    ],
)
def test_the_owners_word_is_before_every_list(
    snapshot: Snapshot, configured: str, asked: str, answered: str | None
) -> None:
    prices = prices_of(OPENAI, snapshot, **{configured.replace("-", "_"): MINE})
    prices.live = {"gpt-5": LISTED, "gpt-5-mini": LISTED}
    assert prices.price_for(asked, answered, NOW) == PriceEntry("configured", MINE)


def test_the_owners_word_for_one_model_is_not_for_another(snapshot: Snapshot) -> None:
    prices = prices_of(OPENAI, snapshot, gpt_5=MINE)
    assert shown(prices.price_for("gpt-5-mini", "gpt-5-mini-2025-08-07", NOW)) == ("0.25", False)


def test_of_a_model_and_its_release_the_name_that_is_meant_counts(snapshot: Snapshot) -> None:
    """Whichever was written down first."""
    prices = prices_of(OPENAI, snapshot, gpt_5=MINE, gpt_5_2025_08_07=LISTED)
    assert prices.price_for("gpt-5", "gpt-5-2025-08-07", NOW) == PriceEntry("configured", LISTED)
    assert prices.price_for("gpt-5", "gpt-5-2026-01-01", NOW) == PriceEntry("configured", MINE)


def test_a_catalog_id_names_one_connection_and_a_bare_name_each(snapshot: Snapshot) -> None:
    assert prices_of(OWN, snapshot, own__qwen3=MINE).price("qwen3", NOW) == PriceEntry("configured", MINE)
    assert prices_of(OWN, snapshot, qwen3=MINE).price("qwen3:latest", NOW) == PriceEntry("configured", MINE)
    assert prices_of(OWN, snapshot, other__qwen3=MINE).price("qwen3", NOW) is None


def test_the_command_line_prices_without_asking_anyone(tmp_path: Path) -> None:
    (tmp_path / "llm-router.toml").write_text(
        '[connections.own]\nprovider = "openai_compatible"\nbase_url = "http://localhost:1/v1"\n'
        '[prices."own/qwen3"]\ninput = 0.01\noutput = 0.02\n',
        encoding="utf-8",
    )
    price_for = price_lookup(load_settings({}, tmp_path), now=lambda: NOW)
    assert price_for(Target("own", "openai_compatible", "qwen3"), "qwen3") == PriceEntry("configured", MINE)
    assert price_for(Target("local", "local", "smollm2"), "smollm2.gguf") == FREE
    assert price_for(Target("gone", "openai_compatible", "qwen3")) is None
    o3 = Target("openai", "openai", "o3")
    assert shown(price_for(o3, at=datetime(2025, 6, 9, tzinfo=UTC))) == ("10", False)
    assert shown(price_for(o3)) == ("2", False)
