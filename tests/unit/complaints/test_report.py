"""The report counts by what went wrong, where and how it was handled; most customers are lost by the answer."""

from typing import Any

import pytest

from services.projections.complaints.report import report
from services.projections.read_models.declaration import Row
from tests.unit.complaints.cases import (
    Complaint,
    at,
    awaited,
    escalated,
    noted,
    opened,
    reopened,
    replied,
    resolved,
    withdrawn,
)

MONDAY = "2024-01-08T09:00"
FIRST, LAST = at("2024-01-01"), at("2024-02-01")


def _rows() -> list[Row]:
    return [
        Complaint(history).row
        for history in (
            [opened(MONDAY, location="hq/a"), resolved("2024-01-08T11:00")],
            [opened(MONDAY, location="hq/a"), resolved("2024-01-09T11:00", "lying")],  # 10 hours, late
            [
                opened(MONDAY, location="hq/b"),
                resolved("2024-01-08T10:00"),
                reopened("2024-01-08T11:00"),
                awaited("2024-01-08T12:00"),
                replied("2024-01-08T15:00"),
                resolved("2024-01-08T16:00", "lying"),
            ],  # 1 hour, and 2 hours
            [opened(MONDAY, location="hq/b"), resolved("2024-01-08T10:00", "arrogance"), reopened(MONDAY)],
            [opened(MONDAY), escalated("2024-01-08T10:00", "headquarters"), withdrawn("2024-01-08T11:00")],
            [opened("2024-02-01"), resolved("2024-02-01")],  # in the next month
            [noted(MONDAY)],  # never opened
        )
    ]


def test_the_report_counts_what_has_become_of_the_cases_opened_in_a_time() -> None:
    assert report(_rows(), FIRST, LAST, "handling_fault") == [
        {
            "handling_fault": "lying",
            "opened": 2,
            "resolved": 2,
            "on_time": 1,
            "reopened": 1,
            "median_working_seconds": 23400,
            "p90_working_seconds": 33480,
        },
        {
            "handling_fault": None,
            "opened": 2,
            "resolved": 1,
            "on_time": 1,
            "reopened": 0,
            "median_working_seconds": 7200,
            "p90_working_seconds": 7200,
        },
        {
            "handling_fault": "arrogance",
            "opened": 1,
            "resolved": 0,
            "on_time": 0,
            "reopened": 1,
            "median_working_seconds": None,
            "p90_working_seconds": None,
        },
    ]


@pytest.mark.parametrize(
    ("by", "counts"),
    [
        ("cause", {"quality_below_expectation": 5}),
        ("location", {"hq/a": 2, "hq/b": 2, None: 1}),
        ("channel", {"phone": 5}),
        ("level", {"store": 4, "headquarters": 1}),
    ],
)
def test_the_report_groups_by_each_of_its_dimensions(by: Any, counts: dict[str | None, int]) -> None:
    assert {each[by]: each["opened"] for each in report(_rows(), FIRST, LAST, by)} == counts


def test_one_missed_round_makes_a_complaint_late_for_good() -> None:
    history = [opened(MONDAY), resolved("2024-01-09T11:00"), reopened("2024-01-10T09:00")]
    assert Complaint([*history, resolved("2024-01-10T10:00")]).row["on_time"] is False


def test_a_fault_once_found_stays_known() -> None:
    history = [opened(MONDAY), resolved(MONDAY, "lying"), reopened(MONDAY), resolved(MONDAY)]
    assert Complaint(history).row["handling_fault"] == "lying"
