"""What a timeline row says of an event, for every event that ingest accepts."""

from datetime import datetime
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.projections.engine.batch import entry_of
from services.projections.engine.generations import LiveView
from services.projections.personal_parts import parts_of
from services.projections.read_models.timeline import CONSUMED, TABLE, TIMELINE, row
from services.projections.read_models.timeline_summary import summary_of
from shared.codec import decode_record
from shared.envelope import RecordedEvent
from shared.events import EVENT_CLASSES
from shared.events.data import EventData
from shared.log.port import StoredRecord
from tests.projecting import decode, purchase
from tests.strategies import CATALOGUE, PARTY_IDS, posted_events, record_of, recorded_events, texts

_CUSTOMER = [{"type": "email", "value": "ada@example.org"}, {"type": "member", "value": "M1"}]
_MEMBER = PARTY_IDS.of("member", "M1")


def recorded(type_: str, data: dict[str, Any]) -> RecordedEvent[EventData]:
    return decode_record(record_of(purchase(1, type=type_, data=data)), CATALOGUE)


def item_of(event: RecordedEvent[EventData]) -> dict[str, Any]:
    """The item that the row shows."""
    item: dict[str, Any] = msgspec.json.decode(row(event)["item"])
    return item


def test_the_timeline_consumes_every_event_type() -> None:
    assert set(get_args(CONSUMED)) == set(EVENT_CLASSES) == TIMELINE.consumes


@given(recorded_events())
def test_every_valid_event_has_a_row_of_all_columns_and_a_short_sentence(
    event: RecordedEvent[EventData],
) -> None:
    written = row(event)
    assert set(written) == set(TABLE.columns.keys())
    assert all(written[column.name] is not None for column in TABLE.columns if not column.nullable)
    assert 0 < len(item_of(event)["summary"]) <= 500
    assert written == row(event)


@given(recorded_events())
def test_what_a_row_shows_agrees_with_what_it_is_found_by(event: RecordedEvent[EventData]) -> None:
    written, item = row(event), item_of(event)
    assert {name: item[name] for name in ("type", "channel", "category")} == {
        name: written[name] for name in ("type", "channel", "category")
    }
    assert (datetime.fromisoformat(item["time"]), item["time"][-1]) == (event.time, "Z")
    assert (datetime.fromisoformat(item["recorded_time"]), item["recorded_time"][-1]) == (
        event.recorded_time,
        "Z",
    )
    assert (item["event_id"], item["source"]) == (event.id, event.source)
    assert item["data"] == msgspec.json.decode(parts_of(event).plain)


@pytest.mark.parametrize("event_class", EVENT_CLASSES, ids=lambda each: each.TYPE)
@settings(max_examples=15)
@given(data=st.data())
def test_a_sentence_does_not_depend_on_personal_data(
    event_class: type[EventData], data: st.DataObject
) -> None:
    posted = data.draw(posted_events(event_class))
    other = {**posted, "data": {**posted["data"]}}
    for name in ("summary", "body", "description", "note", "comment", "title"):
        if isinstance(other["data"].get(name), str):
            other["data"][name] = data.draw(texts(1))
    first, second = (decode_record(record_of(each), CATALOGUE).data for each in (posted, other))
    assert summary_of(first) == summary_of(second)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type_", "data", "sentence"),
    [
        (
            "purchase.completed",
            {
                "customer": _CUSTOMER,
                "order_id": "o-1",
                "total": {"amount": "12.50", "currency": "EUR"},
                "lines": [{"sku": "a", "quantity": 2, "unit_price": {"amount": "6.25", "currency": "EUR"}}],
            },
            "Bought 2 items for EUR 12.50 (order o-1)",
        ),
        (
            "interaction.recorded",
            {
                "customer": _CUSTOMER,
                "kind": "page_view",
                "category": "enquiry",
                "direction": "inbound",
                "duration_seconds": 125,
                "summary": "Ada looked at shoes",
            },
            "Page view (inbound): enquiry, 2 min",
        ),
        (
            "customer.described",
            {"customer": _CUSTOMER, "attributes": {"name": "Ada", "health_notes": None}},
            "Customer details changed: name, health notes",
        ),
        (
            "consent.changed",
            {"customer": _CUSTOMER, "purpose": "partner_sharing", "granted": False},
            "Withdrew consent to partner sharing",
        ),
        (
            "loyalty.points_adjusted",
            {"account_id": "m-1", "points": -5, "reason": "Ada asked", "actor": "s1"},
            "Points corrected by -5 points (account M1)",
        ),
        (
            "complaint.compensated",
            {"complaint_id": "c-1", "kind": "voucher", "amount": {"amount": "5.00", "currency": "EUR"}},
            "Compensated with voucher worth EUR 5.00 (complaint c-1)",
        ),
        (
            "task.created",
            {
                "task_id": "t-1",
                "title": "Call Ada",
                "due_at": "2024-06-01T10:00:00Z",
                "assignee": {"person": "kim", "department": "service"},
            },
            "Task for kim of service, due 2024-06-01 10:00 UTC (task t-1)",
        ),
    ],
)
def test_sentences_read_well(type_: str, data: dict[str, Any], sentence: str) -> None:
    assert item_of(recorded(type_, data))["summary"] == sentence


