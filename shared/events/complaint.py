"""The life of a complaint, event by event; `complaint_id` is its number in the system that opened it."""

from typing import Annotated, Literal

from shared.events.assignee import ASSIGNEE_SCHEMA, Assignee
from shared.events.data import BrokenRuleError, EventData, KeyedBy, personal
from shared.events.vocabulary import (
    LongText,
    NotNegativeAmount,
    Points,
    PositiveAmount,
    Reference,
    ShortText,
)

Cause = Literal["quality_below_expectation", "service_below_expectation", "price_above_expectation", "other"]
Severity = Literal["low", "normal", "high", "critical"]
Level = Literal["store", "province", "headquarters"]
EscalationReason = Literal["sla_breached", "customer_request", "staff_decision", "regulator"]
Resolution = Literal["explanation", "apology", "repair", "replacement", "refund", "compensation", "rejected"]
HandlingFault = Literal["lying", "ignorance", "complacency", "arrogance", "languor"]
CompensationKind = Literal["points", "money", "voucher", "goods"]


class ComplaintData(EventData, frozen=True, kw_only=True):
    """What every complaint event names: the complaint. The customer was named when it was opened."""

    CUSTOMER_REQUIRED = False

    complaint_id: Reference

    def keyed_by(self) -> KeyedBy:
        """The complaint."""
        return KeyedBy("complaint", self.complaint_id)


class ComplaintOpened(ComplaintData, frozen=True, kw_only=True):
    """A customer complained. `order_id` is the order it is about, `claim` the money they ask for."""

    TYPE = "complaint.opened"
    CUSTOMER_REQUIRED = True

    summary: Annotated[ShortText, personal("free_text")]
    cause: Cause
    severity: Severity
    description: Annotated[LongText, personal("free_text")] | None = None
    order_id: Reference | None = None
    desired_outcome: ShortText | None = None
    claim: NotNegativeAmount | None = None


class ComplaintAcknowledged(ComplaintData, frozen=True, kw_only=True):
    """Staff told the customer that the complaint was received."""

    TYPE = "complaint.acknowledged"

    staff: Reference


class ComplaintStarted(ComplaintData, frozen=True, kw_only=True):
    """Staff began to work on it."""

    TYPE = "complaint.started"

    staff: Reference


class ComplaintAssigned(ComplaintData, frozen=True, kw_only=True):
    """It was given to somebody, at a level of the organisation."""

    TYPE = "complaint.assigned"
    SCHEMA_RULES = ({"properties": {"assignee": ASSIGNEE_SCHEMA}},)

    assignee: Assignee
    level: Level


class ComplaintNote(ComplaintData, frozen=True, kw_only=True):
    """A complaint event that may say more in a note."""

    note: Annotated[LongText, personal("free_text")] | None = None


class ComplaintCustomerAwaited(ComplaintNote, frozen=True, kw_only=True):
    """Nothing can go on before the customer answers."""

    TYPE = "complaint.customer_awaited"


class ComplaintCustomerReplied(ComplaintNote, frozen=True, kw_only=True):
    """The customer answered, or wrote again."""

    TYPE = "complaint.customer_replied"


class ComplaintNoteAdded(ComplaintNote, frozen=True, kw_only=True):
    """Staff wrote something down."""

    TYPE = "complaint.note_added"


class ComplaintEscalated(ComplaintData, frozen=True, kw_only=True):
    """It was handed up to a higher level."""

    TYPE = "complaint.escalated"

    to_level: Level
    reason: EscalationReason


class ComplaintResolved(ComplaintData, frozen=True, kw_only=True):
    """The customer was given an answer. `handling_fault` says what was wrong with how they were treated
    before.
    """

    TYPE = "complaint.resolved"

    resolution: Resolution
    staff: Reference
    handling_fault: HandlingFault | None = None


class ComplaintCompensated(ComplaintData, frozen=True, kw_only=True):
    """The customer was given something to make up for it: either `points` or an `amount` (its worth, for
    goods).
    """

    TYPE = "complaint.compensated"
    SCHEMA_RULES = (
        {
            "oneOf": [
                {
                    "required": ["points"],
                    "properties": {"points": {"type": "integer"}, "amount": {"type": "null"}},
                    "not": {"properties": {"kind": {"const": "money"}}},
                },
                {
                    "required": ["amount"],
                    "properties": {"amount": {"type": "object"}, "points": {"type": "null"}},
                    "not": {"properties": {"kind": {"const": "points"}}},
                },
            ]
        },
    )

    kind: CompensationKind
    amount: PositiveAmount | None = None
    points: Points | None = None

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` unless exactly one of amount and points is given, and suits the kind."""
        if self.kind == "points" and self.points is None:
            raise BrokenRuleError("points", "required for the kind `points`")
        if self.kind == "money" and self.amount is None:
            raise BrokenRuleError("amount", "required for the kind `money`")
        if self.amount is None and self.points is None:
            raise BrokenRuleError("amount", "required, unless `points` is given")
        if self.amount is not None and self.points is not None:
            unwanted = "amount" if self.kind == "points" else "points"
            raise BrokenRuleError(unwanted, "give either `amount` or `points`, not both")


class ComplaintReason(ComplaintData, frozen=True, kw_only=True):
    """A complaint event that may say why."""

    reason: ShortText | None = None


class ComplaintAccepted(ComplaintReason, frozen=True, kw_only=True):
    """The customer accepted the answer."""

    TYPE = "complaint.accepted"


class ComplaintReopened(ComplaintReason, frozen=True, kw_only=True):
    """The customer was not content with the answer after all, and work goes on."""

    TYPE = "complaint.reopened"


class ComplaintWithdrawn(ComplaintReason, frozen=True, kw_only=True):
    """The customer took the complaint back."""

    TYPE = "complaint.withdrawn"


class ComplaintClosed(ComplaintReason, frozen=True, kw_only=True):
    """The case was filed."""

    TYPE = "complaint.closed"
