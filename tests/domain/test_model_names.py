"""What of a name is a release, and what is another model."""

import pytest

from llm_router.domain.model_names import has_only_marks, is_release_of


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "-2025-08-07",
        "-20250807",
        "@20250807",
        "-20250929-v1:0",
        "-preview-05-06",
        "-09-2025",
        "-preview-09-2025",
        "-0613",
        "-001",
        "-exp-0827",
        "-latest",
    ],
)
def test_a_mark_says_which_release_it_is(rest: str) -> None:
    assert has_only_marks(rest)


@pytest.mark.parametrize("rest", ["-mini", "-2025-08-07-mini", "-8b", "-v", "-20", "-09-20255", "-thinking"])
def test_any_other_word_makes_another_model(rest: str) -> None:
    assert not has_only_marks(rest)


def test_a_name_of_many_dates_is_read_once() -> None:
    """Each of its dates can be read as a year, and a day of some month: 2 to the power of 60 readings."""
    assert has_only_marks("-2025-08-07" * 60)
    assert not has_only_marks("-2025-08-07" * 60 + "-mini")


def test_a_release_is_of_its_model_and_of_no_other() -> None:
    assert is_release_of("GPT-5-2025-08-07", "gpt-5")
    assert is_release_of("qwen3:latest", "qwen3")
    assert not is_release_of("gpt-5-mini", "gpt-5")
    assert not is_release_of("gpt-5", "gpt-5-2025-08-07")
