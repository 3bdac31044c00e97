"""Complaints for tests: events by their data, and what the fold makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from msgspec import Raw

from services.projections.complaints.evolve import evolve, keys
from services.projections.complaints.pauses import Pause, pauses_of, steps_of
from services.projections.complaints.policy_file import parse
from services.projections.complaints.policy_history import PolicyHistory, Registration
from services.projections.complaints.reading import complaint_view, listed_complaint
from services.projections.read_models.declaration import Key, Needs, Row
from shared.envelope import LogValue, RecordedEvent, RecordedIdentifier
from shared.events.assignee import Assignee
from shared.events.complaint import (
    ComplaintAccepted,
    ComplaintAcknowledged,
    ComplaintAssigned,
    ComplaintClosed,
    ComplaintCompensated,
    ComplaintCustomerAwaited,
    ComplaintCustomerReplied,
    ComplaintEscalated,
    ComplaintNoteAdded,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintStarted,
    ComplaintWithdrawn,
)
from shared.events.data import EventData
from shared.events.vocabulary import PositiveAmount

CASE = "C-1"
BANGKOK = """
[calendar.bkk]
timezone = "Asia/Bangkok"
hours = { mon = "09:00-17:00", tue = "09:00-17:00", wed = "09:00-17:00", thu = "09:00-17:00", fri = "09:00-17:00" }
holidays = "TH"
extra_holidays = []

[policy.default]
calendar = "bkk"
[policy.default.normal]
first_response = "4h"
resolution = "24h"
final_response = "56d"
"""
"""The hours of an office at UTC+7: 02:00 to 10:00 in UTC."""
SIMPLE = """
[calendar.utc]
timezone = "UTC"
hours = { mon = "09:00-17:00", tue = "09:00-17:00", wed = "09:00-17:00", thu = "09:00-17:00", fri = "09:00-17:00" }

