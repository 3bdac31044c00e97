"""The fold of the ledger: one event and the rows it needs in, changed rows and entries out.

All rows of an account are changed by events of one stream key, in log order (L1).
"""

from collections.abc import Callable, Mapping
from typing import Any, assert_never

from services.projections.loyalty import earning, enrolment, holds, redemptions, refunds
from services.projections.loyalty.account import Account, new_account
from services.projections.loyalty.posting import Posting, cause_of
from services.projections.loyalty.programme import Programmes
from services.projections.loyalty.rows import AccountRows, RowsMissingError
from services.projections.loyalty.sentences import tell
from services.projections.read_models.declaration import Evolved, Key, Needs, Row
from shared.envelope import RecordedEvent
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

LedgerEvent = (
    PurchaseCompleted
    | PurchaseRefunded
    | LoyaltyEnrolled
    | LoyaltyPointsEarned
    | LoyaltyPointsAdjusted
    | LoyaltyRedemptionRequested
    | LoyaltyRedemptionCancelled
    | LoyaltyHoldPlaced
    | LoyaltyHoldCaptured
    | LoyaltyHoldReleased
)
"""What changes an account: what is said of it, and what its member buys and brings back."""

Evolve = Callable[[Mapping[Key, Row | None], RecordedEvent[Any]], Evolved | Needs]


def account_of(event: RecordedEvent[Any]) -> str | None:
    """The account an event counts for: a purchase's or refund's is that of its first `member` identifier (L6)."""
    if not isinstance(event.data, PurchaseCompleted | PurchaseRefunded):
        account_id: str = event.data.account_id
        return account_id
    if event.customer and event.customer[0].type == "member":
        return event.customer[0].value
    return None


def keys(event: RecordedEvent[Any]) -> tuple[Key, ...]:
    """The rows an event changes for sure or asks for by name; () for a purchase without a member."""
    account_id = account_of(event)
    if account_id is None:
        return ()
    data: LedgerEvent = event.data
    account = (account_id, "account", "")
    match data:
        case PurchaseCompleted():
            return (account, (account_id, "order", data.order_id))
        case PurchaseRefunded():
            return (account, (account_id, "order", data.order_id), (account_id, "refund", data.refund_id))
        case LoyaltyRedemptionRequested() | LoyaltyRedemptionCancelled():
            return (account, (account_id, "redemption", data.redemption_id))
        case LoyaltyHoldPlaced() | LoyaltyHoldCaptured() | LoyaltyHoldReleased():
            return (account, (account_id, "hold", data.hold_id))
        case LoyaltyEnrolled() | LoyaltyPointsEarned() | LoyaltyPointsAdjusted():
            return (account,)
        case _:
            assert_never(data)


def evolve(programmes: Programmes) -> Evolve:
    """The fold by some programmes.

    It is given the rows of `keys(event)` and any others, None for those that are not there, and answers what changes,
    or which rows it needs besides. What it is given stays as it is.
    """

    def evolved(rows: Mapping[Key, Row | None], event: RecordedEvent[Any]) -> Evolved | Needs:
        account_id = account_of(event)
        if account_id is None:
            return Evolved({})
        account_rows = AccountRows(account_id, rows)
        try:
            posting = _opened(programmes, account_rows, event)
            holds.release_expired(posting, posting.cause.time)
            _apply(posting, event.data)
            posting.account.store(event.stream_key)
        except RowsMissingError as missing:
            return Needs(missing.keys)
        tell(posting.entries, event.id, event.source)
        return Evolved(account_rows.changed, posting.entries)

    return evolved


def _opened(programmes: Programmes, rows: AccountRows, event: RecordedEvent[Any]) -> Posting:
    """The account as it is; the first event of one that was never enrolled enrols it in the default programme (L15)."""
    cause = cause_of(event)
    state = rows.state("account", "")
    if state is not None:
        account = Account(rows, state)
        account.latest = max(account.latest, cause.time)
        return Posting(programmes, account, cause, event.partition, event.offset)
    default = programmes.default.name
    account = new_account(rows, default, cause.time, enrolled=False)
    posting = Posting(programmes, account, cause, event.partition, event.offset)
    if not isinstance(event.data, LoyaltyEnrolled):
        posting.anomaly("implicit_enrolment", f"never enrolled; the account is in {default} from here on")
    return posting


def _apply(posting: Posting, data: LedgerEvent) -> None:  # noqa: C901 - a branch for each event type
    match data:
        case PurchaseCompleted():
            earning.purchase(posting, data)
        case PurchaseRefunded():
            refunds.refund(posting, data)
        case LoyaltyEnrolled():
            enrolment.enrol(posting, data)
        case LoyaltyPointsEarned():
            earning.grant(posting, data)
        case LoyaltyPointsAdjusted():
            earning.adjust(posting, data)
        case LoyaltyRedemptionRequested():
            redemptions.redeem(posting, data)
        case LoyaltyRedemptionCancelled():
            redemptions.cancel(posting, data)
        case LoyaltyHoldPlaced():
            holds.place(posting, data)
        case LoyaltyHoldCaptured():
            holds.capture(posting, data)
        case LoyaltyHoldReleased():
            holds.release(posting, data)
        case _:
            assert_never(data)
