"""The providers' own reports, in the shapes their documentation and their exports have."""

import contextlib
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.wire.reports import Report, ReportError, ReportLine, read_report

DAY = date(2026, 11, 2)
EPOCH = 1_793_577_600
"""Of that day, in seconds since 1970."""


def openai_page(*results: dict[str, Any], start: int = EPOCH, **page: Any) -> dict[str, Any]:
    bucket = {"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": list(results)}
    return {"object": "page", "data": [bucket], "has_more": False, "next_page": None, **page}


def anthropic_page(*results: dict[str, Any], day: str = "2026-11-02") -> dict[str, Any]:
    bucket = {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{day}T23:59:59Z", "results": list(results)}
    return {"data": [bucket], "has_more": False, "next_page": None}


OPENAI_USAGE = {
    "object": "organization.usage.completions.result",
    "input_tokens": 27_444,
    "input_cached_tokens": 8448,
    "input_cache_write_tokens": 1200,
    "output_tokens": 500,
    "num_model_requests": 5,
    "project_id": "proj_x",
    "user_id": None,
    "api_key_id": None,
    "model": "gpt-5.6-terra",
    "batch": False,
    "service_tier": "flex",
}
OPENAI_COST = {
    "object": "organization.costs.result",
    "amount": {"value": 0.1, "currency": "usd"},
    "line_item": "gpt-4o-2024-08-06, cached input",
    "project_id": None,
}
ANTHROPIC_USAGE = {
    "uncached_input_tokens": 1500,
    "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
    "cache_read_input_tokens": 200,
    "output_tokens": 70,
    "server_tool_use": {"web_search_requests": 10},
    "model": "claude-opus-5",
    "service_tier": "standard",
    "context_window": "0-200k",
}
ANTHROPIC_COST = {
    "amount": "123.45",
    "currency": "USD",
    "cost_type": "tokens",
    "token_type": "output_tokens",
    "model": "claude-opus-5",
    "description": "Claude Opus 5 Usage - Output Tokens",
    "service_tier": "standard",
}


def read(document: Any, **options: Any) -> Report:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_report("report", data, **options)


def one(document: Any) -> ReportLine:
    [line] = read(document).lines
    return line


# What is read


def test_openai_usage_counts_the_cached_within_the_input() -> None:
    report = read(openai_page(OPENAI_USAGE))
    assert (report.provider, report.form, report.has_tokens, report.has_costs) == (
        "openai",
        "OpenAI usage (completions)",
        True,
        False,
    )
    assert report.lines == (
        ReportLine(
            DAY,
            "gpt-5.6-terra",
            requests=5,
            tokens_input=27_444,
            tokens_output=500,
            tokens_cache_read=8448,
            tokens_cache_write=1200,
            service_tier="flex",
        ),
    )
    assert one(openai_page({**OPENAI_USAGE, "batch": True})).service_tier == "batch"


@pytest.mark.parametrize("value", ["0.1", 0.1])
def test_openai_costs_are_exact_as_a_number_and_as_text(value: Any) -> None:
    line = one(openai_page({**OPENAI_COST, "amount": {"value": value, "currency": "usd"}}))
    assert line == ReportLine(DAY, "gpt-4o-2024-08-06", cost=Decimal("0.1"))


@pytest.mark.parametrize(
    ("line_item", "model", "item"),
    [
        (None, None, None),
        ("gpt-5-mini-2025-08-07, output", "gpt-5-mini-2025-08-07", None),
        ("gpt-image-1 image, output", "gpt-image-1", None),
        ("o1, input", "o1", None),
        ("ft:gpt-4o-mini-2024-07-18:me::x, input", "ft:gpt-4o-mini-2024-07-18:me::x", None),
        ("web search tool calls", None, "web search tool calls"),
        ("web-search tool calls, gpt-4o-2024-08-06", None, "web-search tool calls, gpt-4o-2024-08-06"),
        ("gpt-4o-2024-08-06 fine-tuning hours", None, "gpt-4o-2024-08-06 fine-tuning hours"),
        ("gpt-realtime-2025-08-28 audio, output", "gpt-realtime-2025-08-28", None),
        (", input", None, ", input"),
        (" ", None, " "),
        ("assistants api | file search", None, "assistants api | file search"),
        ("Image models", None, "Image models"),
    ],
)
def test_an_openai_line_item_is_a_model_or_something_else(line_item: Any, model: Any, item: Any) -> None:
    line = one(openai_page({**OPENAI_COST, "line_item": line_item}))
    assert (line.model, line.item) == (model, item)


def test_anthropic_usage_leaves_the_cached_out_and_we_count_them_in() -> None:
    report = read(anthropic_page(ANTHROPIC_USAGE))
    assert report.form == "Anthropic usage report (messages)"
    assert report.lines == (
        ReportLine(
            DAY,
            "claude-opus-5",
            tokens_input=3200,
            tokens_output=70,
            tokens_cache_read=200,
            tokens_cache_write=1500,
            web_searches=10,
            service_tier="standard",
        ),
    )


def test_anthropic_costs_are_in_cents() -> None:
    assert one(anthropic_page(ANTHROPIC_COST)).cost == Decimal("1.2345")
    search = one(anthropic_page({**ANTHROPIC_COST, "cost_type": "web_search", "model": None}))
    assert (search.model, search.item) == (None, "web_search")


def test_anthropics_newer_interface_has_a_row_a_bucket() -> None:
    row = {"starting_at": "2026-11-02T00:00:00Z", "ending_at": "2026-11-03T00:00:00Z"}
    usage = {name: value for name, value in ANTHROPIC_USAGE.items() if name not in ("model", "service_tier")}
    page = {"data": [{**row, "group": {"model": "claude-opus-5"}, "usage": {**usage, "requests": 3}}]}
    line = one(page)
    assert (line.model, line.requests, line.tokens_input, line.web_searches) == ("claude-opus-5", 3, 3200, 10)
    cost = {"amount": "123.45", "currency": "USD", "list_amount": "130", "requests": None}
    page = {"data": [{**row, "group": {"model": "claude-opus-5", "cost_type": "tokens"}, "cost": cost}]}
    assert (one(page).cost, read(page).form) == (Decimal("1.2345"), "Anthropic cost (analytics API)")


def test_pages_in_a_list_are_one_report_and_a_missing_page_is_known() -> None:
    first = openai_page(OPENAI_USAGE, has_more=True, next_page="x")
    second = openai_page(OPENAI_USAGE, start=EPOCH + 86_400)
    both = read([first, second])
    assert (len(both.lines), both.days, both.is_cut) == (2, (DAY, date(2026, 11, 3)), False)
    assert read(first).is_cut


def test_days_on_which_nothing_was_used_are_known() -> None:
    page = openai_page(OPENAI_COST)
    page["data"].append({"object": "bucket", "start_time": EPOCH + 86_400, "end_time": EPOCH + 172_800, "results": []})
    assert read(page).days == (DAY, date(2026, 11, 3))


OPENAI_USAGE_CSV = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,"
    "service_tier,input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens\n"
    f"{EPOCH},{EPOCH + 86400},2026-11-02T00:00:00+00:00,2026-11-03T00:00:00+00:00,p,10.0,u,k,gpt-4o-2024-08-06,FALSE,"
    "default,59200.0,10646.0,5760.0,53440.0\n"
    f"{EPOCH + 86400},{EPOCH + 172800},2026-11-03T00:00:00+00:00,2026-11-04T00:00:00+00:00,,,,,,,,,,,\n"
)
OPENAI_COST_CSV = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,"
    "organization_id,organization_name\n"
    f"{EPOCH},{EPOCH + 86400},2026-11-02T00:00:00+00:00,2026-11-03T00:00:00+00:00,0.8958740000000000,usd,,,org,Me\n"
    f"{EPOCH + 86400},{EPOCH + 172800},2026-11-03T00:00:00+00:00,2026-11-04T00:00:00+00:00,,,,,,\n"
)
ANTHROPIC_USAGE_CSV = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count,inference_geo,speed\n"
    '2026-11-02,claude-opus-5,"mine, the first",Default,standard,≤ 200k,46981,15969,100,7,16932,2,global,\n'
)
ANTHROPIC_COST_CSV = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,"
    "inference_geo,speed\n"
    "2026-11-02,Claude Haiku 4.5,Default,k,message,≤ 200k,input_no_cache,0.05,0.05,token,global,\n"
    "2026-11-02,,Default,k,message,,,0.02,0.02,web_search,global,\n"
)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_the_dashboards_csv_files(newline: str, bom: bytes) -> None:
    def lines(text: str) -> tuple[ReportLine, ...]:
        return read(bom + text.replace("\n", newline).encode()).lines

    [line] = lines(OPENAI_USAGE_CSV)
    counts = (line.requests, line.tokens_input, line.tokens_output, line.tokens_cache_read)
    assert (line.day, line.model, counts) == (DAY, "gpt-4o-2024-08-06", (10, 59_200, 10_646, 5760))
    assert lines(OPENAI_COST_CSV) == (ReportLine(DAY, None, cost=Decimal("0.895874")),)
    assert read(OPENAI_COST_CSV.encode()).days == (DAY, date(2026, 11, 3))
    [line] = lines(ANTHROPIC_USAGE_CSV)
    assert (line.model, line.tokens_input, line.tokens_cache_write) == ("claude-opus-5", 63_057, 16_069)
    tokens, search = lines(ANTHROPIC_COST_CSV)
    assert (tokens.model, tokens.cost, tokens.rounding) == ("Claude Haiku 4.5", Decimal("0.05"), Decimal("0.005"))
    assert (search.model, search.item) == (None, "web_search")


