"""What the demo adds to the sample's purchases: enrolments, vouchers bought with points, and CDs brought back."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from services.ops.demo.derived import drawn, event_of, member_of, shop_of, time_of
from services.ops.demo.sample import Purchase

PROGRAMME: Final = "records"
"""The programme of `programmes.toml`."""
LAST_DAY: Final = date(1998, 6, 30)
"""The sample's; nothing of its loyalty accounts comes after it."""
_REDEEMS_ONE_IN = 8
_VOUCHER_POINTS = 20
_MOST_VOUCHERS = 3
_RETURNS_ONE_IN = 16
_CENT = Decimal("0.01")


def enrolments(purchases: Iterable[Purchase]) -> Iterator[dict[str, Any]]:
    """Each customer joins the programme a minute before their first purchase, and agrees to profiling then."""
    first: dict[str, Purchase] = {}
    for purchase in purchases:
        known = first.setdefault(purchase.master_id, purchase)
        if time_of(purchase) < time_of(known):
            first[purchase.master_id] = purchase
    for purchase in first.values():
        data = {"account_id": member_of(purchase), "programme": PROGRAMME}
        yield _loyalty(purchase, "enrolment", "loyalty.enrolled", timedelta(minutes=-1), data)
        agreed = {"purpose": "profiling", "granted": True, "evidence": "enrolment form"}
        yield _loyalty(purchase, "agreed", "consent.changed", timedelta(minutes=-1), agreed)


def points_spent(purchase: Purchase) -> Iterator[dict[str, Any]]:
    """After one purchase in eight, one to three vouchers are wanted for 20 points each, there or not."""
    if drawn(purchase, "redeem", _REDEEMS_ONE_IN):
        return
    vouchers = 1 + drawn(purchase, "vouchers", _MOST_VOUCHERS)
    data = {
        "account_id": member_of(purchase),
        "redemption_id": f"voucher-{purchase.row:05d}",
        "points": _VOUCHER_POINTS * vouchers,
        "reward": f"{vouchers} {'voucher' if vouchers == 1 else 'vouchers'} for a CD",
    }
    after = timedelta(minutes=5 + drawn(purchase, "minutes", 35))
    yield _loyalty(purchase, "voucher", "loyalty.redemption_requested", after, data)


def brought_back(purchase: Purchase) -> Iterator[dict[str, Any]]:
    """After one purchase in sixteen, one of its CDs is brought back within three weeks and its price refunded."""
    if drawn(purchase, "return", _RETURNS_ONE_IN) or not purchase.dollars:
        return
    at = time_of(purchase) + timedelta(
        days=2 + drawn(purchase, "kept", 19), seconds=drawn(purchase, "s", 3600)
    )
    if at.date() > LAST_DAY:
        return
    price = (purchase.dollars / purchase.cds).quantize(_CENT, ROUND_HALF_UP)
    data = {
        "refund_id": f"return-{purchase.row:05d}",
        "order_id": f"order-{purchase.row:05d}",
        "amount": {"amount": str(price), "currency": "USD"},
        "reason": "brought back",
    }
    yield _event(purchase, "return", "purchase.refunded", at, data)


def _loyalty(
    purchase: Purchase, what: str, kind: str, after: timedelta, data: dict[str, Any]
) -> dict[str, Any]:
    return _event(purchase, what, kind, time_of(purchase) + after, data)


def _event(purchase: Purchase, what: str, kind: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    shop = shop_of(purchase)
    return event_of(
        purchase, what, kind, at, {**data, **shop.place}, source=shop.source, channel=shop.channel
    )
