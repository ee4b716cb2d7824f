"""Our own rate limit, back-off and Retry-After."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from scim_bridge.upstream.pace import BACKOFF_CAP_SECONDS, TokenBucket, backoff_seconds, retry_after_seconds
from tests.clocks import FakeClock


def test_a_burst_of_one_second_passes_and_the_next_waits_its_turn() -> None:
    bucket = TokenBucket(2.0, FakeClock())
    assert [bucket.take(10.0) for _ in range(5)] == [0.0, 0.0, 0.5, 1.0, 1.5]


def test_the_bucket_refills_with_time_up_to_its_size() -> None:
    clock = FakeClock()
    bucket = TokenBucket(2.0, clock)
    for _ in range(2):
        bucket.take(0.0)
    clock.advance(0.5)
    assert [bucket.take(0.0), bucket.take(0.0)] == [0.0, 0.5]
    clock.advance(100.0)
    assert [bucket.take(0.0) for _ in range(3)] == [0.0, 0.0, 0.5]


def test_a_wait_that_is_too_long_takes_nothing() -> None:
    bucket = TokenBucket(1.0, FakeClock())
    bucket.take(0.0)
    assert [bucket.take(0.5), bucket.take(0.5), bucket.take(2.0)] == [1.0, 1.0, 1.0]


def test_a_rate_below_one_still_lets_one_through() -> None:
    bucket = TokenBucket(0.1, FakeClock())
    assert [bucket.take(20.0), bucket.take(20.0)] == [0.0, 10.0]


def test_backoff_grows_to_a_cap_and_is_spread_over_the_whole_range() -> None:
    rng = random.Random(1)
    for attempt, most in [(1, 0.25), (2, 0.5), (3, 1.0), (6, 8.0), (60, BACKOFF_CAP_SECONDS)]:
        waits = [backoff_seconds(attempt, rng) for _ in range(300)]
        assert max(waits) <= most
        assert max(waits) > most * 0.9
        assert min(waits) < most * 0.1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("0.2", 1),
        ("1.5", 2),
        ("-1", 0),
        ("", 0),
        ("soon", 0),
        ("\u0667", 0),
        ("1e3", 0),
        ("9" * 30, 0),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2015 07:28:30 -0000", 30),
        ("Wed, 21 Oct 2015 09:28:30 +0200", 30),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0),
        ("Wed, 99 Oct 2015 07:27:00 GMT", 0),
    ],
)
def test_retry_after_is_whole_seconds_from_the_answers_own_date(value: str, seconds: int) -> None:
    headers = {"Retry-After": value, "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert retry_after_seconds(headers) == seconds


def test_no_retry_after_is_no_wait() -> None:
    assert retry_after_seconds({}) == 0


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_without_a_usable_date_a_moment_counts_from_now(date: str) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    headers = {"Retry-After": format_datetime(until, usegmt=True), "Date": date}
    assert 3500 < retry_after_seconds(headers) <= 3601
