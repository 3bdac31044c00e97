"""The sentences of complaints and tasks, from what was chosen from fixed lists, ids and numbers alone."""

from datetime import UTC
from typing import assert_never

from services.projections.complaints.clocks import ClockName
from services.projections.complaints.states import ComplaintEvent
from services.projections.read_models.wording import money, points, words
from services.projections.tasks.task import TaskEvent
from shared.events import complaint, task
from shared.events.assignee import Assignee

_CLOCKS: dict[ClockName, str] = {
    "first_response": "the first response was overdue",
    "resolution": "the resolution was overdue",
    "final_response": "the final response was overdue",
    "summary_resolution": "the time for a summary resolution was over",
}
_REASONS: dict[complaint.EscalationReason, str] = {
    "sla_breached": "a deadline was missed",
    "customer_request": "the customer asked for it",
    "staff_decision": "staff decided so",
    "regulator": "a regulator stepped in",
}
_RESOLUTIONS: dict[complaint.Resolution, str] = {
    "explanation": "Complaint resolved with an explanation",
    "apology": "Complaint resolved with an apology",
    "repair": "Complaint resolved by a repair",
    "replacement": "Complaint resolved by a replacement",
    "refund": "Complaint resolved by a refund",
    "compensation": "Complaint resolved by a compensation",
    "rejected": "Complaint rejected",
}


def complaint_sentence(data: ComplaintEvent, clock: ClockName | None = None) -> str:
    """The sentence of an event of a complaint; `clock` is the one that an escalation is of, where it is of one."""
    return f"{_complaint_said(data, clock)} (complaint {data.complaint_id})"


def _complaint_said(data: ComplaintEvent, clock: ClockName | None) -> str:
    match data:
        case complaint.ComplaintOpened():
            return f"Complained: {words(data.cause)}, severity {data.severity}"
        case complaint.ComplaintAcknowledged():
            return "Complaint acknowledged"
        case complaint.ComplaintStarted():
            return "Work on the complaint started"
        case complaint.ComplaintAssigned():
            return f"Complaint assigned to {_assignee(data.assignee)} at level {data.level}"
        case complaint.ComplaintCustomerAwaited():
            return "Waiting for the customer's answer"
        case complaint.ComplaintCustomerReplied():
            return "The customer answered"
        case complaint.ComplaintNoteAdded():
            return "Note added to the complaint"
        case complaint.ComplaintEscalated():
            why = _REASONS[data.reason] if clock is None else _CLOCKS[clock]
            return f"Complaint escalated to {data.to_level}: {why}"
        case complaint.ComplaintResolved():
            fault = f"; handled before with {data.handling_fault}" if data.handling_fault else ""
            return _RESOLUTIONS[data.resolution] + fault
        case complaint.ComplaintCompensated():
            return f"Compensated with {_compensation(data)}"
        case complaint.ComplaintAccepted():
            return "The customer accepted the resolution"
        case complaint.ComplaintReopened():
            return "Complaint reopened"
        case complaint.ComplaintWithdrawn():
            return "Complaint withdrawn"
        case complaint.ComplaintClosed():
            return "Complaint closed"
        case _:
            assert_never(data)


def task_sentence(data: TaskEvent) -> str:
    """The sentence of an event of a task."""
    match data:
        case task.TaskCreated():
            said = f"Task for {_assignee(data.assignee)}, due {_due(data)}"
        case task.TaskAssigned():
            said = (
                f"Task assigned to {_assignee(data.assignee)}" if data.assignee else "Task assigned to nobody"
            )
        case task.TaskRescheduled():
            said = f"Task moved to {_due(data)}" if data.due_at else "Task rescheduled"
        case task.TaskCompleted():
            said = "Task completed"
        case task.TaskCancelled():
            said = "Task cancelled"
        case _:
            assert_never(data)
    return f"{said} (task {data.task_id})"


def _due(data: task.TaskCreated | task.TaskRescheduled) -> str:
    return "" if data.due_at is None else f"{data.due_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _compensation(data: complaint.ComplaintCompensated) -> str:
    if data.points is not None:
        return points(data.points) if data.kind == "points" else f"{data.kind} worth {points(data.points)}"
    if data.amount is None:
        return data.kind
    return money(data.amount) if data.kind == "money" else f"{data.kind} worth {money(data.amount)}"


def _assignee(assignee: Assignee) -> str:
    return " of ".join(filter(None, (assignee.person, assignee.department)))
