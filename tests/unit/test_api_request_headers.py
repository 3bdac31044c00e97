"""Conditional requests and preferences as RFC 9110 and RFC 7240 define them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.conditional import etag_of, matches
from services.api.preferences import Freshness, freshness_of
from shared.http.problems import Problem
from shared.position import Position

ETAG = etag_of(b"a page")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([ETAG], True),
        ([b"W/" + ETAG], True),
        ([b'"other", ' + ETAG], True),
        ([b'"other"', b"W/" + ETAG], True),
        ([b' "with,a-comma" ,' + ETAG + b" "], True),
        ([b"*"], True),
        ([b'"other"'], False),
        ([ETAG.strip(b'"')], False),
        ([b"garbage, " + ETAG], False),
        ([b""], False),
        ([], False),
    ],
)
def test_if_none_match_compares_weakly_and_ignores_what_is_malformed(
    values: list[bytes],
    expected: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    assert matches([(b"if-none-match", value) for value in values], ETAG) is expected


@given(st.binary(), st.binary())
def test_equal_tags_mean_equal_bodies(one: bytes, other: bytes) -> None:
    assert (etag_of(one) == etag_of(other)) == (one == other)


@given(st.lists(st.tuples(st.just(b"if-none-match"), st.binary())))
def test_no_header_breaks_the_comparison(headers: list[tuple[bytes, bytes]]) -> None:
    matches(headers, ETAG)


@pytest.mark.parametrize(
    ("prefer", "seconds", "applied"),
    [
        ([], 2, None),
        ([b"wait=5"], 5, "wait=5"),
        ([b"wait=0"], 0, "wait=0"),
        ([b"Wait = 7"], 7, "wait=7"),
        ([b'respond-async, wait="9"; foo'], 9, "wait=9"),
        ([b"return=minimal", b"wait=11"], 11, "wait=11"),
        ([b"wait=31"], 30, "wait=30"),
        ([b"wait=999999999"], 30, "wait=30"),
        ([b"wait=-1"], 2, None),
        ([b"wait=soon"], 2, None),
        ([b"await=5"], 2, None),
    ],
)
def test_the_wait_is_what_the_client_prefers_at_most_30_s(
    prefer: list[bytes], seconds: int, applied: str | None
) -> None:
    headers = [(b"rapport-at-least", b"0:3"), *((b"prefer", value) for value in prefer)]
    assert freshness_of(headers) == Freshness(Position({0: 3}), seconds, applied)


def test_without_a_position_nothing_is_waited_for() -> None:
    assert freshness_of([(b"prefer", b"wait=5")]) is None


@pytest.mark.parametrize("token", [b"", b"x", b"0:1,0:2", b"0:" + b"9" * 19, b"-1:2", b"\xff", b"0:1\x00"])
def test_a_position_that_this_service_did_not_write_is_refused(token: bytes) -> None:
    with pytest.raises(Problem) as refused:
        freshness_of([(b"rapport-at-least", token)])
    assert (refused.value.status, refused.value.code) == (422, "invalid_position")
