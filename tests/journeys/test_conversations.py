"""Conversations: named, listed, branched, copied, instructed and summed up."""

from typing import Any

import pytest

from tests.fake_provider import FakeProvider
from tests.journeys.client import Client
from tests.journeys.rows import Rows
from tests.journeys.upstream import PROVIDERS, Provider, Upstream, catalog_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODEL = "ollama/fake-hello"


async def create(client: Client, **body: str) -> Any:
    answer = await client.post("/api/conversations", body or None)
    assert answer.status == 201
    return answer.json


async def test_an_unnamed_conversation_is_named_by_its_first_prompt(client: Client) -> None:
    conversation = await create(client)
    assert (conversation["title"], conversation["messages"], conversation["message_count"]) == ("", [], 0)
    for prompt in ("Why is the\n sky blue?", "And at night?"):
        await client.answered(prompt, conversation_id=conversation["id"], model=MODEL)
    found = await client.get(f"/api/conversations/{conversation['id']}")
    assert (found["title"], found["model"], found["message_count"]) == ("Why is the sky blue?", MODEL, 4)
    assert found["device_id"] == "phone"


async def test_a_named_conversation_keeps_its_name_and_its_model(client: Client) -> None:
    conversation = await create(client, title="Stars", model=MODEL, system_prompt="Be brief.")
    message = await client.answered("A first prompt", conversation_id=conversation["id"])
    assert message["model"] == MODEL
    place = f"/api/conversations/{conversation['id']}"
    assert (await client.get(place))["title"] == "Stars"
    changed = await client.ask("PATCH", place, {"title": "Planets", "model": "claude-fake-hello"})
    assert (changed.json["title"], changed.json["model"]) == ("Planets", "claude-fake-hello")
    assert (await client.answered("A second", conversation_id=conversation["id"]))["provider"] == "anthropic"


async def test_paging_shows_each_conversation_once_while_new_ones_appear(client: Client) -> None:
    reader = client.at("paging-reader")
    made = [(await create(reader, title=f"Page {at}"))["id"] for at in range(7)]
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        page = await reader.get(f"/api/conversations?limit=2&device_id=paging-reader{cursor}")
        assert len(page["conversations"]) <= 2
        seen += [conversation["id"] for conversation in page["conversations"]]
        await create(reader, title="Newer than where the reader is")
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == list(reversed(made))


async def test_all_devices_see_all_and_may_ask_for_one(client: Client) -> None:
    mine = await create(client.at("kitchen-tablet"), title="Mine")
    other = await create(client.at("office-desk"), title="Other")
    everything = (await client.get("/api/conversations?limit=200"))["conversations"]
    assert {mine["id"], other["id"]} <= {conversation["id"] for conversation in everything}
    only = (await client.get("/api/conversations?device_id=office-desk"))["conversations"]
    assert [conversation["id"] for conversation in only] == [other["id"]]


async def test_a_browser_that_names_itself_not_is_remembered_by_a_cookie(client: Client) -> None:
    nameless = client.at("")
    first = await nameless.post("/api/conversations", headers={"User-Agent": "Mozilla/5.0 (iPhone)"})
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    assert cookie.removeprefix("device_id=") == first.json["device_id"]
    second = await nameless.post("/api/conversations", headers={"Cookie": cookie})
    assert second.json["device_id"] == first.json["device_id"]
    assert "Set-Cookie" not in second.headers


async def test_a_program_is_one_device_however_often_it_calls(client: Client) -> None:
    program = client.at("")
    ids = {(await create(program))["device_id"] for _ in range(3)}
    assert len(ids) == 1


async def test_prompts_continue_branch_and_begin_anew(client: Client, upstream: Upstream) -> None:
    upstream.say_gated("Yes.").release(None)
    first = await client.answered("One", model=upstream.model)
    place = {"conversation_id": first["conversation_id"]}
    second = await client.answered("Two", **place)
    branch = await client.answered("Two, otherwise", parent_id=first["id"])
    root = await client.answered("Anew", parent_id=None, **place)
    conversation = await client.get(f"/api/conversations/{first['conversation_id']}")
    assert conversation["active_leaf_id"] == root["id"]
    prompts = {message["content"]: message for message in conversation["messages"] if message["role"] == "user"}
    assert {text: prompt["parent_id"] for text, prompt in prompts.items()} == {
        "One": None,
        "Two": first["id"],
        "Two, otherwise": first["id"],
        "Anew": None,
    }
    asked = [[each["content"] for each in exchange.body["messages"]] for exchange in upstream.exchanges]
    assert asked == [["One"], ["One", "Yes.", "Two"], ["One", "Yes.", "Two, otherwise"], ["Anew"]]

    # Going back to a leaf makes the next prompt continue there.
    changed = await client.ask(
        "PATCH", f"/api/conversations/{first['conversation_id']}", {"active_leaf_id": second["id"]}
    )
    assert changed.json["active_leaf_id"] == second["id"]
    third = await client.answered("Three", **place)
    assert [each["content"] for each in upstream.exchanges[-1].body["messages"]] == [
        "One",
        "Yes.",
        "Two",
        "Yes.",
        "Three",
    ]
    assert (await client.get(f"/api/messages/{third['parent_id']}"))["parent_id"] == second["id"]
    assert branch["parent_id"] == prompts["Two, otherwise"]["id"]


