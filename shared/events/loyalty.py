"""Points: how they come, are promised, and go. The account is the customer, so naming one is optional."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import force_setattr

from shared.events.data import BrokenRuleError, EventData, KeyedBy, refuse_time_outside_history
from shared.events.member_number import normalised_member_number
from shared.events.placeholder import is_placeholder
from shared.events.vocabulary import AwareDatetime, Points, Reference, ShortText


class LoyaltyData(EventData, frozen=True, kw_only=True):
    """What every loyalty event names: the account, by its member number, normalised as it is read."""

    CUSTOMER_REQUIRED = False

    account_id: Reference

    def __post_init__(self) -> None:
        """Normalises the account. Raises `BrokenRuleError` when that leaves no member number."""
        account_id = normalised_member_number(self.account_id)
        if is_placeholder(self.account_id) or is_placeholder(account_id):
            raise BrokenRuleError("account_id", "a placeholder, not a member number", code="bad_identifier")
        if account_id != self.account_id:
            force_setattr(self, "account_id", account_id)

    def keyed_by(self) -> KeyedBy:
        """The account."""
        return KeyedBy("member", self.account_id)


class LoyaltyEnrolled(LoyaltyData, frozen=True, kw_only=True):
    """A customer joined a programme, where there is one through a `partner` of the coalition."""

    TYPE = "loyalty.enrolled"

    programme: Reference
    partner: Reference | None = None


class LoyaltyPointsEarned(LoyaltyData, frozen=True, kw_only=True):
    """Points were granted by a partner or a promotion; purchases earn by themselves, without this event.

    `expires_at` decides when they lapse, null meaning never; where it is absent the programme's terms do.
    `qualifying` points count for the tier. `order_id` is the order they were granted for.
    """

    TYPE = "loyalty.points_earned"

    points: Points
    reason: ShortText
    qualifying: bool = True
    expires_at: AwareDatetime | UnsetType | None = UNSET
    partner: Reference | None = None
    order_id: Reference | None = None

    def __post_init__(self) -> None:
        """Checks the time beside the account."""
        super().__post_init__()
        refuse_time_outside_history("expires_at", self.expires_at)


class LoyaltyPointsAdjusted(LoyaltyData, frozen=True, kw_only=True):
    """Somebody (`actor`) corrected an account by hand, up or down; `expires_at` as for points earned."""

    TYPE = "loyalty.points_adjusted"

    points: Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000, extra_json_schema={"not": {"const": 0}})]
    reason: ShortText
    actor: Reference
    expires_at: AwareDatetime | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        """Refuses an adjustment by nothing, and checks the time beside the account."""
        super().__post_init__()
        refuse_time_outside_history("expires_at", self.expires_at)
        if self.points == 0:
            raise BrokenRuleError("points", "an adjustment by 0 points changes nothing")


class LoyaltyRedemptionRequested(LoyaltyData, frozen=True, kw_only=True):
    """A customer wants a `reward` for points. Whether they get it is decided where the account is folded.

    `redemption_id` names the wish; a repeat with the same id has the same outcome.
    """

    TYPE = "loyalty.redemption_requested"

    redemption_id: Reference
    points: Points
    reward: ShortText
    partner: Reference | None = None


class LoyaltyRedemptionCancelled(LoyaltyData, frozen=True, kw_only=True):
    """A redemption was undone and its points go back where they came from."""

    TYPE = "loyalty.redemption_cancelled"

    redemption_id: Reference
    reason: ShortText


class LoyaltyHoldPlaced(LoyaltyData, frozen=True, kw_only=True):
    """Points were set aside until `expires_at`, to be captured or released by the same `hold_id`."""

    TYPE = "loyalty.hold_placed"

    hold_id: Reference
    points: Points
    expires_at: AwareDatetime

    def __post_init__(self) -> None:
        """Checks the time beside the account."""
        super().__post_init__()
        refuse_time_outside_history("expires_at", self.expires_at)


class LoyaltyHoldCaptured(LoyaltyData, frozen=True, kw_only=True):
    """Points that were held paid for a `reward`; what is not captured of the hold goes back."""

    TYPE = "loyalty.hold_captured"

    hold_id: Reference
    points: Points
    reward: ShortText


class LoyaltyHoldReleased(LoyaltyData, frozen=True, kw_only=True):
    """A hold ended and all its points go back."""

    TYPE = "loyalty.hold_released"

    hold_id: Reference
