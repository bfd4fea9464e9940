"""What the process is told from outside: environment, `.env`, and `llm-router.toml`. Immutable once read.

The environment wins over `.env`. A mistake is refused at start, naming the file, the line and what was
expected; nothing is guessed. Knows nothing of the database or of any provider's protocol.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from llm_router.domain.chat import ProviderName

OPENAI_BASE_URL = "https://api.openai.com/v1"
ANTHROPIC_BASE_URL = "https://api.anthropic.com"
CONFIGURABLE_PROVIDERS = ("openai", "anthropic", "openai_compatible")
RESERVED_CONNECTION_NAMES = ("openai", "anthropic", "local")

N = TypeVar("N", int, float)

_CONNECTION_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_CONNECTION_KEYS = ("provider", "base_url", "api_key_env", "models")


class SettingsError(Exception):
    """The configuration cannot be used. The message says where and what was expected."""


class Secret:
    """A credential. Only `reveal()` gives it away; printing, logging and formatting show stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('********')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not for pickling")


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """A configured provider: where it is and the key to it."""

    name: str
    provider: ProviderName
    base_url: str
    """Without a trailing slash."""
    api_key: Secret | None = None
    api_key_env: str | None = None
    """The variable the key is read from, to be named when it is missing."""
    models: tuple[str, ...] | None = None
    """The models offered; None asks the provider for its list."""

    @property
    def is_usable(self) -> bool:
        """A key is needed only where one was named."""
        return self.api_key is not None or self.api_key_env is None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. What an upstream call may take, step by step."""

    connect: float = 10.0
    first_token: float = 120.0
    idle: float = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    connections: tuple[ConnectionSettings, ...] = ()
    database_path: Path = Path("data/llm-router.db")
    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()
    """Host names answered besides those a home network has anyway; see `web/hosts.py`."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    max_retries: int = 2
    """Further tries of an upstream call that failed before its first token."""
    max_concurrent_runs: int = 16
    max_body_bytes: int = 4 * 1024 * 1024
    local_model: bool = True
    local_idle_seconds: float = 300.0
    """How long the embedded model's process is kept after its last answer."""

    @property
    def data_directory(self) -> Path:
        return self.database_path.parent


def load_settings(environ: Mapping[str, str] | None = None, directory: Path | None = None) -> Settings:
    """Reads the settings for a process started in `directory`. Raises SettingsError."""
    directory = directory or Path.cwd()
    values = _Variables(os.environ if environ is None else environ, directory / ".env")
    return Settings(
        connections=_connections(values, directory),
        database_path=directory / values.text("DATABASE_PATH", "data/llm-router.db"),
        host=values.text("HOST", "127.0.0.1"),
        port=values.number("PORT", 8000, int, 0, 65535),
        allowed_hosts=values.words("ALLOWED_HOSTS"),
        timeouts=Timeouts(
            connect=values.number("CONNECT_TIMEOUT_SECONDS", 10.0, float, 0.01, 3600),
            first_token=values.number("FIRST_TOKEN_TIMEOUT_SECONDS", 120.0, float, 0.01, 3600),
            idle=values.number("IDLE_TIMEOUT_SECONDS", 60.0, float, 0.01, 3600),
        ),
        max_retries=values.number("MAX_RETRIES", 2, int, 0, 10),
        max_concurrent_runs=values.number("MAX_CONCURRENT_RUNS", 16, int, 1, 1000),
        max_body_bytes=values.number("MAX_BODY_BYTES", 4 * 1024 * 1024, int, 1024, 1024**3),
        local_model=values.switch("LOCAL_MODEL", True),
        local_idle_seconds=values.number("LOCAL_IDLE_SECONDS", 300.0, float, 0.1, 86400),
    )


