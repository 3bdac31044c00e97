"""NPS with its standard error, CSAT, SERVQUAL and SERVPERF."""

from datetime import UTC, datetime, timedelta
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.analytics.satisfaction import (
    Csat,
    Nps,
    NpsAnswer,
    ServiceQuality,
    nps_by_group,
    nps_of,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("of_each", [1, 2, 50])
def test_of_a_half_a_third_and_a_sixth_the_score_is_33_and_its_error_falls_with_the_root(
    of_each: int,
) -> None:
    figures = nps_of([10, 9, 9] * of_each + [7, 8] * of_each + [6] * of_each).figures()
    assert figures["customers"] == 6 * of_each
    assert figures["score"] == pytest.approx(33.3333, abs=1e-4)
    assert figures["standard_error"] == pytest.approx(74.54 / sqrt(6 * of_each), rel=1e-4)


def test_nobody_has_no_score_and_one_customer_no_error() -> None:
    assert nps_of([]).figures()["score"] is None
    assert nps_of([]).figures()["standard_error"] is None
    assert (nps_of([0]).figures()["score"], nps_of([0]).figures()["standard_error"]) == (-100, 0)


@pytest.mark.parametrize(
    ("score", "is_one"),
    [(0, Nps(0, 0, 1)), (6, Nps(0, 0, 1)), (7, Nps(0, 1, 0)), (8, Nps(0, 1, 0)), (9, Nps(1, 0, 0))],
)
def test_who_is_a_promoter_or_a_detractor(score: int, is_one: Nps) -> None:
    assert nps_of([score]) == is_one


def answer(party: str, minute: int, score: int, group: str | None = None) -> NpsAnswer:
    return NpsAnswer(party, NOON + timedelta(minutes=minute), f"e-{party}-{minute}", score, group)


def test_the_latest_answer_of_a_customer_counts_whichever_party_gave_it_and_in_one_group_alone() -> None:
    answers = [answer("a", 1, 10, "web"), answer("b", 2, 0, "store"), answer("c", 1, 7, "web")]
    assert nps_by_group(answers, {"b": "a"}.get) == {"store": Nps(0, 0, 1), "web": Nps(0, 1, 0)}  # type: ignore[arg-type]


ANSWERS = st.lists(
    st.builds(
        answer,
        st.sampled_from("abcd"),
        st.integers(0, 3),
        st.integers(0, 10),
        st.sampled_from(["x", "y", None]),
    ),
    max_size=12,
)


@given(answers=ANSWERS, data=st.data())
def test_the_order_of_answers_does_not_matter_and_merging_customers_leaves_one_vote_each(
    answers: list[NpsAnswer], data: st.DataObject
) -> None:
    def customer_of(party: str) -> str:
        return "a" if party == "b" else party

    counted = nps_by_group(answers, customer_of)
    assert nps_by_group(data.draw(st.permutations(answers)), customer_of) == counted
    voters = sum(sum(each) for each in counted.values())
    assert voters == len({customer_of(each.party) for each in answers})


def test_csat_is_the_share_of_4_and_5_and_the_mean() -> None:
    assert Csat(4, 3, 15).figures() == {"answers": 4, "satisfied": 3, "share": 0.75, "mean": 3.75}
    assert Csat().figures()["share"] is None


def test_servqual_is_perception_less_expectation_and_without_expectations_it_is_servperf() -> None:
    expected = (700, 700, 700, 700, 700)
    gaps = (-65, -110, -83, -70, -101)
    perceived = tuple(one + other for one, other in zip(expected, gaps, strict=True))
    asked_both = ServiceQuality(100, perceived, expected).figures()
    assert asked_both["label"] == "SERVQUAL"
    assert [each["gap"] for each in asked_both["dimensions"]] == [-0.65, -1.10, -0.83, -0.70, -1.01]
    assert asked_both["gap"] == pytest.approx(-0.858)
    alone = ServiceQuality(100, perceived, None).figures()
    assert (alone["label"], alone["gap"]) == ("SERVPERF", None)
    assert [each["perception"] for each in alone["dimensions"]] == [6.35, 5.9, 6.17, 6.3, 5.99]