_PERSONAL = "Ada, 5 Mill Lane"


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        (
            "complaint.opened",
            {
                "customer": _CUSTOMER,
                "summary": _PERSONAL,
                "description": _PERSONAL,
                "desired_outcome": _PERSONAL,
                "cause": "service_below_expectation",
                "severity": "high",
            },
            "Complained: service below expectation, severity high",
        ),
        ("complaint.acknowledged", {"staff": "s1"}, "Complaint acknowledged"),
        ("complaint.started", {"staff": "s1"}, "Work on the complaint started"),
        (
            "complaint.assigned",
            {"assignee": {"person": "kim", "department": "kitchen"}, "level": "province"},
            "Complaint assigned to kim of kitchen at level province",
        ),
        ("complaint.customer_awaited", {"note": _PERSONAL}, "Waiting for the customer's answer"),
        ("complaint.customer_replied", {"note": _PERSONAL}, "The customer answered"),
        ("complaint.note_added", {"note": _PERSONAL}, "Note added to the complaint"),
        (
            "complaint.escalated",
            {"to_level": "headquarters", "reason": "customer_request"},
            "Complaint escalated to headquarters: the customer asked for it",
        ),
        (
            "complaint.resolved",
            {"resolution": "apology", "staff": "s1", "handling_fault": "lying"},
            "Complaint resolved with an apology; handled before with lying",
        ),
        ("complaint.resolved", {"resolution": "rejected", "staff": "s1"}, "Complaint rejected"),
        ("complaint.compensated", {"kind": "points", "points": 1}, "Compensated with 1 point"),
        ("complaint.accepted", {"reason": _PERSONAL}, "The customer accepted the resolution"),
        ("complaint.reopened", {"reason": _PERSONAL}, "Complaint reopened"),
        ("complaint.withdrawn", {"reason": _PERSONAL}, "Complaint withdrawn"),
        ("complaint.closed", {"reason": _PERSONAL}, "Complaint closed"),
        (
            "task.created",
            {
                "title": _PERSONAL,
                "due_at": "2024-06-01T10:00:00+02:00",
                "assignee": {"department": "kitchen"},
            },
            "Task for kitchen, due 2024-06-01 08:00 UTC",
        ),
        ("task.assigned", {"assignee": {"person": "kim"}}, "Task assigned to kim"),
        ("task.assigned", {}, "Task assigned to nobody"),
        ("task.rescheduled", {"due_at": "2024-06-02T10:00:00Z"}, "Task moved to 2024-06-02 10:00 UTC"),
        ("task.rescheduled", {}, "Task rescheduled"),
        ("task.completed", {"outcome": _PERSONAL}, "Task completed"),
        ("task.cancelled", {"outcome": _PERSONAL}, "Task cancelled"),
    ],
)
def test_every_event_of_a_case_has_a_sentence_without_what_people_worded(
    kind: str, data: dict[str, Any], sentence: str
) -> None:
    case = kind.partition(".")[0]
    event = recorded(kind, {f"{case}_id": "c-1", **data})
    assert item_of(event)["summary"] == f"{sentence} ({case} c-1)"