def test_a_table_saved_by_a_spreadsheet_with_tabs_is_the_same() -> None:
    assert read(OPENAI_USAGE_CSV.replace(",", "\t").encode()) == read(OPENAI_USAGE_CSV.encode())


# What is refused, and where


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"\xff\xfe", "report:1: expected UTF-8 text"),
        (b"", "report:1: expected a report with the columns"),
        (b"a,b\n1,2\n", "report:1: expected a report with the columns"),
        (b'{"data": [', "report:1: not JSON"),
        (b"{" * 100_000, "report:1: not JSON"),
        (b"[" * 100_000, "report: not JSON that can be read"),
        (b'{"data": [NaN]}', "report: not JSON that can be read: NaN is not a number"),
        ({"object": "list"}, "report: data: expected the list of buckets"),
        ([7], "report: [0]: expected a page of a report"),
        ({"data": [7]}, "report: data[0]: expected an object"),
        ({"data": []}, "report: the report is empty"),
        ({"data": [{"start_time": "soon", "results": []}]}, "report: data[0].start_time: expected a day or a time"),
        ({"data": [{"start_time": 10**30, "results": []}]}, "report: data[0].start_time: expected a day or a time"),
        ({"data": [{"start_time": EPOCH}]}, "report: data[0].results: expected a list, found nothing"),
        (
            openai_page({**OPENAI_COST, "object": "organization.usage.images.result"}),
            "report: data[0].results[0].object: expected organization.usage.completions.result or",
        ),
        (
            openai_page({**OPENAI_COST, "amount": {"value": 1, "currency": "eur"}}),
            "report: data[0].results[0].amount.currency: expected the currency \"usd\", found 'eur'",
        ),
        (
            openai_page({**OPENAI_COST, "amount": {"currency": "usd"}}),
            "report: data[0].results[0].amount.value: expected an amount of money, found nothing",
        ),
        (
            openai_page({**OPENAI_USAGE, "output_tokens": -1}),
            "report: data[0].results[0].output_tokens: expected a count, found -1",
        ),
        (
            openai_page({**OPENAI_USAGE, "input_tokens": None}),
            "report: data[0].results[0].input_tokens: expected a count, found nothing",
        ),
        (
            openai_page({**OPENAI_USAGE, "input_tokens": True}),
            "report: data[0].results[0].input_tokens: expected a number, found True",
        ),
        (openai_page(OPENAI_USAGE, OPENAI_COST), "report: expected one kind of report, found OpenAI usage"),
        (
            b'{"data":[{"start_time":1793577600,"results":[{"object":"organization.costs.result",'
            b'"amount":{"value":1e9999999,"currency":"usd"}}]}]}',
            "report: data[0].results[0].amount.value: expected a number, found '1E+9999999'",
        ),
        ({"data": [{"start_time": 253_370_764_800, "results": []}]}, "report: data[0].start_time: expected a day"),
        (ANTHROPIC_COST_CSV.replace("0.05", "1e-9999999").encode(), "report:2: cost_usd: expected a number"),
        (OPENAI_USAGE_CSV.replace("59200.0", "59200.5").encode(), "report:2: input_tokens: expected a count"),
        (
            OPENAI_USAGE_CSV.replace("59200.0", "many").encode(),
            "report:2: input_tokens: expected a number, found 'many'",
        ),
        (OPENAI_COST_CSV.replace("usd", "gbp").encode(), "report:2: amount_currency: expected the currency"),
        ((ANTHROPIC_COST_CSV + "2026-11-02,x\n").encode(), "report:4: expected 12 columns, found 2"),
        (ANTHROPIC_COST_CSV.replace("0.05", "five").encode(), "report:2: cost_usd: expected a number, found 'five'"),
        (ANTHROPIC_COST_CSV.replace("2026-11-02", "2.11.").encode(), "report:2: usage_date_utc: expected a day"),
        (ANTHROPIC_COST_CSV.replace("0.05", '"0').encode(), "report:2: not CSV"),
        (ANTHROPIC_COST_CSV.replace("0.05", "x" * 200_000).encode(), "report:2: not CSV: field larger"),
        (ANTHROPIC_COST_CSV.partition("\n")[0].encode(), "report: the report is empty"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(document: Any, message: str) -> None:
    with pytest.raises(ReportError) as refused:
        read(document)
    assert str(refused.value).startswith(message)
    assert len(str(refused.value)) < 500


def test_a_report_of_the_other_provider_is_refused() -> None:
    assert read(openai_page(OPENAI_USAGE), provider="openai").lines
    with pytest.raises(ReportError, match="expected a report of anthropic, found one of openai"):
        read(openai_page(OPENAI_USAGE), provider="anthropic")


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_bytes_are_a_report_or_refused(data: bytes) -> None:
    with contextlib.suppress(ReportError):
        assert read(data).lines


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([OPENAI_USAGE, OPENAI_COST, ANTHROPIC_USAGE, ANTHROPIC_COST]), st.data())
def test_any_field_of_any_kind_is_read_or_refused(result: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(result)))
    changed = {**result, name: data.draw(JSON)}
    page = openai_page(changed) if "object" in result else anthropic_page(changed)
    with contextlib.suppress(ReportError):
        assert read(page).lines