class _Variables:
    """The environment over `.env`, and for each value where it was written."""

    def __init__(self, environ: Mapping[str, str], dotenv_path: Path) -> None:
        self._values: dict[str, tuple[str, str]] = {}
        if dotenv_path.is_file():
            self._read_dotenv(dotenv_path)
        for name, value in environ.items():
            self._values[name] = (value, f"environment variable {name}")

    def _read_dotenv(self, path: Path) -> None:
        from dotenv.parser import parse_stream

        with path.open(encoding="utf-8") as stream:
            for binding in parse_stream(stream):
                line = binding.original.line + _leading_blank_lines(binding.original.string)
                if binding.error:
                    raise SettingsError(f"{path}:{line}: expected NAME=value")
                if binding.key is not None and binding.value is not None:
                    self._values[binding.key] = (binding.value, f"{path}:{line}: {binding.key}")

    def get(self, name: str) -> str | None:
        """The value, None where unset or blank."""
        value, _ = self._values.get(name, ("", ""))
        return value.strip() or None

    def where(self, name: str) -> str:
        return self._values[name][1]

    def text(self, name: str, default: str) -> str:
        return self.get(name) or default

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word.lower() for word in re.split(r"[\s,]+", self.get(name) or "") if word)

    def secret(self, name: str) -> Secret | None:
        value = self.get(name)
        if value is None:
            return None
        if not value.isascii() or not value.isprintable() or " " in value:
            raise SettingsError(f"{self.where(name)}: expected a key of printable ASCII characters without spaces")
        return Secret(value)

    def number(self, name: str, default: N, kind: Callable[[str], N], low: N, high: N) -> N:
        value = self.get(name)
        if value is None:
            return default
        try:
            number: N | None = kind(value)
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            word = "a whole number" if kind is int else "a number"
            raise SettingsError(f"{self.where(name)}: expected {word} from {low} to {high}, found {value!r}")
        return number

    def switch(self, name: str, default: bool) -> bool:
        value = self.get(name)
        if value is None:
            return default
        match value.lower():
            case "1" | "true" | "yes" | "on":
                return True
            case "0" | "false" | "no" | "off":
                return False
        raise SettingsError(f"{self.where(name)}: expected on or off, found {value!r}")

    def url(self, name: str, default: str) -> str:
        value = self.get(name)
        return default if value is None else _checked_url(value, self.where(name))


def _connections(values: _Variables, directory: Path) -> tuple[ConnectionSettings, ...]:
    builtin = (
        ConnectionSettings(
            name="openai",
            provider="openai",
            base_url=values.url("OPENAI_BASE_URL", OPENAI_BASE_URL),
            api_key=values.secret("OPENAI_API_KEY"),
            api_key_env="OPENAI_API_KEY",
        ),
        ConnectionSettings(
            name="anthropic",
            provider="anthropic",
            base_url=values.url("ANTHROPIC_BASE_URL", ANTHROPIC_BASE_URL).removesuffix("/v1"),
            api_key=values.secret("ANTHROPIC_API_KEY"),
            api_key_env="ANTHROPIC_API_KEY",
        ),
    )
    named = values.get("LLM_ROUTER_CONFIG")
    path = directory / (named or "llm-router.toml")
    if not path.is_file():
        if named:
            raise SettingsError(f"{values.where('LLM_ROUTER_CONFIG')}: expected a file, but {path} is not there")
        return builtin
    return builtin + _ConfigFile(path, values).connections()


