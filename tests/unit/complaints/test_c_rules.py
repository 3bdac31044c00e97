"""The rules of complaints, each by its number."""

from typing import Any

import pytest

from services.projections.complaints.escalation import escalations
from services.projections.complaints.granted_points import row as granted_row
from services.projections.complaints.reading import complaint_view, is_overdue
from shared.events.loyalty import LoyaltyPointsAdjusted
from tests.unit.complaints.cases import (
    CASE,
    SIMPLE,
    Complaint,
    Happened,
    accepted,
    acknowledged,
    as_recorded,
    at,
    awaited,
    closed,
    compensated,
    escalated,
    history_of,
    noted,
    opened,
    reopened,
    replied,
    resolved,
    started,
    withdrawn,
)

MONDAY = "2024-01-08T09:00"


@pytest.mark.parametrize("answer", [acknowledged, started, resolved])
def test_c1_the_first_response_ends_with_the_first_answer(answer: Any) -> None:
    complaint = Complaint([opened(MONDAY), answer("2024-01-08T11:00"), noted("2024-01-08T12:00")])
    clock = complaint.clock("first_response", "2024-01-08T16:00")
    assert (clock["status"], clock["ended_at"]) == ("met", "2024-01-08T11:00:00Z")
    assert (clock["elapsed_seconds"], clock["target_seconds"]) == (7200, 14400)


def test_c1_later_answers_do_not_move_its_end() -> None:
    history = [opened(MONDAY), acknowledged("2024-01-08T10:00"), started("2024-01-08T15:00")]
    assert (
        Complaint(history).clock("first_response", "2024-01-08T16:00")["ended_at"] == "2024-01-08T10:00:00Z"
    )


def test_c1_the_first_response_is_never_paused() -> None:
    complaint = Complaint([opened(MONDAY), awaited("2024-01-08T10:00")])
    clock = complaint.clock("first_response", "2024-01-08T13:00:01")
    assert (clock["status"], clock["due_at"]) == ("breached", "2024-01-08T13:00:00Z")


def test_c2_the_resolution_pauses_while_the_customer_is_awaited() -> None:
    history = [opened(MONDAY), awaited("2024-01-08T11:00"), replied("2024-01-09T11:00")]
    complaint = Complaint(history)
    waiting = complaint.clock("resolution", "2024-01-09T10:00")
    assert (waiting["status"], waiting["due_at"], waiting["elapsed_seconds"]) == ("paused", None, 7200)
    running = complaint.clock("resolution", "2024-01-09T12:00")
    assert (running["status"], running["due_at"]) == ("running", "2024-01-09T17:00:00Z")
    assert running["elapsed_seconds"] == 3 * 3600


def test_c2_each_reopening_starts_a_round_and_earlier_ones_keep_their_verdict() -> None:
    history = [
        opened(MONDAY),
        resolved("2024-01-09T10:00"),  # an hour late
        reopened("2024-01-10T09:00"),
        resolved("2024-01-10T12:00"),
        closed("2024-01-10T13:00"),
        reopened("2024-01-11T09:00"),
    ]
    found = Complaint(history).view("2024-01-11T10:00")
    rounds = [each for each in found["clocks"] if each["name"] == "resolution"]
    assert [(each["round"], each["status"], each["elapsed_seconds"]) for each in rounds] == [
        (1, "missed", 9 * 3600),
        (2, "met", 3 * 3600),
        (3, "running", 3600),
    ]
    assert {each["target_seconds"] for each in rounds} == {8 * 3600}
    assert (found["reopened"], found["round"], found["resolved_at"]) == (2, 3, None)
    assert [each["round"] for each in found["clocks"] if each["name"] != "resolution"] == [1, 1, 1]


def test_c2_a_row_keeps_only_the_clocks_of_the_present_round() -> None:
    history = [opened(MONDAY)]
    for _ in range(50):
        history += [resolved("2024-01-09T10:00"), reopened("2024-01-09T10:00")]
    assert len(Complaint(history).row["clocks"]) == 4


def test_c3_the_final_response_runs_on_calendar_time_and_ends_with_the_answer() -> None:
    complaint = Complaint([opened("2024-01-13T12:00"), resolved("2024-03-09T12:00")])
    before = complaint.clock("final_response", "2024-01-14T12:00")
    assert (before["elapsed_seconds"], before["target_seconds"]) == (86400, 56 * 86400)
    assert complaint.clock("final_response", "2024-03-09T12:00")["status"] == "met"
    late = Complaint([opened("2024-01-13T12:00"), resolved("2024-03-09T12:00:01")])
    assert late.clock("final_response", "2024-03-10T12:00")["status"] == "missed"


