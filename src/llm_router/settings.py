"""What the process is told from outside: environment, `.env`, and `llm-router.toml`. Immutable once read.

The environment wins over `.env`. A mistake is refused at start, naming the file, the line and what was
expected; nothing is guessed. Knows nothing of the database or of any provider's protocol.
"""

import io
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from llm_router.domain.chat import ProviderName
from llm_router.domain.errors import redact
from llm_router.domain.pricing import RATES, ModelPrice

OPENAI_BASE_URL = "https://api.openai.com/v1"
ANTHROPIC_BASE_URL = "https://api.anthropic.com"
CONFIGURABLE_PROVIDERS = ("openai", "anthropic", "openai_compatible")
RESERVED_CONNECTION_NAMES = ("openai", "anthropic", "local")

N = TypeVar("N", int, float)

_CONNECTION_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_CONNECTION_KEYS = ("provider", "base_url", "api_key_env", "models", "drain_seconds")

MAX_DRAIN_SECONDS = 300.0
MAX_RATE = 1_000_000
"""Dollars per million tokens; the dearest model there has been cost 600. What is above is a slip of the unit."""


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
    drain_seconds: float = 0.0
    """How long a stopped answer's stream is still listened to, in silence, for the provider's own counts. 0 cancels at
    once, which also ends the cost of what nobody will read."""

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
    prices: Mapping[str, ModelPrice] = field(default_factory=dict)
    """The owner's own prices, by catalog id or bare name of a model; they win over every list."""

    @property
    def data_directory(self) -> Path:
        return self.database_path.parent


