"""What staff should know before they speak: what went wrong for this customer, in words, a bounded number of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from services.api.card.found import MOST_CASES, MOST_ODDITIES, Found
from services.projections.complaints.reading import anomalies_of

MOST_NOTICES: Final = 2 + MOST_CASES + 1 + 3 * MOST_ODDITIES
"""A shared identifier, consent, overdue complaints, a price, anomalies of accounts and complaints (two codes each)."""


def notices_of(found: Found, now: datetime, *, lacks_consent: bool) -> list[dict[str, Any]]:
    """Notices, the most urgent kind first. None of them tells anything personal, or what anybody owes."""
    return [
        *_shared(found),
        *_consent(lacks_consent=lacks_consent),
        *_overdue(found, now),
        *_price(found),
        *_oddities(found),
    ]


def _shared(found: Found) -> Iterator[dict[str, Any]]:
    if found.is_shared:
        yield _notice(
            "shared_identifier",
            "too many customers share the identifier that was asked for; find out who it is before acting on this card",
        )


def _consent(*, lacks_consent: bool) -> Iterator[dict[str, Any]]:
    if lacks_consent:
        yield _notice(
            "no_consent", "the customer has not consented to marketing, so nothing personal is opened for it"
        )


def _overdue(found: Found, now: datetime) -> Iterator[dict[str, Any]]:
    for each in found.complaints:
        due_at = each["next_due_at"]
        if due_at is not None and due_at < now:
            yield _notice(
                "complaint_overdue",
                f"complaint {each['complaint_id']} should have had its answer by {_minute(due_at)}",
                due_at,
                complaint_id=each["complaint_id"],
            )


def _price(found: Found) -> Iterator[dict[str, Any]]:
    prices = found.prices
    if prices is not None and prices["broken"]:
        currency = prices["currency"]
        yield _notice(
            "price_not_kept",
            f"order {prices['order_id']} was charged {currency} {prices['charge']} "
            f"after {currency} {prices['promise']} had been promised",
            prices["broken_at"],
            order_id=prices["order_id"],
        )


def _oddities(found: Found) -> Iterator[dict[str, Any]]:
    for account in found.account_oddities:
        yield _notice(account["reason"], account["detail"], account["time"], account_id=account["account_id"])
    for complaint in found.complaint_oddities:
        for anomaly in anomalies_of(complaint):
            yield _notice(
                anomaly["code"],
                anomaly["detail"],
                complaint["time"],
                complaint_id=complaint["complaint_id"],
            )


def _notice(code: str, detail: str, time: datetime | str | None = None, **about: Any) -> dict[str, Any]:
    said = moment(time) if isinstance(time, datetime) else time
    return {"code": code, "detail": detail, "time": said, "about": about}


def moment(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds, as the timeline writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _minute(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
