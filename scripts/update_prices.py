"""Writes `src/llm_router/data/`: what models cost and can do, for the server to ship with.

`catalog.json` says which vendors there are and where; `prices/VENDOR.json` has the models of one, a line each, and is
read only where a connection goes there. Prices, context windows and matching rules come from `genai-prices` (a
development dependency); what models can do is kept by hand in the tables below. Knows nothing of the network:
`pip install -U genai-prices` brings news.

    python scripts/update_prices.py            write the files; their date moves only when their content does
    python scripts/update_prices.py --check    write nothing; exit 1 where they are out of date
"""

import argparse
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices import types
from genai_prices.data import providers

DATA = Path(__file__).parent.parent / "src" / "llm_router" / "data"
INDEX = "catalog.json"

# Vendors carried along, and the hosts (subdomains included, `*` for a region, a path where one host has several) whose
# base URLs are theirs. The first two are what the providers of these names are priced by, whatever their base URL.
HOSTS: Mapping[str, tuple[str, ...]] = {
    "openai": ("api.openai.com",),
    "anthropic": ("api.anthropic.com",),
    "avian": ("api.avian.io",),
    "aws": ("bedrock-runtime.*.amazonaws.com", "bedrock-mantle.*.api.aws"),
    "azure": ("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"),
    "cerebras": ("api.cerebras.ai",),
    "cohere": ("api.cohere.ai", "api.cohere.com"),
    "deepseek": ("api.deepseek.com",),
    "fireworks": ("api.fireworks.ai",),
    "google": ("generativelanguage.googleapis.com", "aiplatform.googleapis.com", "*-aiplatform.googleapis.com"),
    "groq": ("api.groq.com",),
    "huggingface_novita": ("router.huggingface.co/novita",),
    "minimax": ("api.minimax.io", "api.minimaxi.com", "api.minimax.chat"),
    "mistral": ("api.mistral.ai",),
    "moonshotai": ("api.moonshot.ai", "api.moonshot.cn"),
    "novita": ("api.novita.ai",),
    "openrouter": ("openrouter.ai",),
    "perplexity": ("api.perplexity.ai",),
    "together": ("api.together.xyz", "api.together.ai"),
    "x-ai": ("api.x.ai",),
    "zai": ("api.z.ai",),
}

# Names every model MAKER/NAME, and its own list has the windows.
RELAY = "openrouter"

# Capabilities by the beginning of a model's name, up to a `-`; the longest that fits counts, alone. A fact that is not
# written here is unknown. `reasoning_levels` are those that may be asked for; empty where the model cannot reason.
# `temperature: False` also where only the default value is taken.
#
# Sources: Anthropic's model list (`GET /v1/models`, its `capabilities`, as of Opus 5) and the model overview pages of
# platform.claude.com; the model pages and reasoning guide of developers.openai.com, and the API's own words
# in its refusals ("Supported values are: …"). Read 2026-11.
OFF_TO_HIGH = ["none", "low", "medium", "high"]
LOW_TO_HIGH = ["low", "medium", "high"]
LOW_TO_MAX = ["low", "medium", "high", "xhigh", "max"]


def facts(
    output: int | None = None,
    *,
    levels: list[str] | None = None,
    temperature: bool | None = None,
    vision: bool | None = None,
    tools: bool | None = None,
    image: bool | None = None,
) -> dict[str, Any]:
    named = {
        "max_output_tokens": output,
        "supports_temperature": temperature,
        "supports_vision": vision,
        "supports_tools": tools,
        "reasoning_levels": levels,
        "generates_images": image,
    }
    return {name: value for name, value in named.items() if value is not None}


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def claude(output: int, levels: list[str], *, temperature: bool = True) -> dict[str, Any]:
    return facts(output, levels=levels, temperature=temperature, vision=True, tools=True)


