"""What the process is told from outside, and how a mistake in it is refused: file, line, what was expected."""

import logging
import pickle
from decimal import Decimal
from pathlib import Path

import pytest

from llm_router.domain.pricing import ModelPrice
from llm_router.settings import ConnectionSettings, Secret, Settings, SettingsError, Timeouts, load_settings

KEY = "planted-Ab12Cd34Ef56"

OLLAMA = '[connections.ollama]\nprovider = "openai_compatible"\nbase_url = "http://localhost:11434/v1"\n'

PRICE = "[prices.m]\ninput = 1\noutput = 2\n"


def refused(folder: Path, *, toml: str | None = None, dotenv: str | None = None, **environ: str) -> str:
    """The sentence a configuration is refused with, without the folder's name."""
    write(folder, toml, dotenv)
    with pytest.raises(SettingsError) as raised:
        load_settings(environ, folder)
    return str(raised.value).replace(f"{folder}/", "")


def write(folder: Path, toml: str | None, dotenv: str | None) -> None:
    if toml is not None:
        (folder / "llm-router.toml").write_text(toml, encoding="utf-8")
    if dotenv is not None:
        (folder / ".env").write_text(dotenv, encoding="utf-8")


def connection(folder: Path, toml: str, **environ: str) -> ConnectionSettings:
    """The last one of a file."""
    write(folder, toml, None)
    return load_settings(environ, folder).connections[-1]


