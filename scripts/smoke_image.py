"""Has a running instance make one small image, looks at it, and takes it away again.

    python scripts/smoke_image.py --url http://127.0.0.1:8000 --model gpt-image-1-mini --save cat.png

Where no model makes images it says so and ends with 0. With a real key it costs about a cent. Needs nothing but
Python; knows no more of the instance than docs/events.md says.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

DEFAULT_URL = "http://127.0.0.1:8000"
PROMPT = "A single green terminal cursor on black, nothing else"
PATIENCE_SECONDS = 330.0
"""Longer than an instance waits for an image."""

BEGINNINGS = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8", "image/webp": b"RIFF", "image/gif": b"GIF8"}


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
    parser.add_argument("--save", type=Path, help="a file to keep the image in")
    options = parser.parse_args()
    try:
        return smoke(options.url.rstrip("/"), options.model, options.save)
    except (Failed, OSError) as error:
        print(f"FAILED  {error}")
        return 1


def smoke(url: str, model: str | None, save: Path | None) -> int:
    catalog = ask(url, "GET", "/api/usage/models")
    painters = [each for each in catalog["models"] if each["generates_images"]]
    model = model or catalog["defaults"]["image"]
    if model is None:
        reasons = sorted({each["unavailable_reason"] for each in painters} - {None})
        print(f"No image model is available: {'; '.join(reasons) or 'none is known'}. Nothing to look at.")
        return 0
    say("models", f"{sum(each['available'] for each in painters)} make images; asking {model}")

    # The cheapest there is, where the model knows the word.
    body = {"prompt": PROMPT, "model": model} | ({"quality": "low"} if model.startswith("gpt-image") else {})
    made = ask(url, "POST", "/api/images/generate", body)
    if "image" not in made:
        raise Failed(f"the image was not there in time; it may still come in conversation {made['conversation_id']}")
    try:
        image, message = made["image"], made["message"]
        say("image", f"{image['media_type']} by {image['model']}, in {message['duration']:.1f} s")
        if image["revised_prompt"]:
            say("prompt", f"revised to {image['revised_prompt']!r}")
        cost = "no price known" if message["cost"] is None else f"${message['cost']:.6f}"
        say("receipt", f"{cost} ({message['cost_status']})")
        content = fetch(url, "GET", image["url"])
        say("file", f"{len(content)} bytes from {image['url']}")
        if not content.startswith(BEGINNINGS[image["media_type"]]):
            raise Failed(f"the file is no {image['media_type']}")
        if save:
            save.write_bytes(content)
            say("kept", str(save))
    finally:
        fetch(url, "DELETE", f"/api/conversations/{made['conversation_id']}")
        say("clean up", "the conversation was deleted, and the image with it")
    if is_there(url, image["url"]):
        raise Failed("the image is still there")
    print("All is well.")
    return 0


def say(what: str, seen: str) -> None:
    print(f"{what:<14}{seen}", flush=True)


def ask(url: str, method: str, path: str, body: object = None) -> Any:
    return json.loads(fetch(url, method, path, body))


def fetch(url: str, method: str, path: str, body: object = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "X-Device-ID": "smoke"}
    request = urllib.request.Request(url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as refusal:
        raise Failed(f"{method} {path} answered {refusal.code}: {refusal.read().decode()}") from None


def is_there(url: str, path: str) -> bool:
    try:
        fetch(url, "GET", path)
    except Failed as refused:
        return " answered 404" not in str(refused)
    return True


if __name__ == "__main__":
    sys.exit(main())
