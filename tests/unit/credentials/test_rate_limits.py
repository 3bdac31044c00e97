from hypothesis import given
from hypothesis import strategies as st

from shared.credentials.rate_limits import RateLimits, Taken


def test_a_minutes_requests_may_come_at_once_and_then_as_the_bucket_fills() -> None:
    limits = RateLimits()
    assert [limits.take("a", 3, 100.0).retry_after_seconds for _ in range(3)] == [0, 0, 0]
    assert limits.take("a", 3, 100.0).retry_after_seconds == 20
    assert limits.take("a", 3, 119.0).retry_after_seconds == 1
    assert limits.take("a", 3, 120.0).retry_after_seconds == 0
    assert limits.take("a", 3, 120.0).retry_after_seconds == 20


def test_the_headers_tell_the_policy_and_what_is_left() -> None:
    limits = RateLimits()
    policy = (b"ratelimit-policy", b'"credential";q=120;w=60')
    assert limits.take("a", 120, 0.0) == Taken(0, (policy, (b"ratelimit", b'"credential";r=119;t=1')))
    for _ in range(119):
        limits.take("a", 120, 0.0)
    refused = limits.take("a", 120, 0.0)
    assert refused == Taken(1, (policy, (b"ratelimit", b'"credential";r=0;t=60')))


def test_each_credential_has_its_own_bucket_and_a_forgotten_one_begins_anew() -> None:
    limits = RateLimits()
    assert limits.take("a", 1, 0.0).retry_after_seconds == 0
    assert limits.take("b", 1, 0.0).retry_after_seconds == 0
    limits.keep({"b"})
    assert limits.take("a", 1, 0.0).retry_after_seconds == 0
    assert limits.take("b", 1, 0.0).retry_after_seconds == 60


def test_of_too_many_buckets_the_one_unused_for_the_longest_time_is_forgotten() -> None:
    limits = RateLimits(most=2)
    assert [limits.take(name, 1, 0.0).retry_after_seconds for name in "abab"] == [0, 0, 60, 60]
    assert [limits.take(name, 1, 0.0).retry_after_seconds for name in "cba"] == [0, 60, 0]


def test_a_clock_that_goes_back_gives_and_takes_nothing() -> None:
    limits = RateLimits()
    limits.take("a", 2, 1000.0)
    assert limits.take("a", 2, 10.0).retry_after_seconds == 0
    assert limits.take("a", 2, 10.0).retry_after_seconds == 30


@given(
    st.integers(1, 1000),
    st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=300),
)
def test_no_stretch_of_time_lets_more_through_than_a_full_bucket_and_what_filled_it(
    rate: int, pauses: list[float]
) -> None:
    limits, now, through = RateLimits(), 0.0, 0
    for pause in pauses:
        now += pause
        through += limits.take("a", rate, now).retry_after_seconds == 0
    assert through <= rate + now * rate / 60 + 1e-6
