"""Deadlines worked out by hand: weekends, holidays, changes of the clock, pauses, rounds, places."""

import pytest

from tests.unit.complaints.cases import (
    BANGKOK,
    SIMPLE,
    Complaint,
    Happened,
    awaited,
    opened,
    reopened,
    replied,
    resolved,
    started,
)


def _with(first: str, resolution: str, hours: str = "09:00-17:00", zone: str = "UTC", **days: str) -> str:
    week = {**dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), hours), **days}
    written = ", ".join(f'{day} = "{ranges}"' for day, ranges in week.items())
    return f"""
[calendar.a]
timezone = "{zone}"
hours = {{ {written} }}
extra_holidays = [2024-05-01, 2024-12-25, 2024-12-26]
[policy.default]
calendar = "a"
fallback = "normal"
[policy.default.normal]
first_response = "{first}"
resolution = "{resolution}"
"""


ROUND_THE_CLOCK = dict.fromkeys(("sat", "sun"), "00:00-24:00")
NIGHT = dict.fromkeys(("sat", "sun"), "00:00-06:00, 22:00-24:00")
SPLIT = "09:00-12:30, 13:30-17:00"

# 8 January 2024 is a Monday. The first time is that of the opening, the second when the resolution is due.
GOLDEN = [
    ("within a day", _with("1h", "4h"), "2024-01-08T09:00", "2024-01-08T13:00:00Z"),
    ("the whole day, due as it ends", _with("1h", "8h"), "2024-01-08T09:00", "2024-01-08T17:00:00Z"),
    (
        "one minute more goes on the next morning",
        _with("1h", "481m"),
        "2024-01-08T09:00",
        "2024-01-09T09:01:00Z",
    ),
    ("at 16:30 with one hour", _with("1h", "1h"), "2024-01-08T16:30", "2024-01-09T09:30:00Z"),
    ("on Friday at 16:30 with one hour", _with("1h", "1h"), "2024-01-12T16:30", "2024-01-15T09:30:00Z"),
    ("received in the night", _with("1h", "1h"), "2024-01-08T03:00", "2024-01-08T10:00:00Z"),
    ("received as it closes", _with("1h", "1h"), "2024-01-08T17:00", "2024-01-09T10:00:00Z"),
    ("received on Saturday", _with("1h", "2h"), "2024-01-13T12:00", "2024-01-15T11:00:00Z"),
    ("three days over a weekend", _with("1h", "24h"), "2024-01-11T09:00", "2024-01-15T17:00:00Z"),
    ("a holiday in the week", _with("1h", "8h"), "2024-04-30T13:00", "2024-05-02T13:00:00Z"),
    ("received on a holiday", _with("1h", "1h"), "2024-05-01T10:00", "2024-05-02T10:00:00Z"),
    ("Christmas, and a weekend after", _with("1h", "16h"), "2024-12-24T16:00", "2024-12-30T16:00:00Z"),
    ("lunch is no working time", _with("1h", "4h", SPLIT), "2024-01-08T10:00", "2024-01-08T15:00:00Z"),
    ("received at lunch", _with("1h", "30m", SPLIT), "2024-01-08T13:00", "2024-01-08T14:00:00Z"),
    # Europe/Berlin: on 31 March 2024 02:00 to 03:00 does not exist, on 27 October it comes twice.
    (
        "winter time in Berlin",
        _with("1h", "1h", zone="Europe/Berlin"),
        "2024-01-08T08:00",
        "2024-01-08T09:00:00Z",
    ),
    (
        "over the change to summer time",
        _with("1h", "2h", zone="Europe/Berlin"),
        "2024-03-29T15:00",
        "2024-04-01T08:00:00Z",
    ),
    (
        "over the change to winter time",
        _with("1h", "2h", zone="Europe/Berlin"),
        "2024-10-25T14:00",
        "2024-10-28T09:00:00Z",
    ),
    (
        "a night an hour shorter: from 22:00 eight hours of Saturday and Sunday work",
        _with("1h", "8h", "", "Europe/Berlin", **NIGHT),
        "2024-03-30T21:00",  # 22:00; two hours to midnight, then 00:00-02:00 and 03:00-06:00, then 22:00-23:00
        "2024-03-31T21:00:00Z",
    ),
    (
        "a night an hour longer: from 22:00 eight hours end at 05:00",
        _with("1h", "8h", "", "Europe/Berlin", **NIGHT),
        "2024-10-26T20:00",
        "2024-10-27T04:00:00Z",
    ),
    (
        "hours that begin in the gap begin after it",
        _with("1h", "1h", "", "Europe/Berlin", sun="02:30-06:00"),
        "2024-03-31T00:00",
        "2024-03-31T02:00:00Z",
    ),
    (
        "hours that end in the hour that comes twice count in both",
        _with("1h", "3h", "", "Europe/Berlin", sun="01:00-02:30"),
        "2024-10-26T20:00",  # 01:00-02:30 and 02:00-02:30 again: two hours, the third a week later
        "2024-11-03T01:00:00Z",
    ),
    (
        "round the clock at weekends",
        _with("1h", "30h", "", **ROUND_THE_CLOCK),
        "2024-01-12T12:00",
        "2024-01-14T06:00:00Z",
    ),
    # Bangkok is 7 hours ahead; 12 April 2024 (Friday), and 15 and 16 April are Songkran.
    ("24 hours in Bangkok over Songkran", BANGKOK, "2024-04-11T02:00", "2024-04-18T10:00:00Z"),
    ("in Bangkok it is already Monday", BANGKOK, "2024-01-07T20:00", "2024-01-10T10:00:00Z"),
]


