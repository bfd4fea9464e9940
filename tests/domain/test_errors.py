"""What passes `redact`, and the one shape that errors are shown in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.errors import NoRoute, RateLimited, RouterError, UpstreamFailed, redact

HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@pytest.mark.parametrize(
    "key",
    [
        f"sk-{HEX}",
        f"sk-proj-{HEX}_-{HEX}",
        f"sk-ant-api03-{HEX}-AA",
        f"sk-or-v1-{HEX}",
        "sk-abcdefghij",
        f"gsk_{HEX}",
        f"xai-{HEX}",
        f"pplx-{HEX}",
        f"csk-{HEX}",
        f"hf_{HEX}",
        f"nvapi-{HEX}",
        f"r8_{HEX}",
        f"tgp_v1_{HEX}",
        f"fw_{HEX}",
        f"key-{HEX}",
        f"glpat-{HEX}",
        f"ghp_{HEX}",
        f"github_pat_{HEX}",
        "AIzaSyA-abcdefgh12345678wxyz",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        f"Bearer {HEX}",
        "bearer  abc.def~ghi+jkl/mno==",
        # Masked: what is left is a part of the key.
        "invalid-*****2345",
        "sk-proj-********************wxyz",
        "****wxyz",
        "Ab12*******",
        "abcd...wxyz",
        "abcd…wxyz",
        "sk-ant-api03-abcd...wxyz",
    ],
)
def test_a_credential_is_taken_out_and_nothing_around_it(key: str) -> None:
    for before, after in (("", ""), ("refused: ", " is wrong"), ("('", "')"), ('{"key": "', '"}'), ("given `", "`.")):
        assert redact(f"{before}{key}{after}") == f"{before}[redacted]{after}"
    assert redact(f"{key}, {key}") == "[redacted], [redacted]"


@pytest.mark.parametrize(
    "text",
    [
        "Invalid API key: {}",
        "Incorrect API key provided: {}.",
        "api_key={}, model=x",
        "OTHER_API_KEY={}",
        "the api-key is: {}",
    ],
)
def test_a_key_without_any_mark_is_taken_out_where_it_is_called_one(text: str) -> None:
    assert redact(text.format(HEX)) == text.format("[redacted]")


@pytest.mark.parametrize(
    "text",
    [
        "Find your API key at https://platform.openai.com/account/api-keys.",
        "The key was refused: set OPENAI_API_KEY in .env and restart",
        "a key-value store, a key_error, the keyboard, key-based, a risk-free task-force, sk, disk-full",
        "UNIQUE constraint failed: pk_users; hf-models; github-like; fw-update",
        "def call(*args, **kwargs): return **bold** and 2 ** 8, a * b",
        "Please wait ... then try again. And so on... or not. See /v1/.../models or /v1/...something",
        "the bearer of this; bearer token; eyJ is how a token begins",
        "model gpt-4.1-mini-2025-04-14 at claude-sonnet-4-5-20250929, x-ai/grok-4, openai/gpt-oss-120b",
        "request req_011CSHoEeqs5C35K2UUqR7Fy, 019ac2f1-7a5b-7c3d-9e8f-0123456789ab",
        "",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


@given(st.text())
def test_what_was_taken_out_once_stays_as_it_is(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("piece", ["a", "*", ".", "a*", "a.", "-", "eyJ-", "key-", "api key ", "bearer ", "sk-a ", "…"])
def test_a_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    """Of two million characters: seconds where each is looked at once, hours where each is looked at from each."""
    assert isinstance(redact(piece * (500_000 // len(piece))), str)


def test_an_error_is_shown_as_type_message_and_details() -> None:
    assert NoRoute("No.").as_dict() == {"type": "no_route", "message": "No."}
    error = RateLimited("Slowly.", retry_after_seconds=2, details={"provider_status": 429})
    assert error.as_dict() == {
        "type": "rate_limited",
        "message": "Slowly.",
        "details": {"provider_status": 429, "retry_after_seconds": 2},
    }
    assert str(error) == "Slowly."


def test_details_are_the_error_s_own() -> None:
    details = {"a": 1}
    error = UpstreamFailed("x", details=details)
    details["a"] = 2
    assert error.details == {"a": 1}


def every(kind: type[RouterError]) -> list[type[RouterError]]:
    return [kind, *(deeper for below in kind.__subclasses__() for deeper in every(below))]


def test_nobody_is_asked_again_for_the_caller_s_own_fault() -> None:
    for kind in every(RouterError):
        assert not (kind.is_retryable and kind.is_caller_fault), kind
        assert isinstance(kind("x").as_dict()["type"], str)
