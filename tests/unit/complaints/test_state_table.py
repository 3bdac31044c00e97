"""The state table: every cell of it, allowed and not."""

import pytest

from tests.unit.complaints.cases import (
    Complaint,
    Happened,
    accepted,
    acknowledged,
    assigned,
    awaited,
    closed,
    compensated,
    escalated,
    noted,
    opened,
    reopened,
    replied,
    resolved,
    started,
    withdrawn,
)

OPENED = "2024-01-08T09:00"
THEN = "2024-01-08T09:30"
NOW = "2024-01-08T10:00"

WAY_TO = {
    "open": [],
    "acknowledged": [acknowledged(THEN)],
    "in_progress": [started(THEN)],
    "waiting_for_customer": [awaited(THEN)],
    "resolved": [resolved(THEN)],
    "closed": [resolved(THEN), closed(THEN)],
    "withdrawn": [withdrawn(THEN)],
}
EVENTS: dict[str, Happened] = {
    "opened": opened(NOW),
    "acknowledged": acknowledged(NOW),
    "started": started(NOW),
    "customer_awaited": awaited(NOW),
    "customer_replied": replied(NOW),
    "assigned": assigned(NOW),
    "note_added": noted(NOW),
    "compensated": compensated(NOW, points=10),
    "escalated": escalated(NOW),
    "resolved": resolved(NOW),
    "accepted": accepted(NOW),
    "closed": closed(NOW),
    "reopened": reopened(NOW),
    "withdrawn": withdrawn(NOW),
}
N, A, P, W, R, C, X = WAY_TO
NO = "anomaly"
TABLE = {
    # from:      open (N) acknowledged in_progress waiting resolved closed withdrawn
    "opened": (NO, NO, NO, NO, NO, NO, NO),
    "acknowledged": (A, NO, NO, NO, NO, NO, NO),
    "started": (P, P, NO, NO, NO, NO, NO),
    "customer_awaited": (W, W, W, NO, NO, NO, NO),
    "customer_replied": (N, A, P, P, R, C, X),
    "assigned": (N, A, P, W, R, C, NO),
    "note_added": (N, A, P, W, R, C, NO),
    "compensated": (N, A, P, W, R, C, NO),
    "escalated": (N, A, P, W, NO, NO, NO),
    "resolved": (R, R, R, R, NO, NO, NO),
    "accepted": (NO, NO, NO, NO, C, NO, NO),
    "closed": (NO, NO, NO, NO, C, NO, NO),
    "reopened": (NO, NO, NO, NO, P, P, NO),
    "withdrawn": (X, X, X, X, NO, NO, NO),
}
CELLS = [
    (name, state, after) for name, row in TABLE.items() for state, after in zip(WAY_TO, row, strict=True)
]


@pytest.mark.parametrize(("name", "state", "after"), CELLS)
def test_every_cell_of_the_table_leads_where_it_says(name: str, state: str, after: str) -> None:
    before = Complaint([opened(OPENED), *WAY_TO[state]])
    assert before.row["state"] == state
    complaint = Complaint([*before.happened, EVENTS[name]])
    found = complaint.view(NOW)
    last = found["history"][-1]
    if after == NO:
        reason = "already_opened" if name == "opened" else f"not_allowed_in_{state}"
        assert (last["anomaly"], last["applied"], last["state_after"]) == (reason, False, state)
        assert [each["code"] for each in found["anomalies"]] == [reason]
        assert {**complaint.row, "entries": 0} == {**before.row, "entries": 0}
    else:
        assert (last["anomaly"], last["applied"], last["state_after"]) == (None, True, after)
        assert found["state"] == after
        assert found["anomalies"] == []


@pytest.mark.parametrize("name", [name for name in EVENTS if name != "opened"])
def test_without_an_opening_every_event_waits(name: str) -> None:
    complaint = Complaint([EVENTS[name]])
    assert complaint.row["state"] is None
    assert complaint.row["next_due_at"] is None
    assert complaint.entries == []


def test_a_complaint_opens_at_the_level_of_the_store() -> None:
    found = Complaint([opened(OPENED)]).view(OPENED)
    assert (found["state"], found["level"], found["assignee"]) == ("open", "store", None)


def test_the_level_rises_and_never_falls() -> None:
    history = [opened(OPENED), escalated(THEN, "headquarters"), escalated(NOW, "province")]
    found = Complaint(history).view(NOW)
    assert found["level"] == "headquarters"
    assert [each["anomaly"] for each in found["history"]] == [None, None, "level_would_fall"]


def test_escalating_to_the_level_it_stands_at_changes_nothing_and_is_no_anomaly() -> None:
    found = Complaint([opened(OPENED), escalated(THEN), escalated(NOW)]).view(NOW)
    assert found["level"] == "province"
    assert found["anomalies"] == []


def test_an_assignment_may_raise_the_level_and_never_lowers_it() -> None:
    up = Complaint([opened(OPENED), assigned(THEN, "p-1", "care", "province")]).view(NOW)
    assert (up["level"], up["assignee"]) == ("province", {"person": "p-1", "department": "care"})
    down = Complaint([opened(OPENED), escalated(THEN), assigned(NOW, "s-2", None, "store")]).view(NOW)
    assert (down["level"], down["assignee"]) == ("province", {"person": "s-2", "department": None})


def test_a_thank_you_does_not_reopen() -> None:
    found = Complaint([opened(OPENED), resolved(THEN), replied(NOW)]).view(NOW)
    assert (found["state"], found["reopened"]) == ("resolved", 0)
