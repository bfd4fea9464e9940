"""The commands that read and mend the ledger, in a shell beside the running server."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fake_provider import Answer, FakeProvider, Text, Tokens
from tests.journeys.client import Client
from tests.journeys.conftest import Start
from tests.journeys.server import PATIENCE_SECONDS
from tests.journeys.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODEL = "gpt-5-nano"
"""$0.05 a million in and $0.40 out, by the bundled list."""


async def shell(client: Client, *arguments: str, typed: str = "") -> tuple[int, str, str]:
    """`llm-router …` in the server's folder: its status, and what it said on both channels."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("llm-router"),
        *arguments,
        cwd=client.server.folder,
        env={"PATH": os.environ["PATH"]},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        said, failed = await process.communicate(typed.encode())
    return process.returncode or 0, said.decode(), failed.decode()


async def answered(client: Client, fake: FakeProvider, tokens_input: int, tokens_output: int) -> Any:
    answer = Answer((Text("Yes."),), tokens=Tokens(tokens_input, tokens_output))
    Upstream(fake, MODEL).script(answer)
    return await client.answered(model=f"openai/{MODEL}")


async def test_a_corrected_price_is_shown_first_and_then_written_down_beside_the_server(
    start: Start, fake: FakeProvider
) -> None:
    client = await start()
    message = await answered(client, fake, 1000, 500)
    assert message["cost"] == 0.00025
    configuration = client.server.folder / "llm-router.toml"
    with configuration.open("a", encoding="utf-8") as file:
        file.write(f'\n[prices."{MODEL}"]\ninput = 1\noutput = 2\n')

    command = ("reprice", "--since", "2020-01-01", "--model", MODEL)
    status, said, _ = await shell(client, *command)
    assert status == 0
    cells = [line.split() for line in said.splitlines()]
    assert cells[0] == ["day", "model", "calls", "changed", "old", "new", "difference", "unpriced"]
    assert cells[1][1:] == [MODEL, "1", "1", "$0.00025", "$0.0020", "+$0.00175"]
    assert cells[2] == ["total", "1", "1", "$0.00025", "$0.0020", "+$0.00175"]
    assert said.endswith("Nothing was changed. With --apply this is written down.\n")

    assert (await shell(client, *command, "--apply", typed="\n"))[0] == 1
    shown = await client.get(f"/api/messages/{message['id']}")
    assert shown["cost"] == 0.00025

    status, said, _ = await shell(client, *command, "--apply", typed="y\n")
    assert (status, said.endswith("[y/N] 1 call has its new price.\n")) == (0, True)
    shown = await client.get(f"/api/messages/{message['id']}")
    assert (shown["cost"], shown["cost_status"]) == (0.002, "exact")
    assert (await client.get("/api/usage/summary"))["totals"]["cost"] == 0.002
    [log] = (await client.get("/api/usage/logs"))["logs"]
    assert (log["cost"], log["price_version"]) == (0.002, "configured")
    status, said, _ = await shell(client, *command, "--apply", "--yes")
    assert (status, said) == (0, "1 call costs today what it is booked at: $0.0020.\n")


async def test_a_providers_bill_is_compared_with_the_ledger_of_a_running_server(
    start: Start, fake: FakeProvider
) -> None:
    client = await start()
    await answered(client, fake, 1000, 500)
    [log] = (await client.get("/api/usage/logs"))["logs"]
    moment = datetime.fromisoformat(log["timestamp"])
    midnight = int(datetime(moment.year, moment.month, moment.day, tzinfo=UTC).timestamp())

    def bill(dollars: str) -> None:
        amount = {"value": dollars, "currency": "usd"}
        result = {"object": "organization.costs.result", "amount": amount, "line_item": f"{MODEL}, output"}
        bucket = {"object": "bucket", "start_time": midnight, "end_time": midnight + 86_400, "results": [result]}
        (client.server.folder / "bill.json").write_text(json.dumps({"data": [bucket], "has_more": False}))

    bill("0.00025")
    status, said, _ = await shell(client, "reconcile", "bill.json", "--fail-above", "0")
    assert status == 0
    row = [str(moment.date()), MODEL, "1", "$0.00025", "$0.00025", "$0.0000", "0"]
    assert row in [line.split() for line in said.splitlines()]

    bill("0.00050")
    status, said, _ = await shell(client, "reconcile", "bill.json", "--fail-above", "49.9")
    assert (status, "-50.00" in said) == (3, True)
    status, said, _ = await shell(client, "reconcile", "bill.json", "--json", "--provider", "openai")
    assert status == 0
    total = json.loads(said)["total"]
    assert total["drift"] == {"tokens": None, "cost": -0.00025, "percent": -50.0}

    status, _, failed = await shell(client, "reconcile", "bill.json", "--provider", "anthropic")
    assert status == 2
    assert failed.startswith("llm-router: bill.json: expected a report of anthropic")
    (client.server.folder / "bad.csv").write_text("usage_date_utc,model,cost_usd\n2026-11-02,Claude Opus 5,dear\n")
    status, _, failed = await shell(client, "reconcile", "bad.csv")
    assert (status, failed) == (2, "llm-router: bad.csv:2: cost_usd: expected a number, found 'dear'\n")


async def test_without_a_database_they_say_so_and_make_none(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("llm-router"),
        "reprice",
        "--since",
        "2026-11-01",
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, failed = await process.communicate()
    assert process.returncode == 1
    assert f"There is no database at {tmp_path}/data/llm-router.db yet." in failed.decode()
    assert os.listdir(tmp_path) == []