[policy.default]
calendar = "utc"
[policy.default.normal]
first_response = "4h"
resolution = "8h"
final_response = "56d"
summary_resolution = "3 business days"
[policy.default.critical]
first_response = "1h"
resolution = "4h"
"""


class Happened(NamedTuple):
    """An event before it has a place in the log; `event_id` is made from that place unless given."""

    time: datetime
    data: EventData
    event_id: str | None = None
    source: str | None = None
    cause_id: str | None = None


def at(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def opened(time: str, severity: Any = "normal", **rest: Any) -> Happened:
    data = ComplaintOpened(
        complaint_id=CASE, summary="cold", cause="quality_below_expectation", severity=severity, **rest
    )
    return Happened(at(time), data)


def acknowledged(time: str) -> Happened:
    return Happened(at(time), ComplaintAcknowledged(complaint_id=CASE, staff="s-1"))


def started(time: str) -> Happened:
    return Happened(at(time), ComplaintStarted(complaint_id=CASE, staff="s-1"))


def assigned(
    time: str, person: str | None = "s-1", department: str | None = None, level: Any = "store"
) -> Happened:
    assignee = Assignee(person=person, department=department)
    return Happened(at(time), ComplaintAssigned(complaint_id=CASE, assignee=assignee, level=level))


def awaited(time: str) -> Happened:
    return Happened(at(time), ComplaintCustomerAwaited(complaint_id=CASE, note="which till?"))


def replied(time: str) -> Happened:
    return Happened(at(time), ComplaintCustomerReplied(complaint_id=CASE, note="the left one"))


def noted(time: str) -> Happened:
    return Happened(at(time), ComplaintNoteAdded(complaint_id=CASE, note="called twice"))


def escalated(time: str, level: Any = "province", **rest: Any) -> Happened:
    data = ComplaintEscalated(complaint_id=CASE, to_level=level, reason="staff_decision")
    return Happened(at(time), data, **rest)


def resolved(time: str, fault: Any = None) -> Happened:
    data = ComplaintResolved(complaint_id=CASE, resolution="apology", staff="s-1", handling_fault=fault)
    return Happened(at(time), data)


def compensated(
    time: str,
    kind: Any = "points",
    points: int | None = None,
    amount: str | None = None,
    currency: str = "EUR",
) -> Happened:
    worth = None if amount is None else PositiveAmount(amount, currency)
    return Happened(at(time), ComplaintCompensated(complaint_id=CASE, kind=kind, points=points, amount=worth))


def accepted(time: str) -> Happened:
    return Happened(at(time), ComplaintAccepted(complaint_id=CASE, reason="fine"))


def reopened(time: str) -> Happened:
    return Happened(at(time), ComplaintReopened(complaint_id=CASE, reason="it was a lie"))


def withdrawn(time: str) -> Happened:
    return Happened(at(time), ComplaintWithdrawn(complaint_id=CASE))


def closed(time: str) -> Happened:
    return Happened(at(time), ComplaintClosed(complaint_id=CASE))


def recorded(history: Sequence[Happened], partition: int = 0) -> list[RecordedEvent[Any]]:
    """The events with their places in the log, in the order given."""
    return [as_recorded(happened, offset, partition) for offset, happened in enumerate(history)]


def as_recorded(
    happened: Happened, offset: int, partition: int = 0, stream_key: str | None = None
) -> RecordedEvent[Any]:
    event_id = happened.event_id or f"e{offset}"
    source = happened.source or "/desk"
    customer: tuple[RecordedIdentifier, ...] = ()
    if happened.data.CUSTOMER_REQUIRED:
        customer = (RecordedIdentifier("member", "M1", "pty_m1"),)
    record = LogValue(
        id=event_id,
        source=source,
        type=happened.data.TYPE,
        time=happened.time,
        channel="phone",
        dataschema=f"urn:rapport:{happened.data.TYPE}:1",
        recordedtime=happened.time,
        data=Raw(b"{}"),
        customer=customer,
        causeid=happened.cause_id,
    )
    return RecordedEvent(
        partition=partition,
        offset=offset,
        stream_key=stream_key or f"complaint:{CASE}",
        event_hash=sha256(f"{source}\0{event_id}".encode()).digest()[:16],
        id=event_id,
        source=source,
        type=record.type,
        time=happened.time.astimezone(UTC),
        recorded_time=happened.time.astimezone(UTC),
        channel="phone",
        data=happened.data,
        customer=customer,
        record=record,
    )


def history_of(*tomls: str) -> PolicyHistory:
    """Policies that came into force one after the other, ten places of the log apart."""
    return PolicyHistory(
        [Registration(parse(toml, "test.toml"), {0: 10 * place}) for place, toml in enumerate(tomls)]
    )


def pauses_in(entries: Sequence[Row], row: Row) -> list[Pause]:
    """The pauses of a whole history."""
    in_order = sorted(entries, key=lambda each: each["number"])
    return pauses_of(steps_of(in_order), row["round"])


_HISTORIES: dict[str, PolicyHistory] = {}


@dataclass
class Complaint:
    """What some history comes to under some policies."""

    happened: Sequence[Happened]
    toml: str = SIMPLE
    policies: PolicyHistory | None = None
    rows: dict[Key, Row | None] = field(default_factory=dict)
    entries: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.policies is None:
            if self.toml not in _HISTORIES:
                _HISTORIES[self.toml] = history_of(self.toml)
            self.policies = _HISTORIES[self.toml]
        for event in recorded(self.happened):
            self.fold(event)

    def fold(self, event: RecordedEvent[Any]) -> None:
        """Folds one more event; rows are given only when they are asked for."""
        assert self.policies is not None
        step = evolve(self.policies)
        given = {key: self.rows.get(key) for key in keys(event)}
        while isinstance(answer := step(given, event), Needs):
            assert any(key not in given for key in answer.keys)
            given.update((key, self.rows.get(key)) for key in answer.keys)
        assert set(answer.rows) <= set(given)
        self.rows.update(answer.rows)
        self.entries += answer.entries

    @property
    def row(self) -> Row:
        found = self.rows[CASE, 0]
        assert found is not None
        return found

    def view(self, time: str) -> dict[str, Any]:
        """The case at a time, from the events until then."""
        moment = at(time)
        until = Complaint([each for each in self.happened if each.time <= moment], self.toml, self.policies)
        assert until.policies is not None
        entries = sorted(until.entries, key=lambda each: each["number"])
        return complaint_view(
            CASE, until.row, entries, until.policies, moment, pauses=pauses_in(entries, until.row)
        )

    def listed(self, time: str) -> dict[str, Any]:
        """The case as it is now, read at a time."""
        assert self.policies is not None
        return listed_complaint(CASE, self.row, self.policies, at(time))

    def clock(self, name: str, time: str, number: int = 1) -> dict[str, Any]:
        """One clock at a time."""
        return next(
            each for each in self.view(time)["clocks"] if (each["name"], each["round"]) == (name, number)
        )

    def due(self, name: str = "resolution", number: int = 1, time: str | None = None) -> str | None:
        """When a clock is due, as seen at a time, or else after the last event."""
        last = max(each.time for each in self.happened).isoformat()
        found: str | None = self.clock(name, time or last, number)["due_at"]
        return found
