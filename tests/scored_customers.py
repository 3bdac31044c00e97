"""Customers with purchases and consents, and the run they are scored by, for tests of what is shown of them."""

from datetime import UTC, datetime
from typing import Any

from shared.events.analytics import ANALYTICS
from tests.projecting import purchase
from tests.strategies import JsonObject

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
MBG = {"r": 0.524838, "alpha": 6.18299, "a": 0.891356, "b": 1.614, "log_likelihood": -9582.13}
SPEND = {"p": 6.2488, "q": 3.7446, "v": 15.4477, "log_likelihood": -4055.92}
CUTS = {"recency": [10, 20, 30, 40], "frequency": [1, 2, 3, 4], "monetary": [10, 20, 30, 40]}
SETTINGS = {
    "zone": "UTC", "base_currency": "EUR", "margin": 0.5, "horizon_weeks": 39, "discount_rate": 0.1, "rates": {},
}  # fmt: skip
FIGURES = {
    "tier_cuts": {"VIP": 100, "A": 50, "B": 20, "C": -1000},
    "median_margin_12m": 10, "median_clv": 5, "coupon_share": 0.25,
}  # fmt: skip


def run(run_id: str = "run-1", as_of: datetime = AS_OF, **changes: Any) -> JsonObject:
    """A completed run, with the parameters that CDNOW gives."""
    data = {
        "run_id": run_id, "as_of": as_of.isoformat(), "position": "0:9", "customers": 3,
        "parameters": {"mbg_nbd": MBG, "gamma_gamma": SPEND}, "cuts": CUTS, "settings": SETTINGS, "figures": FIGURES,
    }  # fmt: skip
    event = purchase(
        1, id=f"run:{run_id}", type="analytics.run_completed", source=ANALYTICS, data=data | changes
    )
    return event | {"time": as_of.isoformat()}


def bought(member: str, day: str, amount: str = "12.50", **data: Any) -> JsonObject:
    """A purchase on a day."""
    key = f"{member}-{day}-{data.get('order_id', '')}"
    posted = {
        "customer": [{"type": "member", "value": member}], "order_id": key, "lines": [],
        "total": {"amount": amount, "currency": "EUR"},
    } | data  # fmt: skip
    return purchase(1, id=key, data=posted) | {"time": f"{day}T12:00:00Z"}


def consented(
    member: str, purpose: str = "profiling", *, granted: bool = True, day: str = "2024-01-01"
) -> JsonObject:
    """A word on a consent."""
    data = {"customer": [{"type": "member", "value": member}], "purpose": purpose, "granted": granted}
    event = purchase(1, id=f"c-{member}-{purpose}-{day}", type="consent.changed", data=data)
    return event | {"time": f"{day}T00:00:00Z"}
