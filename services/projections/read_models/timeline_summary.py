"""The readable sentence of every event type, composed without personal data (rule P1).

Only ids, numbers and words from fixed lists are used: what people worded themselves stays in the data beside it.
"""

from typing import assert_never

from msgspec import UNSET

from shared.events import (
    AnyEvent,
    complaint,
    consent,
    customer,
    feedback,
    identity,
    interaction,
    loyalty,
    purchase,
    task,
)
from shared.events.assignee import Assignee
from shared.events.vocabulary import Amount, NotNegativeAmount, PositiveAmount

LoyaltyEvent = (
    loyalty.LoyaltyEnrolled
    | loyalty.LoyaltyPointsEarned
    | loyalty.LoyaltyPointsAdjusted
    | loyalty.LoyaltyRedemptionRequested
    | loyalty.LoyaltyRedemptionCancelled
    | loyalty.LoyaltyHoldPlaced
    | loyalty.LoyaltyHoldCaptured
    | loyalty.LoyaltyHoldReleased
)
ComplaintEvent = (
    complaint.ComplaintOpened
    | complaint.ComplaintAcknowledged
    | complaint.ComplaintStarted
    | complaint.ComplaintAssigned
    | complaint.ComplaintCustomerAwaited
    | complaint.ComplaintCustomerReplied
    | complaint.ComplaintNoteAdded
    | complaint.ComplaintEscalated
    | complaint.ComplaintResolved
    | complaint.ComplaintCompensated
    | complaint.ComplaintAccepted
    | complaint.ComplaintReopened
    | complaint.ComplaintWithdrawn
    | complaint.ComplaintClosed
)
TaskEvent = (
    task.TaskCreated | task.TaskAssigned | task.TaskRescheduled | task.TaskCompleted | task.TaskCancelled
)


def summary_of(data: AnyEvent) -> str:
    """One sentence in English without a full stop, at most 500 characters. Raises nothing on a valid event."""
    match data:
        case interaction.InteractionRecorded():
            return _interaction(data)
        case purchase.PurchaseCompleted():
            return f"Bought {_bought(data)} for {_money(data.total)} (order {data.order_id})"
        case purchase.PurchaseRefunded():
            return f"Was refunded {_money(data.amount)} (order {data.order_id}, refund {data.refund_id})"
        case customer.CustomerDescribed():
            return f"Customer details changed: {', '.join(_described(data.attributes))}"
        case customer.CustomerErasureRequested():
            return f"Asked for erasure of their personal data (request {data.request_id})"
        case identity.IdentityLinked():
            return f"Two identifiers were linked (link {data.link_id})"
        case identity.IdentityUnlinked():
            return f"A link between identifiers was revoked (link {data.link_id})"
        case consent.ConsentChanged():
            return _consent(data)
        case feedback.FeedbackRecorded():
            return _feedback(data)
        case (
            loyalty.LoyaltyEnrolled()
            | loyalty.LoyaltyPointsEarned()
            | loyalty.LoyaltyPointsAdjusted()
            | loyalty.LoyaltyRedemptionRequested()
            | loyalty.LoyaltyRedemptionCancelled()
            | loyalty.LoyaltyHoldPlaced()
            | loyalty.LoyaltyHoldCaptured()
            | loyalty.LoyaltyHoldReleased()
        ):
            return _loyalty(data)
        case (
            task.TaskCreated()
            | task.TaskAssigned()
            | task.TaskRescheduled()
            | task.TaskCompleted()
            | task.TaskCancelled()
        ):
            return _task(data)
        case _:
            return _complaint(data)


