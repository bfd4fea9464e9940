"""Whether and when to try again: a table, and bounds that hold for every throw of the dice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.domain.errors import (
    InvalidRequest,
    NoRoute,
    RateLimited,
    RouterError,
    StorageFailed,
    UnknownModel,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamTimeout,
)
from llm_router.routing.retry import RetryPolicy, retry_delay

POLICY = RetryPolicy(max_retries=5, first_delay=0.5, max_delay=4.0, max_retry_after=30.0)
ALMOST_ONE = 1 - 2**-53

retryable = st.sampled_from([UpstreamFailed("x"), UpstreamOverloaded("x"), UpstreamTimeout("x"), RateLimited("x")])
dice = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("failures", "least", "most"), [(1, 0.25, 0.5), (2, 0.5, 1), (3, 1, 2), (4, 2, 4), (5, 2, 4), (6, None, None)]
)
def test_the_wait_doubles_up_to_the_maximum_and_then_it_is_over(
    failures: int, least: float | None, most: float | None
) -> None:
    assert retry_delay(POLICY, failures, UpstreamFailed("x"), 0.0) == least
    assert retry_delay(POLICY, failures, UpstreamFailed("x"), ALMOST_ONE) == (most and pytest.approx(most))


@given(st.integers(1, 5), retryable, dice)
def test_the_dice_stay_in_the_upper_half_of_the_wait(failures: int, error: RouterError, dice: float) -> None:
    delay = retry_delay(POLICY, failures, error, dice)
    full = min(4.0, 0.5 * 2 ** (failures - 1))
    assert delay is not None
    assert full / 2 <= delay <= full


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("x"),
        UnknownModel("x"),
        UpstreamRejected("x"),
        UpstreamError("x", retry_after_seconds=1),
        NoRoute("x"),
    ],
)
def test_what_would_fail_again_is_not_tried_again(error: RouterError) -> None:
    assert retry_delay(POLICY, 1, error, 0.5) is None


@pytest.mark.parametrize("kind", [RateLimited, UpstreamFailed, UpstreamOverloaded])
@pytest.mark.parametrize(
    ("asked", "delay"), [(0.0, 0.25), (0.1, 0.25), (0.3, 0.3), (7.0, 7.0), (30.0, 30.0), (30.1, None), (3600.0, None)]
)
def test_a_provider_is_waited_for_as_long_as_it_asks_but_not_too_long(
    kind: type[RateLimited | UpstreamFailed], asked: float, delay: float | None
) -> None:
    assert retry_delay(POLICY, 1, kind("x", retry_after_seconds=asked), 0.0) == delay


@given(dice, st.floats(0, 30))
def test_nobody_comes_back_before_it_was_asked_to(dice: float, asked: float) -> None:
    delay = retry_delay(POLICY, 2, RateLimited("x", retry_after_seconds=asked), dice)
    assert delay is not None
    assert delay >= asked


def test_an_error_of_our_own_has_nothing_to_ask() -> None:
    assert retry_delay(POLICY, 1, StorageFailed("x"), 0.0) == 0.25


def test_no_retries_means_none() -> None:
    assert retry_delay(RetryPolicy(max_retries=0), 1, UpstreamFailed("x"), 0.0) is None
