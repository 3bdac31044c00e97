"""The readable sentence of every event type, composed without personal data (rule P1).

Only ids, numbers and words from fixed lists are used: what people worded themselves stays in the data beside it.
"""

from typing import assert_never

from msgspec import UNSET

from services.projections.complaints.escalation_id import escalated_clock
from services.projections.read_models.case_summary import complaint_sentence, task_sentence
from services.projections.read_models.wording import counted, money, points, words
from shared.envelope import RecordedEvent
from shared.events import (
    AnyEvent,
    analytics,
    complaint,
    consent,
    customer,
    feedback,
    identity,
    interaction,
    loyalty,
    purchase,
    referral,
    relationship,
    segment,
    task,
)

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


def sentence_of(event: RecordedEvent[AnyEvent]) -> str:
    """The sentence of an event by what it says, and of an escalation also by which clock it is of. As `summary_of`."""
    if isinstance(event.data, complaint.ComplaintEscalated):
        return complaint_sentence(event.data, escalated_clock(event.id, event.source))
    return summary_of(event.data)


def summary_of(data: AnyEvent) -> str:
    """One sentence in English without a full stop, at most 500 characters. Raises nothing on a valid event."""
    match data:
        case interaction.InteractionRecorded():
            return _interaction(data)
        case purchase.PurchaseCompleted():
            return f"Bought {_bought(data)} for {money(data.total)} (order {data.order_id})"
        case purchase.PurchaseRefunded():
            return f"Was refunded {money(data.amount)} (order {data.order_id}, refund {data.refund_id})"
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
        case referral.ReferralMade():
            return "Referred somebody"
        case relationship.RelationshipEnded():
            return "The relationship ended"
        case segment.SegmentDefined():
            return f"Segment defined (segment {data.segment_id}, version {data.version})"
        case analytics.AnalyticsRunCompleted():
            return f"Scoring run over {counted(data.customers, 'customer')} completed (run {data.run_id})"
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
            return task_sentence(data)
        case _:
            return complaint_sentence(data)


def _loyalty(data: LoyaltyEvent) -> str:
    match data:
        case loyalty.LoyaltyEnrolled():
            return f"Joined the programme {data.programme} (account {data.account_id})"
        case loyalty.LoyaltyPointsEarned():
            return f"Earned {points(data.points)} (account {data.account_id})"
        case loyalty.LoyaltyPointsAdjusted():
            sign = "+" if data.points > 0 else "-"
            return f"Points corrected by {sign}{points(abs(data.points))} (account {data.account_id})"
        case loyalty.LoyaltyRedemptionRequested():
            return f"Asked to redeem {points(data.points)} (redemption {data.redemption_id})"
        case loyalty.LoyaltyRedemptionCancelled():
            return f"Redemption cancelled (redemption {data.redemption_id})"
        case loyalty.LoyaltyHoldPlaced():
            return f"{points(data.points)} set aside (hold {data.hold_id})"
        case loyalty.LoyaltyHoldCaptured():
            return f"Paid with {points(data.points)} set aside (hold {data.hold_id})"
        case loyalty.LoyaltyHoldReleased():
            return f"Points set aside given back (hold {data.hold_id})"
        case _:
            assert_never(data)


def _interaction(data: interaction.InteractionRecorded) -> str:
    way = f" ({data.direction})" if data.direction else ""
    said = f"{words(data.kind).capitalize()}{way}: {data.category}"
    if data.duration_seconds is None:
        return said
    minutes, seconds = divmod(data.duration_seconds, 60)
    return f"{said}, {minutes} min" if minutes else f"{said}, {seconds} s"


def _bought(data: purchase.PurchaseCompleted) -> str:
    if not data.lines:
        return "something"
    pieces = [line.quantity for line in data.lines]
    if any(isinstance(quantity, str) for quantity in pieces):
        return counted(len(data.lines), "position")
    return counted(sum(int(quantity) for quantity in pieces), "item")


def _consent(data: consent.ConsentChanged) -> str:
    channel = f" by {data.channel}" if data.channel else ""
    verb = "Gave consent to" if data.granted else "Withdrew consent to"
    return f"{verb} {words(data.purpose)}{channel}"


def _feedback(data: feedback.FeedbackRecorded) -> str:
    about = f" about {data.about}" if data.about else ""
    if data.scores is not None:
        given = data.scores
        scores = (given.reliability, given.tangibles, given.responsiveness, given.assurance, given.empathy)
        return f"Feedback {data.instrument.upper()} {' '.join(map(str, scores))}{about}"
    return f"Feedback {data.instrument.upper()} {data.score}{about}"


def _described(attributes: customer.CustomerAttributes) -> list[str]:
    return [words(name) for name in attributes.__struct_fields__ if getattr(attributes, name) is not UNSET]