async def test_retry_leaves_behind_what_the_other_model_does_not_take(client: Client) -> None:
    """Nobody could leave it out: what a retry does not name is as it was."""
    first = await client.answered("Hot", model="ollama/fake-echo", temperature=1.5, reasoning="high", max_tokens=9)
    answer = await client.post(f"/api/messages/{first['id']}/retry", {"model": "claude-fake-echo"})
    assert answer.status == 202, answer.error
    sibling = await client.finished(answer.json["message_id"])
    assert (sibling["provider"], sibling["temperature"], sibling["reasoning"]) == ("anthropic", None, "high")
    asked_for = await client.post(
        f"/api/messages/{first['id']}/retry", {"model": "claude-fake-echo", "temperature": 1.5}
    )
    assert (asked_for.status, asked_for.error["type"]) == (400, "invalid_request")


async def test_retry_with_another_model_gives_a_sibling(client: Client) -> None:
    first = await client.answered("Compare", model=MODEL, temperature=0.5)
    answer = await client.post(f"/api/messages/{first['id']}/retry", {"model": "claude-fake-echo", "temperature": 1})
    second = await client.finished(answer.json["message_id"])
    assert (second["parent_id"], second["provider"], second["content"]) == (first["parent_id"], "anthropic", "Compare")
    assert (first["temperature"], second["temperature"]) == (0.5, 1.0)
    # Who tried another model once did not choose it for what comes next.
    assert (await client.get(f"/api/conversations/{first['conversation_id']}"))["model"] == MODEL
    # A prompt itself can be asked again as well.
    answer = await client.post(f"/api/messages/{first['parent_id']}/retry")
    third = await client.finished(answer.json["message_id"])
    assert (third["parent_id"], third["model"]) == (first["parent_id"], MODEL)


def place_of(conversation: Any, message_id: str | None) -> int | None:
    """Where a message stands in the list; None is nowhere."""
    ids = [message["id"] for message in conversation["messages"]]
    return None if message_id is None else ids.index(message_id)


def tree(conversation: Any) -> list[tuple[int | None, Any]]:
    """The messages without their ids: each with the place of its parent."""
    own = ("id", "conversation_id", "parent_id")
    return [
        (
            place_of(conversation, message["parent_id"]),
            {name: value for name, value in message.items() if name not in own},
        )
        for message in conversation["messages"]
    ]


async def test_a_clone_is_the_same_tree_under_new_ids_and_costs_nothing(client: Client, fake: FakeProvider) -> None:
    upstream = Upstream(fake, "claude-3-opus-latest").say_gated("Dear.")
    upstream.release(None)
    first = await client.answered("One", model=upstream.model)
    second = await client.answered("Two", conversation_id=first["conversation_id"])
    await client.answered("Two, otherwise", parent_id=first["id"])
    summary = await client.get("/api/usage/summary")
    place = f"/api/conversations/{first['conversation_id']}"
    original = await client.get(place)
    assert original["cost"] > 0

    clone = (await client.at("desktop").post(f"{place}/clone")).json
    assert tree(clone) == tree(original)
    assert not {message["id"] for message in clone["messages"]} & {message["id"] for message in original["messages"]}
    assert (clone["title"], clone["model"], clone["device_id"]) == ("One (2)", original["model"], "desktop")
    assert [place_of(each, each["active_leaf_id"]) for each in (original, clone)] == [5, 5]
    assert clone["cost"] == 0
    assert await client.get("/api/usage/summary") == summary

    fork = (await client.post(f"{place}/clone", {"message_id": second["id"]})).json
    assert [message["content"] for message in fork["messages"]] == ["One", "Dear.", "Two", "Dear."]
    assert fork["active_leaf_id"] == fork["messages"][-1]["id"]
    assert await client.get("/api/usage/summary") == summary
    titles = [fork["title"], (await client.post(f"/api/conversations/{fork['id']}/clone")).json["title"]]
    assert titles == ["One (3)", "One (4)"]

    # The copies stand on their own feet.
    assert (await client.ask("DELETE", place)).status == 204
    await client.answered("Three", conversation_id=fork["id"])
    sent = [plain(each["content"]) for each in upstream.exchanges[-1].body["messages"]]
    assert sent == ["One", "Dear.", "Two", "Dear.", "Three"]
    assert await client.get(f"/api/conversations/{clone['id']}") == clone
    copied = clone["messages"][1]
    assert [event.name for event in await client.replay(copied["id"])] == ["start", "delta", "done"]