def test_nothing_said_is_the_defaults(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    assert [it.name for it in settings.connections] == ["openai", "anthropic"]
    assert not any(it.is_usable for it in settings.connections)
    assert settings == Settings(connections=settings.connections, database_path=tmp_path / "data/llm-router.db")


def test_every_variable_is_read(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[connections.mine]\nprovider = "openai"\napi_key_env = "MY_KEY"\n')
    environ = {
        "OPENAI_API_KEY": "o-key",
        "OPENAI_BASE_URL": "http://localhost:1/v1/",
        "ANTHROPIC_API_KEY": "a-key",
        "ANTHROPIC_BASE_URL": "http://localhost:2/v1",
        "OPENAI_DRAIN_SECONDS": "5",
        "ANTHROPIC_DRAIN_SECONDS": "2.5",
        "LLM_ROUTER_CONFIG": "other.toml",
        "MY_KEY": "m-key",
        "DATABASE_PATH": "elsewhere/router.db",
        "HOST": "0.0.0.0",
        "PORT": "0",
        "ALLOWED_HOSTS": "Chat.example.org, router.example.org",
        "CONNECT_TIMEOUT_SECONDS": "1.5",
        "FIRST_TOKEN_TIMEOUT_SECONDS": "2.5",
        "IDLE_TIMEOUT_SECONDS": "3.5",
        "MAX_RETRIES": "0",
        "MAX_CONCURRENT_RUNS": "3",
        "MAX_BODY_BYTES": "2048",
        "LOCAL_MODEL": "off",
        "LOCAL_IDLE_SECONDS": "9",
    }
    expected = Settings(
        connections=(
            ConnectionSettings(
                *("openai", "openai", "http://localhost:1/v1", Secret("o-key"), "OPENAI_API_KEY"), drain_seconds=5.0
            ),
            ConnectionSettings(
                *("anthropic", "anthropic", "http://localhost:2", Secret("a-key"), "ANTHROPIC_API_KEY"),
                drain_seconds=2.5,
            ),
            ConnectionSettings("mine", "openai", "https://api.openai.com/v1", Secret("m-key"), "MY_KEY"),
        ),
        database_path=tmp_path / "elsewhere/router.db",
        host="0.0.0.0",
        port=0,
        allowed_hosts=("chat.example.org", "router.example.org"),
        timeouts=Timeouts(connect=1.5, first_token=2.5, idle=3.5),
        max_retries=0,
        max_concurrent_runs=3,
        max_body_bytes=2048,
        local_model=False,
        local_idle_seconds=9.0,
    )
    assert load_settings(environ, tmp_path) == expected
    assert expected.data_directory == tmp_path / "elsewhere"


def test_the_environment_wins_over_dotenv_also_with_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HOST=10.0.0.1\nPORT='81'\nexport MAX_RETRIES=1 # once\nOPENAI_API_KEY=file\n")
    settings = load_settings({"PORT": "82", "OPENAI_API_KEY": " "}, tmp_path)
    assert (settings.host, settings.port, settings.max_retries) == ("10.0.0.1", 82, 1)
    assert settings.connections[0].api_key is None


def test_a_byte_order_mark_is_no_part_of_what_is_said(tmp_path: Path) -> None:
    write(tmp_path, "\ufeff" + OLLAMA, "\ufeffHOST=10.0.0.1\n")
    settings = load_settings({}, tmp_path)
    assert (settings.host, settings.connections[-1].name) == ("10.0.0.1", "ollama")


@pytest.mark.parametrize(("word", "value"), [("on", True), ("TRUE", True), ("1", True), ("no", False), ("0", False)])
def test_a_switch_is_said_in_many_words(word: str, value: bool, tmp_path: Path) -> None:
    assert load_settings({"LOCAL_MODEL": word}, tmp_path).local_model is value


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "70000", "expected a whole number from 0 to 65535, found '70000'"),
        ("PORT", "8000.5", "expected a whole number from 0 to 65535, found '8000.5'"),
        ("IDLE_TIMEOUT_SECONDS", "nan", "expected a number from 0.01 to 3600, found 'nan'"),
        ("IDLE_TIMEOUT_SECONDS", "soon", "expected a number from 0.01 to 3600, found 'soon'"),
        ("MAX_BODY_BYTES", "1", "expected a whole number from 1024 to 1073741824, found '1'"),
        ("LOCAL_MODEL", "maybe", "expected on or off, found 'maybe'"),
        ("OPENAI_BASE_URL", "localhost:1", "expected an http:// or https:// address, found 'localhost:1'"),
        ("OPENAI_BASE_URL", "http://h:99999", "expected an http:// or https:// address, found 'http://h:99999'"),
        ("OPENAI_DRAIN_SECONDS", "301", "expected a number from 0.0 to 300.0, found '301'"),
        ("LLM_ROUTER_CONFIG", "gone.toml", "expected a file, but gone.toml is not there"),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(name: str, value: str, expected: str, tmp_path: Path) -> None:
    assert refused(tmp_path, **{name: value}).startswith(f"environment variable {name}: {expected}")
    place = f".env:4: {name}: " if name != "LLM_ROUTER_CONFIG" else ".env:4: LLM_ROUTER_CONFIG: "
    assert refused(tmp_path, dotenv=f"# first\n \t\n\n{name}={value}\n") == f"{place}{expected}"


@pytest.mark.parametrize("line", ["OPENAI_API_KEY", "OPENAI_API_KEY: x", "=x", "PORT = '8"])
def test_a_line_of_dotenv_that_sets_nothing_is_refused(line: str, tmp_path: Path) -> None:
    assert refused(tmp_path, dotenv=f"HOST=::1\n\n# c\n\n  {line}\n") == ".env:5: expected NAME=value"


def test_files_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    for name in (".env", "llm-router.toml"):
        (tmp_path / name).write_bytes(b"# one\n# two\n# caf\xe9\n")
        assert refused(tmp_path) == f"{name}:3: expected UTF-8 text"
        (tmp_path / name).unlink()


@pytest.mark.parametrize("key", ["two words", "käse", "tab\tbed", "new\nline"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(key: str, tmp_path: Path) -> None:
    said = refused(tmp_path, OPENAI_API_KEY=key)
    assert said.startswith("environment variable OPENAI_API_KEY: expected a key of printable ASCII")
    assert key not in said


def test_a_connection_without_a_key_is_usable(tmp_path: Path) -> None:
    assert connection(tmp_path, OLLAMA + 'models = ["llama3.2", "qwen3"]\n') == ConnectionSettings(
        "ollama", "openai_compatible", "http://localhost:11434/v1", models=("llama3.2", "qwen3")
    )
    assert connection(tmp_path, OLLAMA).is_usable


def test_a_connection_with_a_named_key_needs_it(tmp_path: Path) -> None:
    toml = '[connections.claude-2]\nprovider = "anthropic"\napi_key_env = "OTHER_KEY"\n'
    assert not connection(tmp_path, toml).is_usable
    assert connection(tmp_path, toml, OTHER_KEY="x") == ConnectionSettings(
        "claude-2", "anthropic", "https://api.anthropic.com", Secret("x"), "OTHER_KEY"
    )


def test_a_price_is_read_to_the_last_digit(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        [prices."my-model"]
        input = 0.1
        output = "0.30000000000000000001"
        cache_read = 1e-3
        cache_write_1h = 2
        web_search = 10.0

        [prices."ollama/qwen3:8b"]
        input = 0
        output = 0
        """,
        None,
    )
    assert load_settings({}, tmp_path).prices == {
        "my-model": ModelPrice(
            input=Decimal("0.1"),
            output=Decimal("0.30000000000000000001"),
            cache_read=Decimal("0.001"),
            cache_write_1h=Decimal(2),
            web_search=Decimal(10),
        ),
        "ollama/qwen3:8b": ModelPrice(Decimal(0), Decimal(0)),
    }


def test_a_stopped_answer_is_listened_to_as_long_as_its_connection_says(tmp_path: Path) -> None:
    assert connection(tmp_path, OLLAMA).drain_seconds == 0
    assert connection(tmp_path, OLLAMA + "drain_seconds = 300\n").drain_seconds == 300
    seconds = connection(tmp_path, OLLAMA + "drain_seconds = 2.5\n").drain_seconds
    assert (seconds, type(seconds)) == (2.5, float)


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("# a\n[connections.x\n", "2: not TOML: Expected ']' at the end of a table declaration (at line 2, column 15)"),
        ("# a\n[connections.x]\nmodels = [\n", "3: not TOML: Invalid value (at end of document)"),
        ("# a\n\nconnection = 1\n", "3: expected only [connections.NAME] and [prices.MODEL] tables"),
        (f"{OLLAMA}\n[provider]\n", "5: expected only [connections.NAME] and [prices.MODEL] tables"),
        ("\nconnections = 5\n", "2: expected [connections.NAME] tables"),
        ("\n[[connections.x]]\n", "2: [connections.x]: expected a table of this name"),
        ("[connections]\n\nx = 5\n", "3: [connections.x]: expected a table of this name"),
        (f"{OLLAMA}\n[connections.'Big One']\n", "5: [connections.Big One]: expected a name of lower-case letters"),
        (f"{OLLAMA}\n[connections.local]\n", "5: [connections.local]: expected another name: openai, anthropic, local"),
        (
            f"{OLLAMA}\n[connections.b]\n# why\napi_key = '{KEY}'\n",
            "7: [connections.b]: expected one of provider, base_url, api_key_env, models, drain_seconds,"
            " found 'api_key'",
        ),
        (f"{OLLAMA}\n[connections.b.extra]\n", "5: [connections.b]: expected one of provider, base_url"),
        (
            f"{OLLAMA}\n[connections.b]\nbase_url = 'http://b'\n",
            "5: [connections.b]: expected provider to be one of openai, anthropic, openai_compatible, found nothing",
        ),
        (
            f"{OLLAMA}\n[connections.b]\nbase_url = '''\nprovider = 1'''\nprovider = 'nope'\n",
            "8: [connections.b]: expected provider to be one of openai, anthropic, openai_compatible, found 'nope'",
        ),
        ("[connections]\nb = { provider = 'nope' }\n", "2: [connections.b]: expected provider to be one of"),
        ("\nconnections.b.provider = 'nope'\n", "2: [connections.b]: expected provider to be one of"),
        (
            "[connections.b]\nprovider = 'openai_compatible'\n",
            "1: [connections.b]: expected base_url to be an address such as",
        ),
        (f"{OLLAMA}models = []\n", "4: [connections.ollama]: expected models to be a list of names"),
        (f"{OLLAMA}models = [\n'a',\n5\n]\n", "4: [connections.ollama]: expected models to be a list of names"),
        (f"{OLLAMA}models = 'a'\n", "4: [connections.ollama]: expected models to be a list of names"),
        *(
            (
                f"{OLLAMA}drain_seconds = {seconds}\n",
                "4: [connections.ollama]: expected drain_seconds to be a number from 0 to 300",
            )
            for seconds in ("-1", "300.5", "nan", "inf", "true", "'5'", "[5]")
        ),
        ("\nprices = 5\n", "2: expected [prices.MODEL] tables"),
        ("[prices]\nqwen3 = 5\n", '2: [prices.qwen3]: expected a table named after a model, such as [prices."ollama'),
        ("[prices.'']\ninput = 1\noutput = 1\n", "1: [prices.]: expected a table named after a model"),
        (f"{OLLAMA}[prices.a]\noutput = 1\n", "4: [prices.a]: expected input and output, in dollars per million"),
        (f"{PRICE}\n# hm\ninput_audo = 1\n", "6: [prices.m]: expected one of input, output, cache_read, cache_write,"),
        (
            "[prices.gpt-4.1]\ninput = 1\noutput = 1\n",
            '1: [prices.gpt-4]: expected a name with a dot in quotes, as in [prices."gpt-4.1"]',
        ),
        *(
            (
                f"{PRICE}\ncache_read = {rate}\n",
                "5: [prices.m]: expected cache_read to be a number of dollars from 0 to 1,000,000",
            )
            for rate in ("-0.1", "1e7", "nan", "inf", "-inf", "true", "'a lot'", "'nan'", "''", "[1]", "2026-11-24")
        ),
        (
            "[connections.b]\nprovider = 'openai'\nbase_url = 'ftp://b'\n",
            "3: expected an http:// or https:// address, found 'ftp://b'",
        ),
    ],
)
def test_a_mistake_in_the_file_is_refused_with_its_line(toml: str, expected: str, tmp_path: Path) -> None:
    assert refused(tmp_path, toml=toml).startswith(f"llm-router.toml:{expected}")
    assert refused(tmp_path, toml=toml.replace("\n", "\r\n")).startswith(f"llm-router.toml:{expected}")


@pytest.mark.parametrize(
    "url",
    [
        f"https://me:{KEY}@host/v1",
        f"https://me:{KEY}@host:99999/v1",
        f"https://{KEY}@host",
        f"https://host/v1?key={KEY}",
        f"https://host/v1#{KEY}",
        f"sk-{KEY}",
    ],
)
def test_a_base_url_with_a_credential_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    by_variable = refused(tmp_path, ANTHROPIC_BASE_URL=url)
    by_file = refused(tmp_path, toml=f"[connections.b]\nprovider = 'openai'\nbase_url = '{url}'\n")
    assert by_variable.startswith("environment variable ANTHROPIC_BASE_URL: expected an ")
    assert by_file.startswith("llm-router.toml:3: expected an ")
    assert KEY not in by_variable + by_file


@pytest.mark.parametrize("key", [f"sk-{KEY}", "gsk_Ab12Cd34Ef56", "0a1b2c3d4e5f", "c3d4e5f60a1b", "two words", ""])
def test_a_key_in_place_of_its_name_is_refused_and_not_repeated(key: str, tmp_path: Path) -> None:
    said = refused(tmp_path, toml=f"{OLLAMA}\n# the key\napi_key_env = '{key}'\n")
    assert said.startswith("llm-router.toml:6: [connections.ollama]: expected the name of an environment variable")
    assert not key or key not in said


def test_a_secret_shows_in_no_way_of_printing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = load_settings({"OPENAI_API_KEY": KEY}, tmp_path)
    secret = settings.connections[0].api_key
    assert secret is not None
    assert secret.reveal() == KEY
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r %s", secret, secret, settings)
    printed = [str(secret), repr(secret), f"{secret}", f"{secret!r:>40}", "{}".format(secret), str(settings)]  # noqa: UP032
    printed += [repr(settings), repr(settings.connections), str({secret: [secret]}), caplog.text]
    for text in printed:
        assert KEY not in text
        assert "********" in text
    with pytest.raises(TypeError):
        pickle.dumps(settings)
    assert not hasattr(secret, "__dict__")


def test_secrets_are_equal_by_value_and_to_nothing_else() -> None:
    assert Secret("a") == Secret("a")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"
