"""Asks a running instance one short question by its HTTP API, and looks at everything that question touches.

    python scripts/smoke_api.py --url http://127.0.0.1:8000 --model gpt-5-mini

Prints what it sees line by line, ends with 0 when all is well, and takes away the conversation it made. With a real
key it costs a fraction of a cent. Needs nothing but Python; knows no more of the instance than docs/events.md says.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

DEFAULT_URL = "http://127.0.0.1:8000"
PROMPT = "Reply with one word: which planet do we live on?"
PATIENCE_SECONDS = 180.0
"""Of silence. Longer than an instance waits for a provider's first token."""


class Failed(Exception):
    """The instance is not as it should be."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--url",
        default=os.environ.get("LLM_ROUTER_URL", DEFAULT_URL),
        help=f"where the instance is (default: LLM_ROUTER_URL, else {DEFAULT_URL})",
    )
    parser.add_argument("--model", help="whom to ask (default: the instance's own default)")
    options = parser.parse_args()
    try:
        smoke(Instance(options.url), options.model)
    except (Failed, OSError) as error:
        print(f"FAILED  {error}")
        return 1
    print("All is well.")
    return 0


def smoke(instance: "Instance", model: str | None) -> None:
    health = instance.json("GET", "/health")
    say("health", f"{health['status']}, version {health['version']}, data in {health['database']['path']}")
    for provider in health["providers"]:
        state = "configured" if provider["configured"] else f"not configured ({provider['detail']})"
        say("provider", f"{provider['name']}: {state}")
    check(health["status"] == "ok", f"the database cannot be written: {health['database'].get('reason')}")

    catalog = instance.json("GET", "/api/usage/models")
    usable = [each["id"] for each in catalog["models"] if each["available"]]
    model = model or catalog["defaults"]["chat"]
    say("models", f"{len(usable)} of {len(catalog['models'])} can be used; asking {model}")
    check(model is not None, "nothing can answer: set a key in .env, or LOCAL_MODEL=on")

    before = instance.json("GET", "/api/usage/summary?scope=overall")["totals"]
    conversation_id = None
    try:
        events = instance.events("POST", "/api/chat/stream", {"message": PROMPT, "model": model, "max_tokens": 400})
        first = next(events, None)
        check(first is not None and first[1] == "start", f"the stream begins with {first}")
        assert first is not None
        conversation_id, message_id = first[2]["conversation_id"], first[2]["message_id"]
        told = [first, *events]
        message = ended(told)
        say_answer(told, message)
        look_again(instance, conversation_id, message_id, told, message)
        after = instance.json("GET", "/api/usage/summary?scope=overall")["totals"]
        say("usage", f"{after['requests']} calls so far, {money(after['cost'])}, {after['unpriced']} of them unpriced")
        check(after["requests"] > before["requests"], "the call was not written down")
    finally:
        if conversation_id:
            instance.json("DELETE", f"/api/conversations/{conversation_id}")
            status, _ = instance.ask("GET", f"/api/conversations/{conversation_id}")
            say("clean up", f"the conversation was deleted, and now answers {status}")
    check(status == 404, "the conversation is still there")


def ended(told: list["Event"]) -> dict[str, Any]:
    """The message that the last event brings."""
    name, data = told[-1][1:]
    check(name == "done", f"the answer ended with {name}: {data.get('error')}")
    check([number for number, _, _ in told] == list(range(1, len(told) + 1)), "the events are not numbered 1, 2, 3 …")
    message: dict[str, Any] = data["message"]
    check(message["status"] == "complete", f"the message is {message['status']}")
    check(bool(message["content"].strip()), "the answer is empty")
    return message


def say_answer(told: list["Event"], message: dict[str, Any]) -> None:
    for _, name, data in told:
        if name == "notice":
            say("notice", data["text"])
    say("answer", f"{' '.join(message['content'].split())[:200]!r} in {len(told)} events")
    tokens = f"{message['tokens_input']} tokens in, {message['tokens_output']} out"
    say("receipt", f"{tokens}, {money(message['cost'])} ({message['cost_status']}), {message['duration']:.2f} s")
    pieces = "".join(data["text"] for _, name, data in told if name == "delta")
    check(pieces == message["content"], "what was streamed is not what was kept")


def look_again(
    instance: "Instance", conversation_id: str, message_id: str, told: list["Event"], message: dict[str, Any]
) -> None:
    """The same answer by every other door."""
    path = f"/api/messages/{message_id}"
    check(instance.json("GET", path) == message, "the message is another when it is fetched")
    middle = len(told) // 2
    resumed = list(instance.events("GET", f"{path}/stream", headers={"Last-Event-ID": str(middle)}))
    say("resume", f"after event {middle} of {len(told)} came {len(resumed)} more")
    check(resumed == told[middle:], "a resumed stream is not the rest of the first one")
    conversation = instance.json("GET", f"/api/conversations/{conversation_id}")
    say("conversation", f"{conversation['title']!r} with {conversation['message_count']} messages")
    check(conversation["active_leaf_id"] == message_id, "the answer is not the conversation's last message")
    check([each["role"] for each in conversation["messages"]] == ["user", "assistant"], "messages are missing")
    listed = instance.json("GET", "/api/conversations?limit=50")["conversations"]
    check(conversation_id in [each["id"] for each in listed], "the conversation is not in the list")


def say(what: str, seen: str) -> None:
    print(f"{what:<14}{seen}", flush=True)


def check(fact: bool, otherwise: str) -> None:
    if not fact:
        raise Failed(otherwise)


def money(dollars: float | None) -> str:
    return "no price known" if dollars is None else f"${dollars:.6f}"


Event = tuple[int, str, dict[str, Any]]
"""Number, name and data."""


class Instance:
    """A running LLM Router."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON, whatever the status."""
        try:
            with self._open(method, path, body, {}) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read() or b"null")

    def json(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer that went well, or that of an instance that says why it is not well."""
        status, answer = self.ask(method, path, body)
        if status >= 400 and path != "/health":
            raise Failed(f"{method} {path} answered {status}: {answer}")
        return answer

    def events(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[Event]:
        """The events of a stream as they come."""
        try:
            with self._open(method, path, body, headers or {}) as answer:
                fields: dict[str, str] = {}
                for line in answer:
                    name, _, value = line.decode().rstrip("\n").partition(": ")
                    if name and value:
                        fields[name] = value
                    elif "data" in fields:
                        yield int(fields["id"]), fields["event"], json.loads(fields["data"])
                        fields = {}
        except urllib.error.HTTPError as refusal:
            raise Failed(f"{method} {path} answered {refusal.code}: {refusal.read().decode()}") from None

    def _open(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "X-Device-ID": "smoke", **headers}
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        return urllib.request.urlopen(request, timeout=PATIENCE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
