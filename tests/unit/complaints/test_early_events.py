"""Events before the opening wait, in log order, and apply after it; other ids and repeats stay apart."""

import pytest

from services.projections import early_events
from tests.unit.complaints.cases import (
    CASE,
    Complaint,
    acknowledged,
    as_recorded,
    assigned,
    at,
    awaited,
    compensated,
    escalated,
    noted,
    opened,
    replied,
    resolved,
    started,
)


def test_events_before_the_opening_apply_after_it_in_log_order() -> None:
    complaint = Complaint(
        [
            started("2024-01-08T10:00"),
            awaited("2024-01-08T11:00"),
            assigned("2024-01-08T11:30", None, "care", "province"),
            compensated("2024-01-08T11:40", "money", amount="2.50"),
            replied("2024-01-08T12:00"),
            opened("2024-01-08T09:00"),
            resolved("2024-01-08T13:00"),
        ]
    )
    found = complaint.view("2024-01-08T13:00")
    assert [each["event_id"] for each in found["history"]] == ["e5", "e0", "e1", "e2", "e3", "e4", "e6"]
    assert (found["state"], found["level"], found["anomalies"]) == ("resolved", "province", [])
    assert found["compensation"] == [{"kind": "money", "amount": "2.50", "currency": "EUR"}]
    assert found["assignee"] == {"person": None, "department": "care"}
    resolution = next(each for each in found["clocks"] if each["name"] == "resolution")
    assert resolution["elapsed_seconds"] == 3 * 3600


def test_it_makes_no_difference_to_the_case_how_far_the_opening_came_late() -> None:
    later = [started("2024-01-08T10:00"), escalated("2024-01-08T10:30"), resolved("2024-01-08T11:00")]
    first = opened("2024-01-08T09:00")
    rows = []
    for place in range(4):
        history = [*later[:place], first, *later[place:]]
        row = Complaint(history).row
        rows.append({**row, "opened_offset": 0})
    assert all(row == rows[0] for row in rows)


def test_an_early_event_of_a_time_before_the_opening_is_marked() -> None:
    found = Complaint([started("2024-01-08T08:00"), opened("2024-01-08T09:00")]).view("2024-01-08T09:00")
    assert found["history"][1]["anomaly"] == "time_went_back"
    assert found["state"] == "in_progress"


@pytest.mark.parametrize("many", [49, 50, 51, 230])
def test_many_early_events_wait_in_few_rows_and_leave_none_behind(many: int) -> None:
    early = [noted(f"2024-01-08T10:00:00.{number:06}") for number in range(many)]
    waiting = Complaint(early)
    assert len(waiting.rows) == 1 + -(-many // 50)
    assert waiting.entries == []
    complaint = Complaint([*early, opened("2024-01-08T09:00")])
    assert [key for key, row in complaint.rows.items() if row is not None] == [(CASE, 0)]
    assert [each["number"] for each in complaint.entries] == list(range(1, many + 2))
    assert [each["log_offset"] for each in complaint.entries] == [many, *range(many)]


def test_of_far_too_many_early_events_the_rest_is_kept_as_anomalies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_events, "MOST_EARLY", 60)
    early = [noted("2024-01-08T10:00") for _ in range(63)]
    complaint = Complaint([*early, opened("2024-01-08T09:00"), noted("2024-01-08T11:00")])
    found = complaint.view("2024-01-08T12:00")
    assert [each["code"] for each in found["anomalies"]] == ["too_many_before_its_beginning"] * 3
    numbers = sorted(each["number"] for each in complaint.entries)
    assert numbers == list(range(1, 66))
    assert [each["event_id"] for each in found["history"]][-4:] == ["e60", "e61", "e62", "e64"]


def test_a_second_opening_of_an_id_is_kept_as_an_anomaly() -> None:
    other = opened("2024-01-09T09:00", "critical", location="hq/other")._replace(source="/another/system")
    complaint = Complaint([opened("2024-01-08T09:00"), other])
    found = complaint.view("2024-01-09T10:00")
    assert (found["severity"], found["location"]) == ("normal", None)
    assert found["opened_at"] == "2024-01-08T09:00:00Z"
    assert [(each["code"], each["source"]) for each in found["anomalies"]] == [
        ("already_opened", "/another/system")
    ]


def test_late_events_apply_in_the_order_of_the_log() -> None:
    complaint = Complaint([opened("2024-01-08T09:00"), resolved("2024-01-08T12:00")])
    complaint.fold(as_recorded(acknowledged("2024-01-08T10:00"), 2))
    assert complaint.row["state"] == "resolved"
    assert complaint.entries[-1]["anomaly"] == "not_allowed_in_resolved"
    assert complaint.row["resolved_at"] == at("2024-01-08T12:00")