class _ConfigFile:
    """`llm-router.toml`, read with an eye on the line each thing stands on."""

    def __init__(self, path: Path, values: _Variables) -> None:
        self._path = path
        self._values = values
        try:
            self._source = path.read_text(encoding="utf-8")
            self._document = tomllib.loads(self._source)
        except UnicodeDecodeError:
            raise SettingsError(f"{path}:1: expected UTF-8 text") from None
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            last = self._source.count("\n") + 1
            raise SettingsError(f"{path}:{line.group(1) if line else last}: not TOML: {error}") from None

    def connections(self) -> tuple[ConnectionSettings, ...]:
        for key in self._document:
            if key != "connections":
                raise self._error(None, key, "expected only [connections.NAME] tables")
        tables = self._document.get("connections", {})
        if not isinstance(tables, dict):
            raise self._error(None, "connections", "expected [connections.NAME] tables")
        return tuple(self._connection(name, table) for name, table in tables.items())

    def _connection(self, name: str, table: Any) -> ConnectionSettings:
        if not isinstance(table, dict):
            raise self._error(None, name, f"expected a table [connections.{name}]")
        if not _CONNECTION_NAME.fullmatch(name):
            raise self._error(name, None, "expected a name of lower-case letters, digits, - and _, 32 at most")
        if name in RESERVED_CONNECTION_NAMES:
            reserved = ", ".join(RESERVED_CONNECTION_NAMES)
            raise self._error(name, None, f"expected another name: {reserved} are taken")
        for key in table:
            if key not in _CONNECTION_KEYS:
                raise self._error(name, key, f"expected one of {', '.join(_CONNECTION_KEYS)}, found {key!r}")
        provider = self._provider(name, table)
        api_key_env = self._api_key_env(name, table)
        return ConnectionSettings(
            name=name,
            provider=provider,
            base_url=self._base_url(name, table, provider),
            api_key=self._values.secret(api_key_env) if api_key_env else None,
            api_key_env=api_key_env,
            models=self._models(name, table),
        )

    def _provider(self, name: str, table: Mapping[str, Any]) -> ProviderName:
        provider = table.get("provider")
        if provider not in CONFIGURABLE_PROVIDERS:
            choices = ", ".join(CONFIGURABLE_PROVIDERS)
            found = "nothing" if provider is None else repr(provider)
            raise self._error(name, "provider", f"expected provider to be one of {choices}, found {found}")
        return cast(ProviderName, provider)

    def _base_url(self, name: str, table: Mapping[str, Any], provider: ProviderName) -> str:
        base_url = table.get("base_url")
        if base_url is None and provider == "openai":
            return OPENAI_BASE_URL
        if base_url is None and provider == "anthropic":
            return ANTHROPIC_BASE_URL
        if not isinstance(base_url, str):
            raise self._error(name, "base_url", "expected base_url to be an address such as http://localhost:11434/v1")
        checked = _checked_url(base_url, self._where(name, "base_url"))
        return checked.removesuffix("/v1") if provider == "anthropic" else checked

    def _api_key_env(self, name: str, table: Mapping[str, Any]) -> str | None:
        variable = table.get("api_key_env")
        if variable is None:
            return None
        if not isinstance(variable, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
            # The value is not repeated: who pastes the key itself here should not find it in a log.
            raise self._error(name, "api_key_env", "expected the name of an environment variable, not the key itself")
        return variable

    def _models(self, name: str, table: Mapping[str, Any]) -> tuple[str, ...] | None:
        models = table.get("models")
        if models is None:
            return None
        if not isinstance(models, list) or not models or not all(isinstance(model, str) and model for model in models):
            raise self._error(name, "models", 'expected models to be a list of names such as ["llama3.2", "qwen3"]')
        return tuple(models)

    def _where(self, table: str | None, key: str | None) -> str:
        return f"{self._path}:{self._line(table, key)}"

    def _error(self, table: str | None, key: str | None, expected: str) -> SettingsError:
        place = f"[connections.{table}]: " if table else ""
        return SettingsError(f"{self._where(table, key)}: {place}{expected}")

    def _line(self, table: str | None, key: str | None) -> int:
        """The line of `key` in `table`, else of the table's head, else the first. The TOML reader keeps no lines."""
        lines = self._source.splitlines()
        start = 0
        if table is not None:
            head = re.compile(rf"""\s*\[\s*connections\s*\.\s*["']?{re.escape(table)}["']?\s*\]""")
            start = next((at for at, line in enumerate(lines) if head.match(line)), 0)
        if key is not None:
            word = re.compile(rf"""\s*(\[\s*)?["']?{re.escape(key)}["']?\s*[=.\]]""")
            for at in range(start + (table is not None), len(lines)):
                if table is not None and lines[at].lstrip().startswith("["):
                    break
                if word.match(lines[at]):
                    return at + 1
        return start + 1


def _checked_url(value: str, where: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{where}: expected an http:// or https:// address, found {value!r}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(f"{where}: expected an address without user, password, query or fragment")
    return value.rstrip("/")


def _leading_blank_lines(text: str) -> int:
    return len(text) - len(text.lstrip("\n")) if text.strip() else 0
