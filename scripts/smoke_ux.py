"""Opens the page of a running instance in a real Chromium, phone-sized, and looks at what it draws.

    python scripts/smoke_ux.py --url http://127.0.0.1:8000 --screenshot page.png

The browser is $CHROMIUM or whatever scripts/find_chromium.sh finds. It runs without a window and with a profile that
is thrown away, sends no prompt, and leaves nothing behind. What a person does with the page is tested in frontend/e2e.
"""

import argparse
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

DEFAULT_URL = "http://127.0.0.1:8000"
PATIENCE_SECONDS = 60.0
PAGE_SECONDS = 10
"""What the page is given to draw itself, by its own clock, which does not wait in vain."""

PHONE = "390,844"


class Failed(Exception):
    """The page is not as it should be."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--url",
        default=os.environ.get("LLM_ROUTER_URL", DEFAULT_URL),
        help=f"where the instance is (default: LLM_ROUTER_URL, else {DEFAULT_URL})",
    )
    parser.add_argument("--screenshot", type=Path, help="a PNG file to keep a picture of the page in")
    parser.add_argument("--size", default=PHONE, help=f"width,height of the window (default: {PHONE})")
    options = parser.parse_args()
    try:
        smoke(options.url.rstrip("/"), options.size, options.screenshot)
    except (Failed, OSError, subprocess.SubprocessError) as error:
        print(f"FAILED  {error}")
        return 1
    print("All is well.")
    return 0


def smoke(url: str, size: str, screenshot: Path | None) -> None:
    with urllib.request.urlopen(f"{url}/health", timeout=PATIENCE_SECONDS) as answer:
        version = json.loads(answer.read())["version"]
    chromium = find_chromium()
    say("browser", chromium)
    page = browse(chromium, url, size, "--dump-dom")
    title = first(r"<title>(.*?)</title>", page)
    say("title", title)
    check("llm router" in title, "the page has another title")
    placeholder = first(r'<textarea[^>]*aria-label="prompt"[^>]*placeholder="([^"]*)"', page)
    say("prompt box", placeholder)
    check(bool(placeholder), "there is no box to write a prompt in")
    boot = [re.sub(r"<[^>]+>", " ", line) for line in re.findall(r'<p class="boot-[^"]*">(.*?)</p>', page, re.DOTALL)]
    for line in boot:
        say("boot", " ".join(html.unescape(line).split()))
    check(any(version in line for line in boot), f"the page does not tell the server's version, {version}")
    check(not any(line.rstrip().endswith("…") for line in boot[:3]), "the page still waits for the server")
    if screenshot:
        browse(chromium, url, size, f"--screenshot={screenshot.resolve()}")
        check(screenshot.is_file(), "no picture was taken")
        say("picture", str(screenshot))


def find_chromium() -> str:
    found = subprocess.run(
        [Path(__file__).with_name("find_chromium.sh")], stdout=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS
    )
    if found.returncode:
        raise Failed("no Chromium was found: install one, or name it in CHROMIUM")
    return found.stdout.strip()


def browse(chromium: str, url: str, size: str, wish: str) -> str:
    """What Chromium writes on standard output once the page has drawn itself."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            *(chromium, "--headless=new", f"--user-data-dir={profile}", f"--window-size={size}"),
            *("--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
            f"--virtual-time-budget={PAGE_SECONDS * 1000}",
            # Chromium refuses its sandbox to root.
            *(("--no-sandbox",) if os.geteuid() == 0 else ()),
            wish,
            f"{url}/",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    if done.returncode:
        raise Failed(f"Chromium ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def first(pattern: str, page: str) -> str:
    match = re.search(pattern, page, re.DOTALL)
    return html.unescape(match.group(1)) if match else ""


def say(what: str, seen: str) -> None:
    print(f"{what:<14}{seen}", flush=True)


def check(fact: bool, otherwise: str) -> None:
    if not fact:
        raise Failed(otherwise)


if __name__ == "__main__":
    sys.exit(main())