def test_c3_a_severity_whose_policy_has_none_has_no_regulators_clock() -> None:
    found = Complaint([opened(MONDAY, "critical")]).view(MONDAY)
    assert [each["name"] for each in found["clocks"]] == ["first_response", "resolution"]


def test_c4_a_deadline_that_a_night_follows_stays_that_evenings() -> None:
    complaint = Complaint([opened(MONDAY), awaited("2024-01-08T17:00"), replied("2024-01-09T09:00")])
    assert complaint.due() == "2024-01-08T17:00:00Z"
    assert complaint.clock("resolution", "2024-01-09T09:00")["status"] == "breached"


def test_c5_a_breach_before_a_pause_stays_a_breach() -> None:
    history = [
        opened(MONDAY),
        awaited("2024-01-09T09:30"),
        replied("2024-01-10T09:00"),
        resolved("2024-01-10T10:00"),
    ]
    complaint = Complaint(history)
    for time in ("2024-01-09T09:15", "2024-01-09T16:00", "2024-01-10T09:30"):
        clock = complaint.clock("resolution", time)
        assert (clock["status"], clock["due_at"]) == ("breached", "2024-01-08T17:00:00Z")
    assert complaint.clock("resolution", "2024-01-10T10:00")["status"] == "missed"


@pytest.mark.parametrize(
    ("end", "status"), [("2024-01-08T17:00", "met"), ("2024-01-08T17:00:00.000001", "missed")]
)
def test_c5_a_clock_is_met_when_its_end_is_not_after_its_due_time(end: str, status: str) -> None:
    assert Complaint([opened(MONDAY), resolved(end)]).clock("resolution", "2024-02-01")["status"] == status


def test_c5_an_answer_while_the_customer_is_awaited_meets_a_clock_with_time_left() -> None:
    complaint = Complaint([opened(MONDAY), awaited("2024-01-08T11:00"), resolved("2024-02-08T11:00")])
    clock = complaint.clock("resolution", "2024-02-09T11:00")
    assert (clock["status"], clock["due_at"], clock["elapsed_seconds"]) == ("met", None, 7200)


@pytest.mark.parametrize(
    ("time", "status"),
    [
        ("2024-01-08T14:59:59.999999", "running"),
        ("2024-01-08T15:00", "at_risk"),  # six of eight hours
        ("2024-01-08T17:00", "at_risk"),
        ("2024-01-08T17:00:00.000001", "breached"),
    ],
)
def test_c6_a_clock_is_at_risk_from_three_quarters_of_its_working_time(time: str, status: str) -> None:
    assert Complaint([opened(MONDAY)]).clock("resolution", time)["status"] == status


def test_c6_the_state_at_a_time_follows_from_what_is_stored_and_that_time() -> None:
    complaint = Complaint([opened(MONDAY)])
    before = dict(complaint.row)
    statuses = [
        complaint.listed(time)["clocks"][1]["status"]
        for time in (MONDAY, "2024-01-08T16:00", "2024-01-09T09:00")
    ]
    assert statuses == ["running", "at_risk", "breached"]
    assert complaint.row == before


def _to_post(complaint: Complaint, time: str) -> list[dict[str, Any]]:
    return escalations([(CASE, complaint.row)], at(time))


def _posted(event: dict[str, Any]) -> Happened:
    happened = escalated(event["time"], event["data"]["to_level"])
    return happened._replace(event_id=event["id"], source=event["source"])


def test_c7_a_breached_clock_is_escalated_one_level_up_under_its_own_id() -> None:
    complaint = Complaint([opened(MONDAY)])
    assert _to_post(complaint, "2024-01-08T13:00") == []
    [event] = _to_post(complaint, "2024-01-08T13:05")
    assert event == {
        "specversion": "1.0",
        "id": "sla:C-1:first_response:1",
        "source": "/rapport/escalator",
        "type": "complaint.escalated",
        "time": "2024-01-08T13:05:00Z",
        "channel": "phone",
        "causeid": CASE,
        "data": {"complaint_id": CASE, "to_level": "province", "reason": "sla_breached"},
    }


def test_c7_once_the_case_shows_it_nothing_more_is_posted_for_that_clock() -> None:
    history = [opened(MONDAY)]
    history.append(_posted(_to_post(Complaint(history), "2024-01-08T13:05")[0]))
    complaint = Complaint(history)
    assert complaint.row["level"] == "province"
    assert _to_post(complaint, "2024-01-08T16:00") == []
    assert complaint.row["next_escalation_at"] == at("2024-01-08T17:00")
    [second] = _to_post(complaint, "2024-01-08T17:05")
    assert (second["id"], second["data"]["to_level"]) == ("sla:C-1:resolution:1", "headquarters")