async def test_a_clone_leaves_behind_what_is_still_made(client: Client, upstream: Upstream) -> None:
    upstream.say_gated("Not yet")
    submission = await client.submit("Wait", model=upstream.model)
    await upstream.waiting()
    clone = (await client.post(f"/api/conversations/{submission['conversation_id']}/clone")).json
    assert [message["content"] for message in clone["messages"]] == ["Wait"]
    assert clone["active_leaf_id"] == clone["messages"][0]["id"]
    assert not clone["is_live"]
    upstream.release(None)
    await client.finished(submission["message_id"])


def plain(content: Any) -> str:
    """A text, or a list of parts that hold one; Anthropic's carry marks for its cache."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def system_of(provider: Provider, body: Any) -> str | None:
    """Where each dialect carries it."""
    if provider == "openai":
        found = body.get("instructions")
    elif provider == "anthropic":
        found = body.get("system")
    else:
        found = next((each["content"] for each in body["messages"] if each["role"] in ("system", "developer")), None)
    return None if found is None else plain(found)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_system_text_takes_effect_from_the_next_prompt(
    provider: Provider, client: Client, fake: FakeProvider
) -> None:
    upstream = Upstream(fake, catalog_id(provider, "instructed")).say_gated("Aye.")
    upstream.release(None)
    first = await client.answered("One", model=upstream.model)
    place = f"/api/conversations/{first['conversation_id']}"
    answer = await client.post(f"{place}/system", {"system_text": "Speak like a pirate."})
    assert (answer.status, answer.json["system_prompt"]) == (200, "Speak like a pirate.")
    await client.answered("Two", conversation_id=first["conversation_id"])
    await client.post(f"{place}/system", {"system_text": "Be brief."})
    await client.answered("Three", conversation_id=first["conversation_id"])
    await client.answered("Four", conversation_id=first["conversation_id"], system_text="In French.")
    asked = [system_of(provider, exchange.body) for exchange in upstream.exchanges]
    assert asked == [
        None,
        "Speak like a pirate.",
        "Speak like a pirate.\n\nBe brief.",
        "Speak like a pirate.\n\nBe brief.\n\nIn French.",
    ]
    assert (await client.get(place))["system_prompt"] == asked[3]


async def test_the_summary_adds_up_by_device_and_model(client: Client, rows: Rows) -> None:
    device = client.at("summary-device")
    before = await device.get("/api/usage/summary")
    empty = await device.get("/api/usage/summary?scope=device")
    assert (empty["totals"]["requests"], empty["totals"]["cost"], empty["by_model"]) == (0, 0.0, [])

    await device.answered(model="ollama/fake-cached")
    await device.answered(model="ollama/fake-cached")
    await device.answered(model="claude-fake-reasoning")
    await device.answered(model="ollama/fake-404")
    mine = await device.get("/api/usage/summary?scope=device")
    assert mine["device_id"] == "summary-device"
    assert await client.get("/api/usage/summary?scope=device&device_id=summary-device") == mine
    totals = mine["totals"]
    assert (totals["requests"], totals["failed"], totals["unpriced"], totals["estimated"]) == (4, 1, 3, 0)
    assert (totals["tokens_input"], totals["tokens_output"]) == (111 * 2 + 11, 7 * 2 + 19)
    assert totals["tokens_cache_read"] == 160
    by_model = {row["model"]: row for row in mine["by_model"]}
    assert by_model["ollama/fake-cached"]["requests"] == 2
    assert by_model["ollama/fake-cached"]["cost"] is None
    assert by_model["claude-fake-reasoning"]["provider"] == "anthropic"
    assert sum(row["requests"] for row in mine["by_model"]) == 4
    after = await device.get("/api/usage/summary")
    assert after["totals"]["requests"] == before["totals"]["requests"] + 4
    assert after["totals"]["requests"] == rows.one("SELECT count(*) AS n FROM usage_logs WHERE user_id = 'owner'")["n"]


async def test_a_filter_left_empty_filters_nothing(client: Client) -> None:
    await client.answered()
    everything = await client.get("/api/conversations?limit=1")
    assert await client.get("/api/conversations?limit=1&cursor=&device_id=") == everything