FAMILIES: Mapping[str, Mapping[str, dict[str, Any]]] = {
    "openai": {
        "gpt-3.5-turbo": facts(4096, levels=[], temperature=True, vision=False, tools=True),
        "gpt-4": facts(8192, levels=[], temperature=True, vision=False, tools=True),
        "gpt-4-turbo": facts(4096, levels=[], temperature=True, vision=True, tools=True),
        "gpt-4-turbo-preview": facts(4096, levels=[], temperature=True, vision=False, tools=True),
        "gpt-4.1": facts(32768, levels=[], temperature=True, vision=True, tools=True),
        "gpt-4.5": facts(16384, levels=[], temperature=True, vision=True, tools=True),
        "gpt-4o": facts(16384, levels=[], temperature=True, vision=True, tools=True),
        "gpt-4o-2024-05-13": facts(4096, levels=[], temperature=True, vision=True, tools=True),
        "gpt-4o-search": facts(16384, levels=[], temperature=False),
        "gpt-4o-mini-search": facts(16384, levels=[], temperature=False),
        "chatgpt-4o": facts(16384, levels=[], temperature=True, vision=True),
        "o1": facts(100_000, levels=LOW_TO_HIGH, temperature=False, vision=True, tools=True),
        "o1-mini": facts(65536, levels=[], temperature=False, vision=False, tools=False),
        "o1-preview": facts(32768, levels=[], temperature=False, vision=False, tools=False),
        "o3": facts(100_000, levels=LOW_TO_HIGH, temperature=False, vision=True, tools=True),
        "o3-mini": facts(100_000, levels=LOW_TO_HIGH, temperature=False, vision=False, tools=True),
        "o3-deep-research": facts(100_000, temperature=False),
        "o4-mini": facts(100_000, levels=LOW_TO_HIGH, temperature=False, vision=True, tools=True),
        "o4-mini-deep-research": facts(100_000, temperature=False),
        "gpt-5": facts(
            128_000, levels=["minimal", "low", "medium", "high"], temperature=False, vision=True, tools=True
        ),
        "gpt-5-chat": facts(16384, levels=[], vision=True),
        "gpt-5-codex": facts(128_000, levels=LOW_TO_HIGH, temperature=False, vision=True, tools=True),
        "gpt-5-pro": facts(levels=["high"], temperature=False, vision=True, tools=True),
        # From 5.1 on a temperature is taken where the level is `none`, their default, and refused elsewhere:
        # left unknown, so that the provider decides.
        "gpt-5-search-api": facts(),
        "gpt-5.1": facts(128_000, levels=OFF_TO_HIGH, vision=True, tools=True),
        "gpt-5.1-chat": facts(16384, vision=True),
        "gpt-5.1-codex": facts(128_000, levels=LOW_TO_HIGH, temperature=False, vision=True, tools=True),
        "gpt-5.1-codex-max": facts(128_000, levels=[*LOW_TO_HIGH, "xhigh"], temperature=False, vision=True, tools=True),
        "gpt-5.2": facts(128_000, levels=[*OFF_TO_HIGH, "xhigh"], vision=True, tools=True),
        "gpt-5.2-chat": facts(16384, vision=True),
        "gpt-5.2-codex": facts(128_000, levels=[*LOW_TO_HIGH, "xhigh"], temperature=False, vision=True, tools=True),
        "gpt-5.2-pro": facts(128_000, levels=["medium", "high", "xhigh"], vision=True, tools=True),
        "gpt-5.3-chat": facts(16384, vision=True),
        "gpt-5.3-codex": facts(128_000, levels=[*LOW_TO_HIGH, "xhigh"], temperature=False, vision=True, tools=True),
        "gpt-5.4": facts(128_000, levels=[*OFF_TO_HIGH, "xhigh"], vision=True, tools=True),
        "gpt-5.4-pro": facts(128_000, levels=["medium", "high", "xhigh"], vision=True, tools=True),
        "gpt-5.5": facts(128_000, levels=[*OFF_TO_HIGH, "xhigh"], vision=True, tools=True),
        "gpt-5.5-pro": facts(vision=True, tools=True),
        "gpt-5.5-chat": facts(vision=True),
        "gpt-5.6": facts(128_000, levels=[*OFF_TO_HIGH, "xhigh", "max"], vision=True, tools=True),
        "gpt-6-astra": facts(128_000, levels=LOW_TO_MAX, temperature=False, vision=True, tools=True),
        "gpt-image": facts(image=True),
        "chatgpt-image": facts(image=True),
        "dall-e": facts(image=True),
    },
    "anthropic": {
        "claude-3": claude(4096, []),
        "claude-3-5": claude(8192, []),
        "claude-3-5-haiku": facts(8192, levels=[], temperature=True, tools=True),
        "claude-3-7": claude(64_000, OFF_TO_HIGH),
        "claude-opus-4": claude(32_000, OFF_TO_HIGH),
        "claude-sonnet-4": claude(64_000, OFF_TO_HIGH),
        "claude-haiku-4-5": claude(64_000, OFF_TO_HIGH),
        "claude-opus-4-5": claude(64_000, OFF_TO_HIGH),
        "claude-opus-4-6": claude(128_000, [*OFF_TO_HIGH, "max"]),
        "claude-sonnet-4-6": claude(128_000, [*OFF_TO_HIGH, "max"]),
        "claude-opus-4-7": claude(128_000, ["none", *LOW_TO_MAX], temperature=False),
        "claude-opus-4-8": claude(128_000, ["none", *LOW_TO_MAX], temperature=False),
        # From 5 on thinking is on by itself, in some models always; leaving it out is the way to their default.
        "claude-opus-5": claude(128_000, LOW_TO_MAX, temperature=False),
        "claude-sonnet-5": claude(128_000, LOW_TO_MAX, temperature=False),
        "claude-haiku-5": facts(128_000, temperature=False, vision=True, tools=True),
        "claude-fable-5": claude(128_000, LOW_TO_MAX, temperature=False),
        "claude-mythos-5": facts(temperature=False, vision=True, tools=True),
    },
}

