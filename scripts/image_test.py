"""`make image-test`: builds the image for real, runs it, asks it a question, and stops it.

Needs root on a Debian: `buildah` builds and runs without a container engine, and the base comes from
`debootstrap`, with Node and npm added, so that no image registry is asked. Base and storage stay in a cache
folder outside the project; all else is removed at the end. Knows the image only from outside: by what its
configuration says and by its HTTP API. Written for the system's own Python, so it imports nothing else.
"""

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "llm-router" / "image-test"
SUITE = "trixie"  # Python 3.13, and a Node that Vite accepts; bookworm's is too old
PACKAGES = ("ca-certificates", "python3", "python3-venv", "nodejs")
NPM = "npm@10"  # bundles all it needs, unlike Debian's with its thousand packages
BASE = f"localhost/llm-router-base:{SUITE}-1"
"""Count up when what goes into it changes."""
IMAGE = "localhost/llm-router:image-test"
CERTIFICATES = Path("/etc/ssl/certs")
PIP_CONFIGURATIONS = (Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf")
START_SECONDS = 60.0
ANSWER_SECONDS = 60
STOP_SECONDS = 10.0


class NotPossible(Exception):
    """This machine has not what is needed; the message says what."""


class Failed(Exception):
    """The image is not as it should be."""


@dataclass(frozen=True)
class Buildah:
    """The program with our own storage: images of others are neither seen nor touched."""

    storage: Path

    def command(self, name: str, *arguments: str) -> list[str]:
        place = ["--root", str(self.storage / "root"), "--runroot", str(self.storage / "run")]
        return ["buildah", *place, "--storage-driver", "vfs", name, *arguments]

    def __call__(self, name: str, *arguments: str) -> str:
        """Runs it and returns what it printed; what it complains of goes to the terminal."""
        done = subprocess.run(self.command(name, *arguments), stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()


@dataclass
class Checks:
    """Told whether each thing is as it should be; the first that is not ends the test."""

    passed: int = 0

    def __call__(self, what: str, holds: bool, seen: object = "") -> None:
        if not holds:
            raise Failed(f"not so: {what} {seen}")
        self.passed += 1
        say(f"✓ {what} {seen}".rstrip())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--if-possible", action="store_true", help="where it cannot be done, say so and succeed")
    options = parser.parse_args()
    check = Checks()
    try:
        install_programs()
        with locked(CACHE):
            buildah = Buildah(CACHE / "storage")
            make_base(buildah)
            test_image(buildah, check)
    except NotPossible as reason:
        print(f"image-test: skipped: {reason}")
        return 0 if options.if_possible else 1
    except (Failed, subprocess.CalledProcessError) as error:
        print(f"image-test: {error}\nimage-test: {check.passed} passed, 1 failed", file=sys.stderr)
        return 1
    print(f"image-test: {check.passed} passed, 0 failed")
    return 0


# ── What is needed ──


def install_programs() -> None:
    if os.geteuid() != 0:
        raise NotPossible("it needs root, to make a Debian and to run in it")
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if not missing:
        return
    if subprocess.run([PROJECT / "scripts/apt_install.sh", *missing]).returncode:
        raise NotPossible(f"{' and '.join(missing)} cannot be installed here")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One run at a time; a second waits."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_base(buildah: Buildah) -> None:
    if BASE in buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        return
    say("Making the base: Debian, Python, Node. Once on this machine.")
    with tempfile.TemporaryDirectory(prefix="base-", dir=CACHE) as folder:
        root = Path(folder)
        debootstrap = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        with (CACHE / "debootstrap.log").open("w") as log:
            made = subprocess.run([*debootstrap, SUITE, folder, debian_mirror()], stdout=log, stderr=log)
        if made.returncode:
            raise Failed(f"debootstrap failed, see {log.name}")
        shutil.rmtree(root / "var/cache/apt", ignore_errors=True)
        subprocess.run(["npm", "install", "--silent", "--global", "--prefix", root / "usr/local", NPM], check=True)
        container = buildah("from", "scratch")
        try:
            buildah("add", "--quiet", container, folder, "/")
            if CERTIFICATES.is_dir():
                bundle = f"{CERTIFICATES}/ca-certificates.crt"
                for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
                    buildah("config", "--env", f"{name}={bundle}", container)
            buildah("commit", "--quiet", container, BASE)
        finally:
            buildah("rm", container)


def debian_mirror() -> str:
    """The one this machine itself gets its packages from."""
    filters = ("Created-By: Packages", "Origin: Debian", "Label: Debian")
    arguments = ["apt-get", "indextargets", "--format", "$(REPO_URI)", *filters]
    mirrors = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    if not mirrors:
        raise NotPossible("apt's sources name no Debian mirror")
    return mirrors[0]


# ── The image ──


def test_image(buildah: Buildah, check: Checks) -> None:
    say("Building the image")
    started = time.monotonic()
    build_image(buildah)
    try:
        size = buildah("images", "--format", "{{.Size}}", IMAGE)
        check("the image builds", True, f"({time.monotonic() - started:.0f} s, {size})")
        configuration = json.loads(buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"]
        check("its user is not root", configuration.get("User") not in (None, "", "0", "root"))
        check("its one volume is /app/data", list(configuration.get("Volumes") or {}) == ["/app/data"])
        environment = dict(entry.split("=", 1) for entry in configuration["Env"])
        check("it listens on all its addresses", environment.get("HOST") == "0.0.0.0")
        with tempfile.TemporaryDirectory(prefix="llm-router-data-") as data, container(buildah) as name:
            run_image(buildah, name, configuration, Path(data), check)
    finally:
        buildah("rmi", "--force", IMAGE)


def build_image(buildah: Buildah) -> None:
    volumes = [f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"] if CERTIFICATES.is_dir() else []
    pip = next((path for path in PIP_CONFIGURATIONS if path.is_file()), None)
    if pip:
        volumes.append(f"--volume={pip}:/etc/pip.conf:ro")
    bases = [f"--build-arg=BASE={BASE}", f"--build-arg=NODE_BASE={BASE}"]
    how = ["--isolation=chroot", "--format=docker", "--pull-never", *volumes, *bases]
    with (CACHE / "build.log").open("w+") as log:
        command = buildah.command("build", *how, f"--tag={IMAGE}", str(PROJECT))
        if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode:
            log.seek(0)
            raise Failed("the image does not build:\n" + "".join(log.readlines()[-60:]))


@contextlib.contextmanager
def container(buildah: Buildah) -> Iterator[str]:
    name = buildah("from", "--pull-never", IMAGE)
    try:
        yield name
    finally:
        buildah("rm", name)


def run_image(buildah: Buildah, name: str, configuration: dict[str, Any], data: Path, check: Checks) -> None:
    user = configuration["User"]
    port = free_port()
    uid, gid = buildah("run", "--isolation=chroot", name, "--", "sh", "-c", "id -u; id -g").split()
    os.chown(data, int(uid), int(gid))
    # On loopback only: the container shares this machine's network.
    how = ["--isolation=chroot", f"--env=PORT={port}", "--env=HOST=127.0.0.1", f"--volume={data}:/app/data"]
    command = [*(configuration.get("Entrypoint") or []), *configuration["Cmd"]]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            buildah.command("run", *how, name, "--", *command), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        family: list[int] = []
        try:
            started = time.monotonic()
            wait_until_healthy(process, port)
            family = container_processes(process.pid, int(uid))
            check("it starts", True, f"({time.monotonic() - started:.1f} s to the first /health)")
            check(f"it runs as {user}, not as root", bool(family) and uid != "0", f"(uid {uid})")

            test = configuration["Healthcheck"]["Test"]
            healthy = subprocess.run(buildah.command("run", *how, name, "--", *test[1:]), stdout=log, stderr=log)
            check("its own health check agrees", test[0] == "CMD" and healthy.returncode == 0)

            started = time.monotonic()
            message = ask(port, "Say hello.")
            answered = message["status"] == "complete" and bool(message["content"])
            check(
                "the embedded model answers",
                answered and message["provider"] == "local",
                f"({time.monotonic() - started:.1f} s: {message['content']!r})" if answered else message,
            )
            database = data / "llm-router.db"
            check("the database is in the volume", database.is_file() and database.stat().st_uid == int(uid))

            family = container_processes(process.pid, int(uid))
            started = time.monotonic()
            os.kill(family[0], signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            check("SIGTERM ends it", process.returncode in (0, 128 + signal.SIGTERM), f"(status {process.returncode})")
            check(
                "and its children with it",
                not any(is_running(pid, int(uid)) for pid in family),
                f"({time.monotonic() - started:.1f} s)",
            )
        except (Failed, OSError, http.client.HTTPException) as error:
            log.seek(0)
            raise Failed(f"{error}\nIts log:\n{''.join(log.readlines()[-60:])}") from error
        finally:
            for pid in family:
                if is_running(pid, int(uid)):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()


def wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"it ended at once, with status {process.returncode}")
        with contextlib.suppress(OSError):
            status, _ = request(port, "GET", "/health", timeout=5)
            if status == 200:
                return
        time.sleep(0.05)
    raise Failed(f"no healthy answer within {START_SECONDS:.0f} s")


def ask(port: int, prompt: str) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Prefer": f"wait={ANSWER_SECONDS}"}
    body = json.dumps({"message": prompt, "max_tokens": 32})
    status, answer = request(port, "POST", "/api/chat/submit", body, headers, timeout=ANSWER_SECONDS + 10)
    if status != 200:
        raise Failed(f"the prompt was answered with status {status}: {answer}")
    return dict(answer)


def request(
    port: int, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None, *, timeout: float
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def descendants(pid: int) -> list[int]:
    """The processes beneath `pid`, parents before their children."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


def container_processes(pid: int, uid: int) -> list[int]:
    """Those within the container, its first process first: buildah's own are left out."""
    arguments = {child: Path(f"/proc/{child}/cmdline") for child in descendants(pid) if is_running(child, uid)}
    return [child for child, path in arguments.items() if not path.read_bytes().startswith(b"buildah")]


def is_running(pid: int, uid: int) -> bool:
    """Whether that process is there still, and is that user's: a number given anew is another's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return f"\nUid:\t{uid}\t" in status and "\nState:\tZ" not in status


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
