"""Taking points back that may have been spent meanwhile (L6, L7)."""

from services.projections.loyalty.lots import Lot, LotKey
from services.projections.loyalty.posting import Posting


def claw_back(posting: Posting, points: int, time: int, first: LotKey | None = None) -> tuple[list[Lot], int]:
    """Takes points by L3, out of the lot of key `first` before, expired or not.

    What is not there becomes deficit or is dropped, as the terms at that time say. Answers what was taken from lots,
    and how many points were dropped.
    """
    account = posting.account
    taken = account.take(points, time, first)
    missing = points - sum(lot.remaining for lot in taken)
    terms = posting.programme.terms_at(time)
    if missing and terms is not None and terms.clawback == "allow_negative":
        account.deficit += missing
        return taken, 0
    return taken, missing