@pytest.mark.parametrize(
    ("toml", "time", "due"), [each[1:] for each in GOLDEN], ids=[each[0] for each in GOLDEN]
)
def test_c4_a_resolution_is_due_when_its_working_time_has_passed(toml: str, time: str, due: str) -> None:
    assert Complaint([opened(time)], toml).due() == due


PAUSES: list[tuple[str, list[Happened], str]] = [
    (
        "over a night adds nothing",
        [awaited("2024-01-08T17:00"), replied("2024-01-09T09:00")],
        "2024-01-09T11:00:00Z",
    ),
    (
        "of two working hours adds two",
        [awaited("2024-01-08T13:00"), replied("2024-01-08T15:00")],
        "2024-01-09T13:00:00Z",
    ),
    (
        "from an afternoon to the next morning adds what was open",
        [awaited("2024-01-08T16:00"), replied("2024-01-09T10:00")],
        "2024-01-09T13:00:00Z",
    ),
    (
        "within a night adds nothing",
        [awaited("2024-01-08T20:00"), replied("2024-01-09T02:00")],
        "2024-01-09T11:00:00Z",
    ),
    (
        "twice adds both",
        [
            awaited("2024-01-08T12:00"),
            replied("2024-01-08T13:00"),
            awaited("2024-01-09T09:00"),
            replied("2024-01-09T10:00"),
        ],
        "2024-01-09T13:00:00Z",
    ),
]


@pytest.mark.parametrize(("pauses", "due"), [each[1:] for each in PAUSES], ids=[each[0] for each in PAUSES])
def test_c4_a_pause_moves_a_deadline_by_its_working_time(pauses: list[Happened], due: str) -> None:
    """Eight hours from Monday at 11:00 are due on Tuesday at 11:00 without a pause."""
    assert Complaint([opened("2024-01-08T11:00"), *pauses]).due() == due


def test_c4_a_pause_over_a_weekend_adds_nothing() -> None:
    history = [opened("2024-01-12T11:00"), awaited("2024-01-12T17:00"), replied("2024-01-15T09:00")]
    assert Complaint(history).due() == "2024-01-15T11:00:00Z"


def test_c2_a_reopened_round_has_its_full_target_from_the_reopening() -> None:
    history = [opened("2024-01-08T09:00"), resolved("2024-01-08T16:00"), reopened("2024-01-12T15:00")]
    assert Complaint(history).due(number=2) == "2024-01-15T15:00:00Z"


def test_c2_a_round_reopened_on_a_holiday_begins_with_the_next_day_of_work() -> None:
    toml = _with("1h", "3h")
    history = [opened("2024-04-29T09:00"), resolved("2024-04-29T10:00"), reopened("2024-05-01T12:00")]
    assert Complaint(history, toml).due(number=2) == "2024-05-02T12:00:00Z"


PLACES = """
[calendar.headquarters]
timezone = "Europe/Berlin"
hours = { mon = "08:00-16:00", tue = "08:00-16:00" }
[calendar.guangdong]
timezone = "Asia/Shanghai"
hours = { mon = "10:00-22:00", tue = "10:00-22:00", sun = "10:00-22:00" }
[policy.default]
calendar = "headquarters"
normal = { first_response = "1h", resolution = "4h" }
[policy.stores]
calendar = "guangdong"
applies_to = ["hq/guangdong", "hq/fujian"]
normal = { first_response = "30m", resolution = "2h" }
[policy.flagship]
calendar = "guangdong"
applies_to = ["hq/guangdong/gz-03"]
normal = { first_response = "10m", resolution = "1h" }
"""


@pytest.mark.parametrize(
    ("location", "due"),
    [
        # Sunday 7 January 2024, 12:30 in UTC: 13:30 in Berlin, 20:30 in Guangzhou.
        (None, "2024-01-08T11:00:00Z"),
        ("hq", "2024-01-08T11:00:00Z"),
        ("hq/guangdong/gz-01", "2024-01-08T02:30:00Z"),
        ("hq/fujian", "2024-01-08T02:30:00Z"),
        ("hq/guangdong-old/gz-01", "2024-01-08T11:00:00Z"),
        ("hq/guangdong/gz-03/till-2", "2024-01-07T13:30:00Z"),
    ],
)
def test_the_nearest_unit_that_a_policy_names_decides_whose_hours_count(
    location: str | None, due: str
) -> None:
    complaint = Complaint([opened("2024-01-07T12:30", location=location)], PLACES)
    assert complaint.due(time="2024-01-07T12:30") == due


@pytest.mark.parametrize(
    ("time", "due"),
    [
        ("2024-01-08T10:00", "2024-01-11T17:00:00Z"),  # Monday: Tuesday, Wednesday, Thursday
        ("2024-01-08T23:00", "2024-01-11T17:00:00Z"),
        ("2024-01-11T10:00", "2024-01-16T17:00:00Z"),  # Thursday: Friday, Monday, Tuesday
        ("2024-01-13T10:00", "2024-01-17T17:00:00Z"),  # Saturday
    ],
)
def test_c3_a_summary_resolution_ends_with_business_on_the_third_business_day(time: str, due: str) -> None:
    assert Complaint([opened(time)], SIMPLE).due("summary_resolution") == due


def test_c3_holidays_are_no_business_days() -> None:
    toml = _with("1h", "8h") + 'summary_resolution = "3 business days"\n'
    assert Complaint([opened("2024-12-24T10:00")], toml).due("summary_resolution") == "2024-12-31T17:00:00Z"


def test_c3_the_final_response_is_due_eight_weeks_after_receipt_whatever_the_hours() -> None:
    complaint = Complaint(
        [opened("2024-01-13T22:15"), started("2024-01-15T09:00"), awaited("2024-01-15T10:00")]
    )
    assert complaint.due("final_response") == "2024-03-09T22:15:00Z"