# Priced, since old bills must stay right, but not offered where there is no live list: shut down, or a name of other
# houses. Sources: the shutdown dates in the OpenAI SDK's `ChatModel` and `ImageModel`, and Anthropic's deprecations.
NOT_OFFERED: Mapping[str, frozenset[str]] = {
    "openai": names(
        """chatgpt-4o-latest codex-mini ft:gpt-3.5-turbo- ft:gpt-4o ft:gpt-4o-mini gpt-3.5-0301 gpt-3.5-turbo
        gpt-3.5-turbo-0613 gpt-3.5-turbo-1106 gpt-3.5-turbo-16k gpt-4 gpt-4-32k gpt-4-turbo gpt-4-vision-preview
        gpt-4.1-nano gpt-4.5-preview gpt-4o-2024-05-13 gpt-4o-mini-2024-07-18.ft- gpt-4o-search-preview gpt-4o:extended
        gpt-5-image gpt-5-image-mini gpt-5.3 gpt-5.4-image-2 gpt-5.5-cyber gpt-5.6-cyber gpt-6-cyber gpt-6-rosalind
        gpt-image-1 gpt-oss-120b gpt-oss-20b gpt-oss-safeguard-20b gpt-rosalind-discovery gpt-rosalind-research
        o1 o1-mini o1-preview o3-mini o4-mini"""
    ),
    "anthropic": names(
        """claude-2 claude-v1 claude-3-5-haiku-latest claude-3-5-sonnet claude-3-7-sonnet-latest claude-3-haiku
        claude-3-opus-latest claude-3-sonnet claude-opus-4-0 claude-sonnet-4-0"""
    ),
}

# What a prompt without a model goes to: the first of these that a key is there for. Ids of the catalog.
# Sound all-rounders of the middle price, newest first.
PREFERRED: Mapping[str, list[str]] = {
    "chat": [
        *("gpt-6.1-terra", "gpt-5.6-terra", "gpt-5.4-mini", "gpt-5-mini", "gpt-4.1-mini", "gpt-4o-mini"),
        *("claude-sonnet-5-5", "claude-sonnet-5", "claude-sonnet-4-6", "claude-sonnet-4-5", "claude-haiku-4-5"),
    ],
    "image": ["gpt-image-2.5-flare", "gpt-image-2", "gpt-image-1.5", "gpt-image-1-mini", "gpt-image-1", "dall-e-3"],
}

# By the name of the rate here (`domain/pricing.py`).
PRICE_KEYS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "input_audio",
    "output_audio_mtok": "output_audio",
    "input_image_mtok": "input_image",
    "output_image_mtok": "output_image",
    "cache_audio_read_mtok": "cache_read_audio",
    "cache_image_read_mtok": "cache_read_image",
    "web_searches_kcount": "web_search",
    "requests_kcount": "request",
}