@pytest.mark.parametrize(
    ("event_id", "source", "why"),
    [
        ("sla:c-1:first_response:1", "/rapport/escalator", "the first response was overdue"),
        ("sla:a:b:resolution:2", "/rapport/escalator", "the resolution was overdue"),
        ("sla:c-1:final_response:1", "/rapport/escalator", "the final response was overdue"),
        ("sla:c-1:lunch:1", "/rapport/escalator", "a deadline was missed"),
        ("sla:c-1:first_response:1", "/desk", "a deadline was missed"),
        ("first_response", "/rapport/escalator", "a deadline was missed"),
    ],
)
def test_an_escalation_says_which_clock_it_is_of(event_id: str, source: str, why: str) -> None:
    data = {"complaint_id": "c-1", "to_level": "province", "reason": "sla_breached"}
    posted = purchase(1, id=event_id, source=source, type="complaint.escalated", data=data)
    event = decode_record(record_of(posted), CATALOGUE)
    assert item_of(event)["summary"] == f"Complaint escalated to province: {why} (complaint c-1)"


def test_an_event_belongs_to_the_party_of_its_strongest_identifier() -> None:
    event = recorded("customer.erasure_requested", {"customer": _CUSTOMER, "request_id": "r"})
    assert (row(event)["subject"], row(event)["case_subject"]) == (_MEMBER, None)


def test_a_loyalty_event_belongs_to_its_account() -> None:
    event = recorded("loyalty.enrolled", {"account_id": "m 1", "programme": "circle"})
    assert (row(event)["subject"], item_of(event)["party_id"]) == (_MEMBER, _MEMBER)


@pytest.mark.parametrize(
    ("type_", "data", "subject", "case_subject"),
    [
        ("complaint.withdrawn", {"complaint_id": "c"}, "complaint:c", None),
        ("complaint.withdrawn", {"complaint_id": "c", "customer": _CUSTOMER}, _MEMBER, "complaint:c"),
        ("task.completed", {"task_id": "t"}, "task:t", None),
    ],
)
def test_an_event_of_a_case_belongs_to_the_customer_it_names_or_to_the_case(
    type_: str, data: dict[str, Any], subject: str, case_subject: str | None
) -> None:
    written = row(recorded(type_, data))
    assert (written["subject"], written["case_subject"]) == (subject, case_subject)


@pytest.mark.parametrize(
    ("complaint", "subject", "case_subject"),
    [("c", "complaint:c", "task:t"), (None, "task:t", None)],
)
def test_a_task_without_customer_belongs_to_its_complaint(
    complaint: str | None, subject: str, case_subject: str | None
) -> None:
    data = {"task_id": "t", "title": "Call", "due_at": "2024-06-01T10:00:00Z", "assignee": {"person": "kim"}}
    event = recorded("task.created", data | ({"complaint_id": complaint} if complaint else {}))
    written = row(event)
    assert (written["subject"], written["case_subject"]) == (subject, case_subject)
    assert item_of(event)["party_id"] is None


@given(st.binary() | st.none(), st.binary() | st.none() | posted_events().map(msgspec.json.encode))
def test_no_record_whatever_makes_preparing_raise(key: bytes | None, value: bytes | None) -> None:
    view = LiveView.of(TIMELINE, 1)
    entry = entry_of(StoredRecord(3, 7, key, value), decode, [view])
    assert (entry.event is None) == bool(entry.parked) == (entry.contributions == (None,))
