"""Tasks: who is to do what by when, for which complaint and customer, and what became of it."""

from typing import Any

import pytest

from services.projections.early_events import MOST_EARLY, is_full, refused
from services.projections.read_models.declaration import Key, Needs, Row
from services.projections.tasks.evolve import evolve, keys
from services.projections.tasks.reading import is_overdue, listed_task, task_view
from shared.envelope import RecordedEvent
from shared.events.assignee import Assignee
from shared.events.data import EventData
from shared.events.task import TaskAssigned, TaskCancelled, TaskCompleted, TaskCreated, TaskRescheduled
from tests.unit.complaints.cases import Happened, as_recorded, at

TASK = "T-1"
DUE = "2024-01-10T17:00:00+07:00"


class Folded:
    def __init__(self, *history: Happened) -> None:
        self.rows: dict[Key, Row | None] = {}
        self.entries: list[Row] = []
        for offset, happened in enumerate(history):
            self.fold(as_recorded(happened, offset, stream_key=f"task:{TASK}"))

    def fold(self, event: RecordedEvent[Any]) -> None:
        given = {key: self.rows.get(key) for key in keys(event)}
        while isinstance(answer := evolve(given, event), Needs):
            given.update((key, self.rows.get(key)) for key in answer.keys)
        assert set(answer.rows) <= set(given)
        self.rows.update(answer.rows)
        self.entries += answer.entries

    @property
    def row(self) -> Row:
        row = self.rows[TASK, 0]
        assert row is not None
        return row

    def view(self, time: str = "2024-01-10") -> dict[str, Any]:
        entries = sorted(self.entries, key=lambda each: each["number"])
        return task_view(TASK, self.row, entries, at(time), customer_id="cus_1")


def created(time: str = "2024-01-08T09:00", **rest: Any) -> Happened:
    data = TaskCreated(
        task_id=TASK, title="call back", due_at=at(DUE), assignee=Assignee(person="s-1"), **rest
    )
    return Happened(at(time), data, cause_id="C-1")


def changed(kind: type[EventData], time: str = "2024-01-09T09:00", **rest: Any) -> Happened:
    given: dict[str, Any] = {"task_id": TASK, **rest}
    return Happened(at(time), kind(**given))


CHANGES = (TaskAssigned, TaskRescheduled, TaskCompleted, TaskCancelled)


def test_a_task_has_an_assignee_a_due_time_and_its_complaint() -> None:
    found = Folded(created(complaint_id="C-1", location="hq/a")).view()
    assert {name: found[name] for name in ("status", "complaint_id", "customer_id", "caused_by")} == {
        "status": "open",
        "complaint_id": "C-1",
        "customer_id": "cus_1",
        "caused_by": "C-1",
    }
    assert (found["assignee"], found["due_at"]) == (
        {"person": "s-1", "department": None},
        "2024-01-10T10:00:00Z",
    )
    assert (found["location"], found["created_at"], found["ended_at"]) == (
        "hq/a",
        "2024-01-08T09:00:00Z",
        None,
    )


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (TaskAssigned, "open"),
        (TaskRescheduled, "open"),
        (TaskCompleted, "completed"),
        (TaskCancelled, "cancelled"),
    ],
)
def test_an_open_task_takes_every_change(kind: type[EventData], status: str) -> None:
    change = changed(kind, assignee=Assignee(department="care"), due_at=at("2024-01-11"), outcome="reached")
    found = Folded(created(), change).view()
    assert (found["status"], found["outcome"], found["due_at"]) == (status, "reached", "2024-01-11T00:00:00Z")
    assert found["assignee"] == {"person": None, "department": "care"}
    assert found["history"][-1]["anomaly"] is None
    assert found["ended_at"] == (None if status == "open" else "2024-01-09T09:00:00Z")


@pytest.mark.parametrize("kind", [TaskRescheduled, TaskCompleted, TaskCancelled])
def test_what_a_change_does_not_name_stays(kind: type[EventData]) -> None:
    before = Folded(created()).view()
    found = Folded(created(), changed(kind)).view()
    assert (found["assignee"], found["due_at"]) == (before["assignee"], before["due_at"])


def test_a_task_may_be_given_back_to_nobody() -> None:
    assert Folded(created(), changed(TaskAssigned)).view()["assignee"] is None


@pytest.mark.parametrize("end", [TaskCompleted, TaskCancelled])
@pytest.mark.parametrize("kind", CHANGES)
def test_what_ended_changes_no_more(end: type[EventData], kind: type[EventData]) -> None:
    before = Folded(created(), changed(end))
    after = Folded(created(), changed(end), changed(kind, due_at=at("2024-03-01")))
    assert {**after.row, "entries": 0} == {**before.row, "entries": 0}
    assert after.view()["history"][-1]["anomaly"] == f"not_allowed_in_{before.row['status']}"


def test_a_second_creation_is_an_anomaly() -> None:
    found = Folded(created(complaint_id="C-1"), created("2024-01-09", complaint_id="C-2")).view()
    assert (found["complaint_id"], found["history"][1]["anomaly"]) == ("C-1", "already_created")


def test_events_before_the_creation_wait_and_apply_after_it() -> None:
    early = [changed(TaskRescheduled, due_at=at(f"2024-02-01T10:{n:02}")) for n in range(60)]
    waiting = Folded(*early)
    assert (waiting.row["status"], waiting.entries, len(waiting.rows)) == (None, [], 3)
    folded = Folded(*early, created(), changed(TaskCompleted))
    assert [key for key, row in folded.rows.items() if row is not None] == [(TASK, 0)]
    found = folded.view()
    assert (found["status"], found["due_at"]) == ("completed", "2024-02-01T10:59:00Z")
    assert [each["event_id"] for each in found["history"]] == ["e60", *(f"e{n}" for n in range(60)), "e61"]


def test_only_so_many_events_may_wait() -> None:
    assert is_full(MOST_EARLY)
    assert not is_full(MOST_EARLY - 1)
    assert (refused(MOST_EARLY), refused(MOST_EARLY + 2)) == (0, 2)


def test_an_open_task_is_overdue_once_its_due_time_has_passed() -> None:
    row = Folded(created()).row
    assert not is_overdue(row, at("2024-01-10T10:00"))
    assert listed_task(TASK, row, at("2024-01-10T10:00:01"))["overdue"]
    assert not is_overdue(Folded(created(), changed(TaskCompleted)).row, at("2024-02-01"))


def test_a_title_is_not_kept() -> None:
    folded = Folded(created())
    assert "call back" not in repr(folded.rows) + repr(folded.entries)