# Charged for what no prompt of ours makes: speech by the hour, video, pages, searches of stored files.
NOT_COUNTED = names(
    """storage_searches_kcount audio_hours input_audio_hours output_audio_hours input_mchars input_text_messages_kcount
    input_document_kpages input_annotated_document_kpages input_video_mtok output_video_mtok"""
)

# A model with one of these is left out: what it costs hangs on counts that its answers do not have.
NOT_PRICEABLE = frozenset({"output_reasoning_mtok", "output_citation_mtok"})

# The circumstances that an answer's service tier names. OpenRouter's route and Perplexity's kind of search are in no
# answer, but both say themselves what they charge.
SERVICE_TIERS = frozenset({"service_tier", "speed", "processing"})


def build() -> dict[str, Any]:
    """The content of each file by its name, but for the version."""
    by_id = {provider.id: provider for provider in providers}
    index = {"source": f"genai-prices {version('genai-prices')}", "hosts": HOSTS, "preferred": PREFERRED}
    return {INDEX: index, **{f"prices/{vendor}.json": _vendor(by_id[vendor]) for vendor in HOSTS}}


def _vendor(provider: types.Provider) -> dict[str, Any]:
    models = (_model(provider.id, model) for model in provider.models)
    makers = [maker for maker in provider.fallback_model_providers or () if maker in HOSTS]
    return {
        # Whose prices are charged for models that this one does not list itself.
        "makers": makers,
        "families": FAMILIES.get(provider.id, {}),
        "models": [model for model in models if model is not None],
    }


def _model(vendor: str, model: types.ModelInfo) -> dict[str, Any] | None:
    """One row; None where it is not charged by what an answer counts."""
    conditional = model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]
    keys = {key for period in conditional for key in _stated(period.prices)}
    is_ours = vendor != RELAY or "/" in model.id
    if "input_mtok" not in keys or keys & NOT_PRICEABLE or not is_ours:
        return None
    row: dict[str, Any] = {"id": model.id}
    # Elsewhere labels would be half of the file, and repeat the id.
    if model.name and vendor in FAMILIES:
        row["label"] = model.name
    if model.context_window and vendor != RELAY:
        row["context_window"] = model.context_window
    rules = [_relative(rule, model.id.lower()) for rule in _rules(model.match) if rule != f"={model.id.lower()}"]
    if rules:
        row["match"] = rules
    row["prices"] = [{**_span(period.constraint), **_rates(period.prices)} for period in conditional]
    if variants := _variants(model.price_variants or ()):
        row["variants"] = variants
    if model.id in NOT_OFFERED.get(vendor, ()):
        row["is_offered"] = False
    return row


def _rules(clause: types.MatchLogic) -> list[str | list[str]]:
    """Alternatives, each a mark and a text; what must hold together stands in a list of its own."""
    match clause:
        case types.ClauseEquals(text):
            return [f"={text.lower()}"]
        case types.ClauseStartsWith(text):
            return [f"^{text.lower()}"]
        case types.ClauseEndsWith(text):
            return [f"${text.lower()}"]
        case types.ClauseContains(text):
            return [f"*{text.lower()}"]
        case types.ClauseRegex(text):
            return [f"/{text}"]
        case types.ClauseOr(clauses):
            return [rule for part in clauses for rule in _rules(part)]
        case types.ClauseAnd(clauses):
            parts = [_rules(part) for part in clauses]
            combined: list[list[str]] = [[]]
            for alternatives in parts:
                combined = [[*so_far, *_flat(rule)] for so_far in combined for rule in alternatives]
            return list(combined)
    raise TypeError(f"unknown clause {clause!r}")


def _relative(rule: str | list[str], model: str) -> str | list[str]:
    """An exact name that continues the model's own (`=NAME-20250929`) as `+-20250929`; half of all rules."""
    if isinstance(rule, str) and rule.startswith(f"={model}"):
        return f"+{rule.removeprefix(f'={model}')}"
    return rule


def _flat(rule: str | list[str]) -> list[str]:
    return [rule] if isinstance(rule, str) else rule