def test_c7_a_later_escalation_by_hand_does_not_ask_for_the_first_again() -> None:
    history = [opened(MONDAY)]
    history.append(_posted(_to_post(Complaint(history), "2024-01-08T13:05")[0]))
    history.append(escalated("2024-01-08T14:00", "province"))
    assert _to_post(Complaint(history), "2024-01-08T16:00") == []


def test_c7_of_two_schedulers_the_second_posts_what_the_first_did() -> None:
    complaint = Complaint([opened(MONDAY)])
    [first], [second] = _to_post(complaint, "2024-01-08T13:05"), _to_post(complaint, "2024-01-08T13:06")
    assert {**first, "time": ""} == {**second, "time": ""}


def test_c7_above_headquarters_there_is_nobody() -> None:
    complaint = Complaint([opened(MONDAY), escalated("2024-01-08T10:00", "headquarters")])
    assert _to_post(complaint, "2024-02-08T10:00") == []
    assert complaint.row["next_escalation_at"] is None
    assert is_overdue(complaint.row, at("2024-02-08T10:00"))


def test_c7_of_several_broken_clocks_the_first_broken_is_posted_first() -> None:
    complaint = Complaint([opened(MONDAY)])
    [event] = _to_post(complaint, "2024-06-01")
    assert event["id"] == "sla:C-1:first_response:1"


def test_c7_a_reopened_round_is_escalated_under_another_id() -> None:
    history = [opened(MONDAY), resolved("2024-01-08T10:00"), reopened("2024-01-08T11:00")]
    [event] = _to_post(Complaint(history), "2024-01-20")
    assert event["id"] == "sla:C-1:resolution:2"


def test_c7_somebody_elses_event_of_the_same_id_is_no_escalation_of_the_clock() -> None:
    history = [opened(MONDAY), escalated("2024-01-08T13:05", event_id="sla:C-1:first_response:1")]
    assert [each["id"] for each in _to_post(Complaint(history), "2024-01-08T13:10")] == [
        "sla:C-1:first_response:1"
    ]


def test_c7_ids_stay_within_what_an_id_may_have() -> None:
    complaint = Complaint([opened(MONDAY)])
    [event] = escalations([("c" * 128, complaint.row)], at("2024-01-08T13:05"))
    assert len(event["id"]) <= 128
    assert event["id"].endswith(":first_response:1")


def test_c8_compensation_adds_up_by_kind_and_currency() -> None:
    time = "2024-01-08T10:00"
    history = [
        opened(MONDAY),
        compensated(time, points=100),
        compensated(time, "money", amount="12.50"),
        compensated(time, "voucher", amount="5"),
        compensated(time, points=50),
        compensated(time, "money", amount="0.0001"),
        compensated(time, "money", amount="3", currency="THB"),
        compensated(time, "goods", points=7),
    ]
    assert Complaint(history).view(time)["compensation"] == [
        {"kind": "points", "points": 150},
        {"kind": "money", "amount": "12.5001", "currency": "EUR"},
        {"kind": "voucher", "amount": "5", "currency": "EUR"},
        {"kind": "money", "amount": "3", "currency": "THB"},
        {"kind": "goods", "points": 7},
    ]


def test_c8_a_voucher_may_be_worth_points_and_money_at_once() -> None:
    history = [
        opened(MONDAY),
        compensated(MONDAY, "voucher", points=5),
        compensated(MONDAY, "voucher", amount="2"),
        compensated(MONDAY, "voucher", points=5),
    ]
    assert Complaint(history).view(MONDAY)["compensation"] == [
        {"kind": "voucher", "points": 10},
        {"kind": "voucher", "amount": "2", "currency": "EUR"},
    ]


def test_c8_the_complaint_links_to_the_points_granted_for_it() -> None:
    complaint = Complaint([opened(MONDAY), compensated("2024-01-08T10:00", points=100)])
    data = LoyaltyPointsAdjusted(account_id="M1", points=100, reason="sorry", actor="s-1")
    granted = granted_row(as_recorded(Happened(at("2024-01-08T10:01"), data, cause_id=CASE), 7, 3))
    assert (granted["cause_id"], granted["partition"], granted["log_offset"]) == (CASE, 3, 7)
    assert complaint.policies is not None
    found = complaint_view(
        CASE,
        complaint.row,
        complaint.entries,
        complaint.policies,
        at("2024-01-09"),
        pauses=(),
        granted=[granted],
    )
    assert found["granted_points"] == [
        {
            "event_id": "e7",
            "source": "/desk",
            "time": "2024-01-08T10:01:00Z",
            "account_id": "M1",
            "points": 100,
        }
    ]


