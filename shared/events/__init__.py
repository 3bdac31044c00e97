"""The event catalogue: what channel systems may say happened. One module a family, one class a type."""

from typing import get_args

from shared.events.analytics import AnalyticsRunCompleted
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
from shared.events.consent import ConsentChanged
from shared.events.customer import CustomerDescribed, CustomerErasureRequested
from shared.events.data import EventData
from shared.events.feedback import FeedbackRecorded
from shared.events.identity import IdentityLinked, IdentityUnlinked
from shared.events.interaction import InteractionRecorded
from shared.events.loyalty import (
    LoyaltyEnrolled,
    LoyaltyHoldCaptured,
    LoyaltyHoldPlaced,
    LoyaltyHoldReleased,
    LoyaltyPointsAdjusted,
    LoyaltyPointsEarned,
    LoyaltyRedemptionCancelled,
    LoyaltyRedemptionRequested,
)
from shared.events.purchase import PurchaseCompleted, PurchaseRefunded
from shared.events.referral import ReferralMade
from shared.events.relationship import RelationshipEnded
from shared.events.segment import SegmentDefined
from shared.events.task import TaskAssigned, TaskCancelled, TaskCompleted, TaskCreated, TaskRescheduled

AnyEvent = (
    InteractionRecorded
    | PurchaseCompleted
    | PurchaseRefunded
    | CustomerDescribed
    | CustomerErasureRequested
    | IdentityLinked
    | IdentityUnlinked
    | ConsentChanged
    | FeedbackRecorded
    | ReferralMade
    | RelationshipEnded
    | LoyaltyEnrolled
    | LoyaltyPointsEarned
    | LoyaltyPointsAdjusted
    | LoyaltyRedemptionRequested
    | LoyaltyRedemptionCancelled
    | LoyaltyHoldPlaced
    | LoyaltyHoldCaptured
    | LoyaltyHoldReleased
    | ComplaintOpened
    | ComplaintAcknowledged
    | ComplaintStarted
    | ComplaintAssigned
    | ComplaintCustomerAwaited
    | ComplaintCustomerReplied
    | ComplaintNoteAdded
    | ComplaintEscalated
    | ComplaintResolved
    | ComplaintCompensated
    | ComplaintAccepted
    | ComplaintReopened
    | ComplaintWithdrawn
    | ComplaintClosed
    | TaskCreated
    | TaskAssigned
    | TaskRescheduled
    | TaskCompleted
    | TaskCancelled
    | SegmentDefined
    | AnalyticsRunCompleted
)
"""Every event type at its newest version."""

EVENT_CLASSES: tuple[type[EventData], ...] = get_args(AnyEvent)

ABOUT_CUSTOMERS = frozenset(each for each in EVENT_CLASSES if each.CUSTOMER_ALLOWED)
"""The event types that may name a customer."""