def _variants(variants: Iterable[types.PriceVariant]) -> list[dict[str, Any]]:
    """What differs by service tier, first to last; tiers of the same rates at the same time in one row."""
    rows: list[dict[str, Any]] = []
    for variant in variants:
        ((circumstance, word),) = variant.when.items()
        content = {**_span(variant.constraint), **_rates(variant.prices)}
        if circumstance not in SERVICE_TIERS or not _stated(variant.prices):
            continue
        same = next((row for row in rows if {**row, "service_tiers": None} == {"service_tiers": None, **content}), None)
        if same is not None:
            same["service_tiers"].append(word)
        else:
            rows.append({"service_tiers": [word], **content})
    return rows


def _span(constraint: types.StartDateConstraint | types.TimeOfDateConstraint | None) -> dict[str, Any]:
    match constraint:
        case types.StartDateConstraint(start):
            return {"from": start.isoformat()}
        case types.TimeOfDateConstraint(start_time, end_time):
            return {"between": [start_time.isoformat("minutes")[:5], end_time.isoformat("minutes")[:5]]}
    return {}


def _stated(prices: types.ModelPrice) -> dict[str, Decimal | types.TieredPrices]:
    """What is stated and can be charged here. A key that nobody has looked at yet is refused."""
    stated = {key: value for key, value in vars(prices).items() if value is not None and key not in NOT_COUNTED}
    if unknown := stated.keys() - PRICE_KEYS.keys() - NOT_PRICEABLE:
        raise ValueError(f"new kinds of prices, to be charged or left out: {', '.join(sorted(unknown))}")
    return stated


def _rates(prices: types.ModelPrice) -> dict[str, Any]:
    """Rates, and the tiers above them."""
    stated = _stated(prices)
    values = {name: stated[key] for key, name in PRICE_KEYS.items() if key in stated}
    row: dict[str, Any] = {name: _at(value, None) for name, value in values.items()}
    starts = sorted({tier.start for value in values.values() for tier in getattr(value, "tiers", ())})
    if starts:
        row["tiers"] = [
            {"above": start, **{name: _at(value, start) for name, value in values.items()}} for start in starts
        ]
    return row


def _at(value: Decimal | types.TieredPrices, start: int | None) -> str:
    """The rate past `start` tokens, as plain text without trailing zeros."""
    if isinstance(value, types.TieredPrices):
        reached: Iterable[Decimal] = (tier.price for tier in value.tiers if start is not None and tier.start <= start)
        value = [value.base, *reached][-1]
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def dump(content: Mapping[str, Any]) -> str:
    """Compact, yet a line for each model and family, so that a change can be read in a diff."""
    return "{\n" + ",\n".join(f"{_text(name)}:{_lines(value)}" for name, value in content.items() if value) + "\n}\n"


def _lines(value: Any) -> str:
    if isinstance(value, list) and isinstance(value[0], dict):
        return "[\n" + ",\n".join(map(_text, value)) + "\n]"
    if isinstance(value, Mapping):
        return "{\n" + ",\n".join(f"{_text(name)}:{_text(row)}" for name, row in value.items()) + "\n}"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def texts(day: str) -> dict[Path, str]:
    """Every file as it is to be, dated `day`."""
    built = build()
    built[INDEX] = {"version": day, **built[INDEX]}
    return {DATA / name: dump(content) for name, content in built.items()}


def written() -> dict[Path, str]:
    """Every file as it is."""
    return {path: path.read_text(encoding="utf-8") for path in [*DATA.glob("*.json"), *DATA.glob("prices/*.json")]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 where the files are out of date")
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(tz=UTC).date())
    arguments = parser.parse_args()
    before = written()
    if (DATA / INDEX) in before and texts(json.loads(before[DATA / INDEX])["version"]) == before:
        print("the price list is up to date")
        return 0
    if arguments.check:
        print("the price list is out of date: run scripts/update_prices.py")
        return 1
    after = texts(arguments.date.isoformat())
    for path in before.keys() - after.keys():
        path.unlink()
    for path, text in after.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    count = sum(len(content.get("models", ())) for content in build().values())
    print(f"{count} models in {len(after)} files, {sum(len(text.encode()) for text in after.values()) / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
