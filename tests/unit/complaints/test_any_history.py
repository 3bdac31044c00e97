"""Whatever comes, in whatever order: the fold takes it, rows fit their tables, and what is shown agrees with itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.projections.complaints.reading import complaint_view, is_overdue, listed_complaint
from services.projections.complaints.states import ACTIVE, LEVELS, STATES
from services.projections.complaints.tables import COMPLAINT_ENTRIES, COMPLAINTS
from services.projections.engine.row_shape import shape_of
from services.projections.moments import microseconds_of
from shared.events.complaint import ComplaintCompensated
from tests.unit.complaints.cases import (
    CASE,
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

START = datetime(2024, 3, 25, tzinfo=UTC)
TIMES = st.integers(0, 14 * 1440).map(lambda minute: (START + timedelta(minutes=minute)).isoformat())
SIMPLE_ONES = (
    acknowledged,
    started,
    awaited,
    replied,
    noted,
    resolved,
    accepted,
    reopened,
    withdrawn,
    closed,
)
MIDDLE_ONES = (started, awaited, replied, resolved, reopened)
EVENTS = st.one_of(
    st.builds(lambda make, time: make(time), st.sampled_from(SIMPLE_ONES), TIMES),
    st.builds(lambda make, time: make(time), st.sampled_from(MIDDLE_ONES), TIMES),
    st.builds(escalated, TIMES, st.sampled_from(LEVELS)),
    st.builds(assigned, TIMES, st.just("s-9"), st.none(), st.sampled_from(LEVELS)),
    st.builds(lambda time, points: compensated(time, points=points), TIMES, st.integers(1, 10**9)),
    st.builds(opened, TIMES, st.sampled_from(["low", "normal", "high", "critical"])),
)
HISTORIES = st.lists(EVENTS, min_size=1, max_size=25)
MOSTLY_IN_TURN = st.one_of(
    HISTORIES, HISTORIES.map(lambda events: sorted(events, key=lambda each: each.time))
)
FEW = settings(max_examples=120, deadline=None)


def _opened_first(events: list[Happened]) -> list[Happened]:
    return [opened(START.isoformat()), *events]


@FEW
@given(MOSTLY_IN_TURN)
def test_rows_and_entries_fit_their_tables_whatever_comes(events: list[Happened]) -> None:
    complaint = Complaint(events)
    for key, row in complaint.rows.items():
        if row is not None:
            assert set(row) == set(shape_of(COMPLAINTS).other_columns)
            shape_of(COMPLAINTS).keyed_values(key, row)
    for each in complaint.entries:
        assert set(each) == set(shape_of(COMPLAINT_ENTRIES).columns)
        shape_of(COMPLAINT_ENTRIES).entry_values(each)
    if complaint.row["state"] is not None:
        assert sorted(each["number"] for each in complaint.entries) == list(range(1, len(events) + 1))
        assert complaint.row["entries"] == len(events)


@FEW
@given(MOSTLY_IN_TURN)
def test_the_case_stands_where_its_history_says_and_its_level_never_falls(events: list[Happened]) -> None:
    complaint = Complaint(_opened_first(events))
    states = [each["state_after"] for each in complaint.entries]
    levels = [LEVELS.index(each["level_after"]) for each in complaint.entries]
    assert set(states) <= set(STATES)
    assert states[-1] == complaint.row["state"]
    assert levels == sorted(levels)
    for before, each in zip(states, complaint.entries[1:], strict=False):
        if each["anomaly"] is not None:
            assert each["state_after"] == before
    running = [each for each in complaint.row["clocks"] if each["ended"] is None]
    assert bool(running) == (complaint.row["state"] in ACTIVE)


@FEW
@given(MOSTLY_IN_TURN, TIMES)
def test_overdue_by_its_column_is_overdue_by_its_clocks(events: list[Happened], time: str) -> None:
    complaint = Complaint(_opened_first(events))
    at = max(datetime.fromisoformat(time), complaint.row["latest"])
    assert complaint.policies is not None
    found = listed_complaint(CASE, complaint.row, complaint.policies, at)
    assert is_overdue(complaint.row, at) == any(each["status"] == "breached" for each in found["clocks"])


@FEW
@given(MOSTLY_IN_TURN)
def test_what_is_shown_adds_up(events: list[Happened]) -> None:
    complaint = Complaint(_opened_first(events))
    assert complaint.policies is not None
    found: dict[str, Any] = complaint_view(
        CASE, complaint.row, complaint.entries, complaint.policies, START + timedelta(days=30), pauses=()
    )
    rounds = [each for each in found["clocks"] if each["name"] == "resolution"]
    assert [each["round"] for each in rounds] == list(range(1, found["reopened"] + 2))
    assert all(each["elapsed_seconds"] >= 0 for each in found["clocks"])
    ended = [each["elapsed_seconds"] for each in rounds if each["ended_at"] is not None]
    if found["state"] != "withdrawn":
        assert complaint.row["working_seconds"] == sum(ended)
    given = sum(
        each.data.points or 0
        for each, entry in zip(_opened_first(events), complaint.entries, strict=True)
        if isinstance(each.data, ComplaintCompensated) and entry["anomaly"] is None
    )
    assert found["compensation"] == ([{"kind": "points", "points": given}] if given else [])
    assert complaint.row["latest"] >= complaint.row["opened_at"]
    assert microseconds_of(complaint.row["latest"]) >= max(
        each["started"] for each in complaint.row["clocks"]
    )


@FEW
@given(
    HISTORIES.map(lambda events: [each for each in events if each.data.TYPE != "complaint.opened"]),
    st.integers(0, 25),
)
def test_it_makes_no_difference_where_in_the_log_the_opening_stands(
    events: list[Happened], place: int
) -> None:
    first, *rest = _opened_first(events)
    late = Complaint([*rest[:place], first, *rest[place:]])
    in_time = Complaint([first, *rest])
    assert {**late.row, "opened_offset": 0} == in_time.row
    shown = [{**each, "log_offset": 0, "event_id": ""} for each in late.entries]
    assert shown == [{**each, "log_offset": 0, "event_id": ""} for each in in_time.entries]