def _loyalty(data: LoyaltyEvent) -> str:
    match data:
        case loyalty.LoyaltyEnrolled():
            return f"Joined the programme {data.programme} (account {data.account_id})"
        case loyalty.LoyaltyPointsEarned():
            return f"Earned {_points(data.points)} (account {data.account_id})"
        case loyalty.LoyaltyPointsAdjusted():
            sign = "+" if data.points > 0 else "-"
            return f"Points corrected by {sign}{_points(abs(data.points))} (account {data.account_id})"
        case loyalty.LoyaltyRedemptionRequested():
            return f"Asked to redeem {_points(data.points)} (redemption {data.redemption_id})"
        case loyalty.LoyaltyRedemptionCancelled():
            return f"Redemption cancelled (redemption {data.redemption_id})"
        case loyalty.LoyaltyHoldPlaced():
            return f"{_points(data.points)} set aside (hold {data.hold_id})"
        case loyalty.LoyaltyHoldCaptured():
            return f"Paid with {_points(data.points)} set aside (hold {data.hold_id})"
        case loyalty.LoyaltyHoldReleased():
            return f"Points set aside given back (hold {data.hold_id})"
        case _:
            assert_never(data)


def _complaint(data: ComplaintEvent) -> str:
    return f"{_complaint_said(data)} (complaint {data.complaint_id})"


def _complaint_said(data: ComplaintEvent) -> str:
    match data:
        case complaint.ComplaintOpened():
            return f"Complained: {_words(data.cause)}, severity {data.severity}"
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
            return f"Complaint escalated to level {data.to_level}: {_words(data.reason)}"
        case complaint.ComplaintResolved():
            return f"Complaint resolved: {_words(data.resolution)}"
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


def _task(data: TaskEvent) -> str:
    match data:
        case task.TaskCreated():
            said = f"Task for {_assignee(data.assignee)}, due {data.due_at:%Y-%m-%d}"
        case task.TaskAssigned():
            said = (
                f"Task assigned to {_assignee(data.assignee)}" if data.assignee else "Task assigned to nobody"
            )
        case task.TaskRescheduled():
            said = f"Task moved to {data.due_at:%Y-%m-%d}" if data.due_at else "Task rescheduled"
        case task.TaskCompleted():
            said = "Task completed"
        case task.TaskCancelled():
            said = "Task cancelled"
        case _:
            assert_never(data)
    return f"{said} (task {data.task_id})"


def _interaction(data: interaction.InteractionRecorded) -> str:
    way = f" ({data.direction})" if data.direction else ""
    said = f"{_words(data.kind).capitalize()}{way}: {data.category}"
    if data.duration_seconds is None:
        return said
    minutes, seconds = divmod(data.duration_seconds, 60)
    return f"{said}, {minutes} min" if minutes else f"{said}, {seconds} s"


def _bought(data: purchase.PurchaseCompleted) -> str:
    if not data.lines:
        return "something"
    pieces = [line.quantity for line in data.lines]
    if any(isinstance(quantity, str) for quantity in pieces):
        return _counted(len(data.lines), "position")
    return _counted(sum(int(quantity) for quantity in pieces), "item")


def _consent(data: consent.ConsentChanged) -> str:
    channel = f" by {data.channel}" if data.channel else ""
    verb = "Gave consent to" if data.granted else "Withdrew consent to"
    return f"{verb} {_words(data.purpose)}{channel}"


def _feedback(data: feedback.FeedbackRecorded) -> str:
    about = f" about {data.about}" if data.about else ""
    if data.scores is not None:
        given = data.scores
        scores = (given.reliability, given.tangibles, given.responsiveness, given.assurance, given.empathy)
        return f"Feedback {data.instrument.upper()} {' '.join(map(str, scores))}{about}"
    return f"Feedback {data.instrument.upper()} {data.score}{about}"


def _described(attributes: customer.CustomerAttributes) -> list[str]:
    return [_words(name) for name in attributes.__struct_fields__ if getattr(attributes, name) is not UNSET]


def _compensation(data: complaint.ComplaintCompensated) -> str:
    if data.points is not None:
        return _points(data.points) if data.kind == "points" else f"{data.kind} worth {_points(data.points)}"
    if data.amount is None:
        return data.kind
    return _money(data.amount) if data.kind == "money" else f"{data.kind} worth {_money(data.amount)}"


def _assignee(assignee: Assignee) -> str:
    return " of ".join(filter(None, (assignee.person, assignee.department)))


def _money(amount: Amount | NotNegativeAmount | PositiveAmount) -> str:
    return f"{amount.currency} {amount.amount}"


def _points(points: int) -> str:
    return _counted(points, "point")


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _words(symbol: str) -> str:
    return symbol.replace("_", " ")