def test_c9_an_event_earlier_than_its_predecessor_counts_as_no_time_and_is_marked() -> None:
    history = [opened(MONDAY), started("2024-01-08T12:00"), resolved("2024-01-08T10:00")]
    found = Complaint(history).view("2024-01-08T13:00")
    resolution = next(each for each in found["clocks"] if each["name"] == "resolution")
    assert (resolution["elapsed_seconds"], resolution["ended_at"]) == (3 * 3600, "2024-01-08T12:00:00Z")
    assert [each["anomaly"] for each in found["history"]] == [None, None, "time_went_back"]
    assert [(each["event_id"], each["code"]) for each in found["anomalies"]] == [("e2", "time_went_back")]
    assert (found["state"], found["history"][-1]["applied"]) == ("resolved", True)


def test_c9_a_pause_that_ends_before_it_began_is_none() -> None:
    history = [opened(MONDAY), awaited("2024-01-08T12:00"), replied("2024-01-08T10:00")]
    assert Complaint(history).due() == "2024-01-08T17:00:00Z"


def test_c9_an_event_that_changed_nothing_is_nobodys_predecessor() -> None:
    history = [opened(MONDAY), accepted("2024-01-08T16:00"), started("2024-01-08T10:00")]
    found = Complaint(history).view("2024-01-08T17:00")
    assert [each["anomaly"] for each in found["history"]] == [None, "not_allowed_in_open", None]


def test_a_withdrawal_ends_every_clock_and_counts_as_no_answer() -> None:
    complaint = Complaint([opened(MONDAY), withdrawn("2024-01-08T10:00")])
    found = complaint.view("2024-03-08T10:00")
    assert {each["status"] for each in found["clocks"]} == {"met"}
    assert (complaint.row["next_due_at"], found["resolved_at"]) == (None, None)


def test_the_next_due_time_is_that_of_the_first_running_clock() -> None:
    history = [opened(MONDAY)]
    assert Complaint(history).row["next_due_at"] == at("2024-01-08T13:00")
    history.append(started("2024-01-08T10:00"))
    assert Complaint(history).row["next_due_at"] == at("2024-01-08T17:00")
    history.append(awaited("2024-01-08T11:00"))
    assert Complaint(history).row["next_due_at"] == at("2024-01-11T17:00")  # the summary is never paused
    history.append(resolved("2024-01-08T12:00"))
    assert Complaint(history).row["next_due_at"] is None


def test_a_time_before_the_latest_event_is_taken_for_that_events() -> None:
    complaint = Complaint([opened(MONDAY), awaited("2024-01-08T11:00"), replied("2024-01-08T13:00")])
    assert complaint.listed("2024-01-08T09:30") == complaint.listed("2024-01-08T13:00")


def test_overdue_is_what_has_a_due_time_in_the_past() -> None:
    row = Complaint([opened(MONDAY)]).row
    assert not is_overdue(row, at("2024-01-08T13:00"))
    assert is_overdue(row, at("2024-01-08T13:00:01"))


def test_editing_the_policy_changes_no_open_case() -> None:
    slower = SIMPLE.replace('resolution = "8h"', 'resolution = "80h"')
    policies = history_of(SIMPLE, slower)
    before = Complaint([opened(MONDAY)], policies=policies)
    before.fold(as_recorded(resolved("2024-01-08T10:00"), 11))
    before.fold(as_recorded(reopened("2024-01-08T11:00"), 12))
    assert before.row["policy_version"] == policies.at(0, 0).version
    assert before.row["clocks"][1]["target"] == 8 * 3600
    after = Complaint([], policies=policies)
    after.fold(as_recorded(opened(MONDAY), 10))
    assert after.row["policy_version"] == policies.at(0, 10).version
    assert after.row["clocks"][1]["target"] == 80 * 3600


def test_no_text_that_a_person_worded_is_kept() -> None:
    history = [awaited("2024-01-08T08:00"), opened(MONDAY), noted(MONDAY), reopened(MONDAY)]
    kept = (
        repr(Complaint(history[:1]).rows) + repr(Complaint(history).rows) + repr(Complaint(history).entries)
    )
    for text in ("cold", "which till?", "called twice", "it was a lie"):
        assert text not in kept
