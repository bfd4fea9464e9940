"""The bundled list: that it is what the script makes, is read only where it is needed, and which names it knows."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from genai_prices import types
from scripts import update_prices

from llm_router.services.snapshot import Snapshot, Vendor, load_snapshot

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_snapshot()


def test_it_is_what_the_script_makes_of_the_locked_price_list(snapshot: Snapshot) -> None:
    written = update_prices.written()
    assert update_prices.texts(snapshot.version) == written
    assert sum(len(text.encode()) for text in written.values()) < 300_000


def test_a_kind_of_price_that_nobody_looked_at_is_refused() -> None:
    stated = types.ModelPrice(input_mtok=Decimal(1), dreams_kcount=Decimal(2))
    with pytest.raises(ValueError, match="dreams_kcount"):
        update_prices._stated(stated)


def test_a_vendor_is_read_when_it_is_asked_for(snapshot: Snapshot, tmp_path: Path) -> None:
    for name in ("catalog.json", "prices/groq.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((update_prices.DATA / name).read_bytes())
    partly = Snapshot(tmp_path)
    assert partly.vendor_at("https://api.groq.com/openai/v1") is not None
    with pytest.raises(FileNotFoundError):
        partly.vendor("openai")


def test_every_row_can_be_read_and_is_found_by_its_own_name(snapshot: Snapshot) -> None:
    for vendor in map(snapshot.vendor, snapshot.vendors):
        for row in vendor.models:
            assert row.prices.at(NOW).version == snapshot.version
            assert vendor.facts(row.id) is not None
            price = vendor.price(row.id, NOW)
            assert price is not None
            # They search for each answer, at a fee that nobody states.
            assert price.is_assumed == ("-search-preview" in row.id)


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://eu.api.mistral.ai/v1", "mistral"),
        ("https://me.openai.azure.com/openai/v1", "azure"),
        ("https://bedrock-mantle.us-east-1.api.aws/openai/v1", "aws"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1", "aws"),
        ("https://us-central1-aiplatform.googleapis.com/v1/x/openapi", "google"),
        ("https://router.huggingface.co/novita/v3/openai", "huggingface_novita"),
        ("https://router.huggingface.co/v1", None),
        ("https://router.huggingface.co/novita-too/v1", None),
        ("https://ec2-1-2-3-4.amazonaws.com/v1", None),
        ("https://api.groq.com.example.net/v1", None),
        ("https://notapi.groq.com/v1", None),
        ("http://192.168.1.7:8080/v1", None),
        ("http://localhost:11434/v1", None),
    ],
)
def test_whose_an_address_is(snapshot: Snapshot, base_url: str, name: str | None) -> None:
    vendor = snapshot.vendor_at(base_url)
    assert (vendor and vendor.name) == name


@pytest.mark.parametrize(
    ("vendor", "name", "row"),
    [
        ("openai", "gpt-5-2025-08-07", "gpt-5"),
        ("openai", "GPT-5", "gpt-5"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("openai", "gpt-5.4-20260305", "gpt-5.4"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:org::id", "ft:gpt-4o-mini"),
        ("openai", "ft:gpt-4o-mini:org:name:id", "ft:gpt-4o-mini"),
        ("openai", "ft:gpt-4o-2024-08-06:me::1", "ft:gpt-4o"),
        ("openai", "gpt-5.6-sol-2026-06-01", "gpt-5.6-sol"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4-0"),
        ("anthropic", "claude-3-5-sonnet@20240620", "claude-3-5-sonnet"),
        ("anthropic", "anthropic/claude-4.5-haiku-20251001", "claude-haiku-4-5"),
        ("google", "models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("google", "gemini-2.5-pro-preview-05-06", "gemini-2.5-pro"),
        ("google", "publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("groq", "openai/gpt-oss-120b", "openai/gpt-oss-120b"),
        ("openrouter", "anthropic/claude-haiku-5.5-20261007", "anthropic/claude-haiku-5.5"),
        ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("aws", "global.anthropic.claude-opus-4-6-v1", "global.anthropic.claude-opus-4-6-v1:0"),
        ("aws", "openai.gpt-5.6-luna", "regional.openai.gpt-5.6-luna"),
    ],
)
def test_a_dated_or_aliased_name_is_its_model(snapshot: Snapshot, vendor: str, name: str, row: str) -> None:
    found = snapshot.vendor(vendor).find(name)
    assert found is not None
    assert found.id == row
    price = snapshot.vendor(vendor).price(name, NOW)
    assert price is not None
    assert not price.is_assumed


@pytest.mark.parametrize(
    ("vendor", "name"),
    [
        ("openai", "gpt-5-foo"),
        ("openai", "gpt-5-nano-foo"),
        ("openai", "gpt-5o"),
        ("openai", "gpt-4o-mini-foo"),
        ("openai", "ft:gpt-4.1-2025-04-14:org::id"),
        ("openai", "ft:gpt-5:org::id"),
        ("openai", "gpt-5-preview"),
        ("openai", "someone/gpt-4o"),
        ("openai", ""),
        ("anthropic", "claude-opus-4-6-fast"),
        ("anthropic", "claude-sonnet-4-5x"),
        ("anthropic", "claude-opus-4-9"),
        ("google", "my-gemini-1.5-pro"),
        ("azure", "my-o4-mini"),
        ("groq", "gpt-4o"),
        ("openrouter", "gpt-4o"),
    ],
)
def test_another_name_is_another_model_and_unpriced(snapshot: Snapshot, vendor: str, name: str) -> None:
    assert snapshot.vendor(vendor).price(name, NOW) is None


def test_a_date_that_no_list_has_yet_is_taken_for_the_model_and_marked(snapshot: Snapshot) -> None:
    for name in ("gpt-5-mini-2027-01-31", "gpt-5-mini-20270131", "gpt-5-mini-latest"):
        price = snapshot.vendor("openai").price(name, NOW)
        assert price is not None
        assert (str(price.rates.input), price.is_assumed) == ("0.25", True)


def test_a_cloud_charges_what_the_maker_does_and_is_marked(snapshot: Snapshot) -> None:
    azure = snapshot.vendor("azure")
    price = azure.price("gpt-4o-mini-2024-07-18", NOW)
    assert price is not None
    assert (str(price.rates.input), price.is_assumed) == ("0.15", True)
    assert azure.price("my-deployment", NOW) is None


def test_facts_belong_to_a_family_and_not_to_what_merely_begins_alike(snapshot: Snapshot) -> None:
    vendor = snapshot.vendor("openai")
    assert vendor.facts("gpt-5-mini-2025-08-07").reasoning_levels == ("minimal", "low", "medium", "high")
    assert vendor.facts("gpt-5-pro").reasoning_levels == ("high",)
    assert vendor.facts("gpt-5.9-nova").reasoning_levels is None
    assert vendor.facts("gpt-4o-mini").reasoning_levels == ()


def test_of_two_rows_that_fit_the_earlier_counts() -> None:
    def found(*rows: Mapping[str, object]) -> str | None:
        vendor = Vendor("v", {"models": [{"prices": [{"input": "1"}], **row} for row in rows]}, "v")
        row = vendor.find("Alpha-2-Preview")
        return row.id if row else None

    described, exact = {"id": "alpha", "match": ["^alpha-2"]}, {"id": "alpha-2", "match": ["+-preview"]}
    assert found(described, exact) == "alpha"
    assert found(exact, described) == "alpha-2"
    assert found({"id": "both", "match": [["^alpha-2", "$-preview", "/2.p"]]}) is None  # `-preview` alone is no name
    assert found({"id": "one", "match": [["^alpha", "/2.p"]]}) is None
    assert found({"id": "looks around", "match": [["^alpha-2", "/^(?!.*mini)"]]}) == "looks around"


def test_a_rule_of_an_unknown_kind_is_not_passed_over() -> None:
    vendor = Vendor("v", {"models": [{"id": "a", "match": ["!b"], "prices": [{"input": "1"}]}]}, "v")
    with pytest.raises(ValueError, match="unknown rule !b"):
        vendor.find("c")


def test_no_rate_is_written_as_a_float() -> None:
    for path in update_prices.DATA.glob("prices/*.json"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r":-?\d+\.\d", text), path
        assert orjson.loads(text)["models"]
