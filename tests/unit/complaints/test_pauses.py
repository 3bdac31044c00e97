"""Pauses as stretches of time: found in a history, they agree with what the fold made of the same events."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from services.projections.complaints.pauses import TURNS, pauses_of, steps_of
from services.projections.complaints.reading import MOST_PAUSES
from services.projections.complaints.working_time import working_time_between
from services.projections.moments import microseconds_of
from tests.unit.complaints.cases import (
    SIMPLE,
    Complaint,
    Happened,
    awaited,
    noted,
    opened,
    reopened,
    replied,
    resolved,
    withdrawn,
)
from tests.unit.complaints.test_any_history import FEW, MOSTLY_IN_TURN, START, TIMES

ROUND_THE_CLOCK = """
[calendar.always]
timezone = "Europe/Berlin"
hours = { mon = "00:00-24:00", tue = "00:00-24:00", wed = "00:00-24:00", thu = "00:00-24:00", fri = "00:00-24:00", sat = "00:00-24:00", sun = "00:00-24:00" }

[policy.default]
calendar = "always"
fallback = "normal"
[policy.default.normal]
first_response = "4h"
resolution = "8h"
"""  # noqa: E501 - TOML keeps a table on one line
MONDAY = "2024-01-08T09:00"


def _passed(complaint: Complaint, since: str, until: str) -> int:
    """Working seconds between two times as answers tell them."""
    assert complaint.policies is not None
    row = complaint.row
    calendar = complaint.policies.version(row["policy_version"]).calendars[row["calendar"]]
    ends = (microseconds_of(datetime.fromisoformat(each)) for each in (since, until))
    return working_time_between(calendar, *ends) // 1_000_000


def _shown_at(clock: dict[str, Any], at: str) -> str:
    return clock["ended_at"] or at


@pytest.mark.parametrize("toml", [SIMPLE, ROUND_THE_CLOCK], ids=["office hours", "round the clock"])
@FEW
@given(MOSTLY_IN_TURN, TIMES)
def test_c2_elapsed_time_pauses_and_closed_hours_are_all_of_a_clocks_time(
    toml: str, events: list[Happened], time: str
) -> None:
    complaint = Complaint([opened(START.isoformat()), *events], toml)
    found = complaint.view(time)
    latest = max(each.time for each in [opened(START.isoformat()), *events] if each.time.isoformat() <= time)
    at = max(datetime.fromisoformat(time), latest).isoformat()
    for clock in found["clocks"]:
        if clock["name"] == "resolution":
            paused = sum(each["working_seconds"] for each in clock["pauses"])
            whole = _passed(complaint, clock["started_at"], _shown_at(clock, at))
            assert clock["elapsed_seconds"] + paused == whole
        else:
            assert (clock["pauses"], clock["open_pause"]) == ([], None)


@FEW
@given(MOSTLY_IN_TURN, TIMES)
def test_c2_pauses_lie_within_their_round_one_after_the_other_and_the_last_may_go_on(
    events: list[Happened], time: str
) -> None:
    found = Complaint([opened(START.isoformat()), *events]).view(time)
    for clock in found["clocks"]:
        ends = [clock["started_at"]]
        for pause in clock["pauses"]:
            ends += [pause["started_at"], pause["ended_at"] or "9999"]
        ends.append(clock["ended_at"] or "9999")
        assert ends == sorted(ends)
        going_on = [each for each in clock["pauses"] if each["ended_at"] is None]
        assert going_on == ([clock["open_pause"]] if clock["open_pause"] else [])
        assert (clock["status"] == "paused") <= bool(going_on)
        if clock["name"] == "resolution" and clock["round"] == found["round"]:
            assert bool(going_on) == (found["state"] == "waiting_for_customer")


@FEW
@given(MOSTLY_IN_TURN)
def test_the_events_that_pauses_lie_between_are_enough_to_find_them(events: list[Happened]) -> None:
    complaint = Complaint([opened(START.isoformat()), *events])
    steps = list(steps_of(complaint.entries))
    whole = pauses_of(steps, complaint.row["round"])
    turns = [each for each in steps if each.type in TURNS]
    assert pauses_of(turns, complaint.row["round"]) == whole
    for first in range(len(turns)):
        late = pauses_of(turns[first:], complaint.row["round"])
        assert late == whole[len(whole) - len(late) :]


def test_a_pause_over_a_night_moves_the_deadline_by_its_working_time_alone() -> None:
    history = [
        opened(MONDAY),
        awaited("2024-01-08T16:00"),
        noted("2024-01-08T16:30"),
        replied("2024-01-09T10:00"),
    ]
    clock = Complaint(history).clock("resolution", "2024-01-09T11:00")
    assert clock["pauses"] == [
        {
            "started_at": "2024-01-08T16:00:00Z",
            "ended_at": "2024-01-09T10:00:00Z",
            "reason": "waiting_for_customer",
            "working_seconds": 2 * 3600,
        }
    ]
    assert (clock["open_pause"], clock["due_at"]) == (None, "2024-01-09T11:00:00Z")


def test_a_pause_that_goes_on_has_no_end_and_a_clock_past_due_is_in_it_as_well() -> None:
    clock = Complaint([opened(MONDAY, "critical"), awaited("2024-01-08T14:00")]).clock(
        "resolution", "2024-01-08T15:00"
    )
    assert clock["status"] == "breached"
    assert clock["open_pause"] == clock["pauses"][-1]
    assert (clock["open_pause"]["ended_at"], clock["open_pause"]["working_seconds"]) == (None, 3600)


@pytest.mark.parametrize("end", [resolved, withdrawn])
def test_the_end_of_a_complaint_ends_its_pause_and_each_round_has_its_own(end: Any) -> None:
    ended = "2024-01-08T11:00"
    history = [opened(MONDAY), awaited("2024-01-08T10:00"), end(ended)]
    if end is resolved:
        history += [reopened("2024-01-08T12:00"), awaited("2024-01-08T13:00"), replied("2024-01-08T14:00")]
    complaint = Complaint(history)
    first = complaint.clock("resolution", "2024-01-08T16:00")
    assert [each["ended_at"] for each in first["pauses"]] == ["2024-01-08T11:00:00Z"] == [first["ended_at"]]
    if end is resolved:
        second = complaint.clock("resolution", "2024-01-08T16:00", 2)
        assert [each["started_at"] for each in second["pauses"]] == ["2024-01-08T13:00:00Z"]


def test_c9_a_pause_that_goes_back_in_time_counts_from_the_latest_event_before_it() -> None:
    history = [
        opened(MONDAY),
        noted("2024-01-08T12:00"),
        awaited("2024-01-08T10:00"),
        replied("2024-01-08T11:00"),
    ]
    [pause] = Complaint(history).clock("resolution", "2024-01-08T13:00")["pauses"]
    assert (pause["started_at"], pause["ended_at"]) == ("2024-01-08T12:00:00Z", "2024-01-08T12:00:00Z")


def test_of_many_pauses_the_newest_are_told_and_how_many_came_before() -> None:
    begins = datetime.fromisoformat(f"{MONDAY}+00:00")
    history = [opened(MONDAY)]
    for minute in range(0, 2 * MOST_PAUSES + 6, 2):
        history += [
            awaited((begins + timedelta(minutes=minute)).isoformat()),
            replied((begins + timedelta(minutes=minute + 1)).isoformat()),
        ]
    clock = Complaint(history).clock("resolution", "2024-01-09T11:00")
    assert (len(clock["pauses"]), clock["pauses_left_out"]) == (MOST_PAUSES, 3)
    assert clock["pauses"][-1]["started_at"] == "2024-01-08T12:24:00Z"