def load_settings(environ: Mapping[str, str] | None = None, directory: Path | None = None) -> Settings:
    """Reads the settings for a process started in `directory`. Raises SettingsError."""
    directory = directory or Path.cwd()
    values = _Variables(os.environ if environ is None else environ, directory / ".env")
    file = _config_file(values, directory)
    return Settings(
        connections=_builtin_connections(values) + (file.connections() if file else ()),
        prices=file.prices() if file else {},
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

        for binding in parse_stream(io.StringIO(_read(path))):
            line = binding.original.line + _leading_lines(binding.original.string)
            if binding.error or (binding.key is not None and binding.value is None):
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
            raise SettingsError(f"{self.where(name)}: expected {word} from {low} to {high}, found {_shown(value)}")
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
        raise SettingsError(f"{self.where(name)}: expected on or off, found {_shown(value)}")

    def url(self, name: str, default: str) -> str:
        value = self.get(name)
        return default if value is None else _checked_url(value, self.where(name))


def _builtin_connections(values: _Variables) -> tuple[ConnectionSettings, ...]:
    return (
        ConnectionSettings(
            name="openai",
            provider="openai",
            base_url=values.url("OPENAI_BASE_URL", OPENAI_BASE_URL),
            api_key=values.secret("OPENAI_API_KEY"),
            api_key_env="OPENAI_API_KEY",
            drain_seconds=values.number("OPENAI_DRAIN_SECONDS", 0.0, float, 0.0, MAX_DRAIN_SECONDS),
        ),
        ConnectionSettings(
            name="anthropic",
            provider="anthropic",
            base_url=values.url("ANTHROPIC_BASE_URL", ANTHROPIC_BASE_URL).removesuffix("/v1"),
            api_key=values.secret("ANTHROPIC_API_KEY"),
            api_key_env="ANTHROPIC_API_KEY",
            drain_seconds=values.number("ANTHROPIC_DRAIN_SECONDS", 0.0, float, 0.0, MAX_DRAIN_SECONDS),
        ),
    )


def _config_file(values: _Variables, directory: Path) -> "_ConfigFile | None":
    named = values.get("LLM_ROUTER_CONFIG")
    path = directory / (named or "llm-router.toml")
    if path.is_file():
        return _ConfigFile(path, values)
    if named:
        raise SettingsError(f"{values.where('LLM_ROUTER_CONFIG')}: expected a file, but {path} is not there")
    return None


class _ConfigFile:
    """`llm-router.toml`, read with an eye on the line each thing stands on."""

    def __init__(self, path: Path, values: _Variables) -> None:
        self._path = path
        self._values = values
        self._source = _read(path)
        try:
            self._document = tomllib.loads(self._source, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            last = self._source.rstrip().count("\n") + 1
            raise SettingsError(f"{path}:{line.group(1) if line else last}: not TOML: {error}") from None
        for key in self._document:
            if key not in ("connections", "prices"):
                raise self._error([key], "expected only [connections.NAME] and [prices.MODEL] tables")

    def connections(self) -> tuple[ConnectionSettings, ...]:
        return tuple(self._connection(name, table) for name, table in self._tables("connections", "NAME").items())

    def prices(self) -> dict[str, ModelPrice]:
        return {model: self._price(model, table) for model, table in self._tables("prices", "MODEL").items()}

    def _tables(self, key: str, called: str) -> Mapping[str, Any]:
        tables = self._document.get(key, {})
        if not isinstance(tables, dict):
            raise self._error([key], f"expected [{key}.{called}] tables")
        return tables

    def _connection(self, name: str, table: Any) -> ConnectionSettings:
        if not isinstance(table, dict):
            raise self._error(["connections", name], "expected a table of this name")
        if not _CONNECTION_NAME.fullmatch(name):
            raise self._error(
                ["connections", name], "expected a name of lower-case letters, digits, - and _, 32 at most"
            )
        if name in RESERVED_CONNECTION_NAMES:
            reserved = ", ".join(RESERVED_CONNECTION_NAMES)
            raise self._error(["connections", name], f"expected another name: {reserved} are taken")
        for key in table:
            if key not in _CONNECTION_KEYS:
                raise self._error(
                    ["connections", name, key], f"expected one of {', '.join(_CONNECTION_KEYS)}, found {key!r}"
                )
        provider = self._provider(name, table)
        api_key_env = self._api_key_env(name, table)
        return ConnectionSettings(
            name=name,
            provider=provider,
            base_url=self._base_url(name, table, provider),
            api_key=self._values.secret(api_key_env) if api_key_env else None,
            api_key_env=api_key_env,
            models=self._models(name, table),
            drain_seconds=self._drain_seconds(name, table),
        )

    def _provider(self, name: str, table: Mapping[str, Any]) -> ProviderName:
        provider = table.get("provider")
        if provider not in CONFIGURABLE_PROVIDERS:
            choices = ", ".join(CONFIGURABLE_PROVIDERS)
            found = "nothing" if provider is None else redact(repr(provider))
            raise self._error(
                ["connections", name, "provider"], f"expected provider to be one of {choices}, found {found}"
            )
        return cast(ProviderName, provider)

    def _base_url(self, name: str, table: Mapping[str, Any], provider: ProviderName) -> str:
        base_url = table.get("base_url")
        if base_url is None and provider == "openai":
            return OPENAI_BASE_URL
        if base_url is None and provider == "anthropic":
            return ANTHROPIC_BASE_URL
        if not isinstance(base_url, str):
            raise self._error(
                ["connections", name, "base_url"],
                "expected base_url to be an address such as http://localhost:11434/v1",
            )
        checked = _checked_url(base_url, self._where(["connections", name, "base_url"]))
        return checked.removesuffix("/v1") if provider == "anthropic" else checked

    def _api_key_env(self, name: str, table: Mapping[str, Any]) -> str | None:
        variable = table.get("api_key_env")
        if variable is None:
            return None
        if not isinstance(variable, str) or not re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable):
            # Neither repeated here nor, as the name of what is missing, on the page: it may be the key itself.
            raise self._error(
                ["connections", name, "api_key_env"],
                "expected the name of an environment variable in capitals, such as OPENROUTER_API_KEY, not the key",
            )
        return variable

    def _models(self, name: str, table: Mapping[str, Any]) -> tuple[str, ...] | None:
        models = table.get("models")
        if models is None:
            return None
        if not isinstance(models, list) or not models or not all(isinstance(model, str) and model for model in models):
            raise self._error(
                ["connections", name, "models"], 'expected models to be a list of names such as ["llama3.2", "qwen3"]'
            )
        return tuple(models)

    def _drain_seconds(self, name: str, table: Mapping[str, Any]) -> float:
        seconds = table.get("drain_seconds", 0)
        number = None if isinstance(seconds, str) else _finite_number(seconds)
        if number is None or not 0 <= number <= MAX_DRAIN_SECONDS:
            raise self._error(
                ["connections", name, "drain_seconds"],
                f"expected drain_seconds to be a number from 0 to {MAX_DRAIN_SECONDS:g}",
            )
        return float(number)

    def _price(self, model: str, table: Any) -> ModelPrice:
        place = ["prices", model]
        if not model or not isinstance(table, dict):
            raise self._error(place, 'expected a table named after a model, such as [prices."ollama/qwen3"]')
        for key, value in table.items():
            if isinstance(value, dict):
                quoted = f'[prices."{model}.{key}"]'
                raise self._error([*place, key], f"expected a name with a dot in quotes, as in {quoted}")
            if key not in RATES:
                raise self._error([*place, key], f"expected one of {', '.join(RATES)}, found {key!r}")
        rates = {key: self._rate([*place, key], value) for key, value in table.items()}
        if not {"input", "output"} <= rates.keys():
            raise self._error(place, "expected input and output, in dollars per million tokens; 0 is free")
        return ModelPrice(**rates)

    def _rate(self, keys: Sequence[str], value: Any) -> Decimal:
        """A TOML number, or one in quotes; never by way of a float."""
        rate = _finite_number(value)
        if rate is None or not 0 <= rate <= MAX_RATE:
            raise self._error(keys, f"expected {keys[-1]} to be a number of dollars from 0 to {MAX_RATE:,}")
        return rate

    def _where(self, keys: Sequence[str]) -> str:
        return f"{self._path}:{self._line(keys)}"

    def _error(self, keys: Sequence[str], expected: str) -> SettingsError:
        place = f"[{'.'.join(keys[:2])}]: " if len(keys) > 1 else ""
        return SettingsError(f"{self._where(keys)}: {place}{expected}")

    def _line(self, keys: Sequence[str]) -> int:
        """The line that brings `keys` into the document, else the table above them; the TOML reader keeps no lines.

        It is where the shortest beginning of the file that has them makes its last statement.
        """
        lines = self._source.split("\n")
        start = 1
        for end in range(1, len(lines) + 1):
            try:
                document = tomllib.loads("\n".join(lines[:end]) + "\n")
            except tomllib.TOMLDecodeError:
                continue  # in the middle of a statement of several lines
            if _holds(document, keys):
                return start
            start = end + 1
        return self._line(keys[:-1])


def _finite_number(value: Any) -> Decimal | None:
    """A number of the file, which is read without floats, or of a text in it."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _holds(document: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            return False
        document = document[key]
    return True


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}:{line}: expected UTF-8 text") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None


def _checked_url(value: str, where: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{where}: expected an http:// or https:// address, found {_shown(value)}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(f"{where}: expected an address without user, password, query or fragment")
    return value.rstrip("/")


def _shown(value: str) -> str:
    """A refused value, unless it may be or hold a credential: who pastes a key here should not find it in a log."""
    return "something with a user or password" if "@" in value else repr(redact(value))


def _leading_lines(text: str) -> int:
    return text[: len(text) - len(text.lstrip())].count("\n")
