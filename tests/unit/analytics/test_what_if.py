"""The facts of the textbooks about keeping customers, and what a question may be."""

from decimal import Decimal
from typing import Any

import pytest

from services.api.ledger_bodies import read_body
from services.api.what_if_body import WhatIfBody
from services.projections.analytics.what_if import Growth, LostCustomers, Rivals
from shared.http.problems import Problem


def test_40_a_week_are_2080_a_year_and_62400_in_30() -> None:
    figures = LostCustomers(1, Decimal(40), 30).figures()
    assert figures == {"revenue_a_year": "2080.00", "revenue": "62400.00"}


def test_amounts_of_any_size_stay_exact() -> None:
    figures = LostCustomers(10**9, Decimal("999999999999999.9999"), 100).figures()
    assert figures["revenue"] == "5199999999999999999480000000.00"


def test_five_in_a_hundred_more_each_year_double_in_14() -> None:
    figures = Growth(100, Decimal("0.90"), Decimal("0.15"), 14).figures()
    assert figures["factor"] == pytest.approx(1.980, abs=5e-4)
    assert [each["customers"] for each in figures["by_year"][:3]] == [100, 105, 110.25]
    assert len(figures["by_year"]) == 15


@pytest.mark.parametrize(("lost", "left", "rival"), [(1, 99, 101), (5, 95, 105), (50, 50, 150)])
def test_what_one_loses_to_a_rival_counts_twice(lost: int, left: int, rival: int) -> None:
    figures = Rivals(100, lost).figures()
    assert (figures["left"], figures["rival"]) == (left, rival)
    assert figures["profit_ratio"] == pytest.approx(rival / left, rel=1e-5)
    assert Rivals(100, 100).figures()["profit_ratio"] is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"{}", "/lost_customers"),
        (b'{"rivals": {"customers": 1, "lost": 2}}', "/rivals/lost"),
        (b'{"growth": {"customers": 1, "retention": "1.1", "gain": "0", "years": 1}}', "/growth/retention"),
        (b'{"growth": {"customers": 1, "retention": "1", "gain": "11", "years": 1}}', "/growth/gain"),
        (b'{"growth": {"customers": 1, "retention": 0.9, "gain": "0", "years": 1}}', "/growth/retention"),
        (b'{"growth": {"customers": 1, "retention": "1", "gain": "0", "years": 101}}', "/growth/years"),
        (b'{"lost_customers": {"weekly_spend": {"amount": "-1", "currency": "EUR"}, "years": 1}}',
         "/lost_customers/weekly_spend/amount"),
        (b'{"luck": {}}', "/luck"),
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused_where_it_does_not(body: bytes, pointer: str) -> None:
    with pytest.raises(Problem) as refused:
        read_body(WhatIfBody, "application/json", body)
    problem: Any = refused.value
    assert (problem.code, problem.extras["pointer"]) == ("schema_violation", pointer)
