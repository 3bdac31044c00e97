"""Checks the demo's scoring run against what the posted events say of it, counted without the run's code."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import asyncpg

from services.ops.demo.finding import Finding
from services.ops.demo.scored import AS_OF, TESTED_ON, TESTED_WEEKS
from shared.events.analytics import AnalyticsRunCompleted

_FEWEST_DAYS: Final = 3


async def check_scoring(
    database: asyncpg.Connection,
    events: Iterable[Mapping[str, Any]],
    run: AnalyticsRunCompleted,
    silent: Sequence[Mapping[str, Any]],
) -> list[Finding]:
    """What was scored, what was looked back at, and whether the list names each customer once, with a reason."""
    events = list(events)
    days = purchase_days(events, AS_OF, AS_OF)
    then = {
        customer: known
        for customer, known in purchase_days(events, TESTED_ON, TESTED_ON).items()
        if len(known) >= _FEWEST_DAYS
    }
    until = TESTED_ON + timedelta(weeks=TESTED_WEEKS)
    gone = [
        customer for customer in then if not any(TESTED_ON < day <= until for day in days.get(customer, ()))
    ]
    rows = await database.fetchrow(
        "select count(*) filter (where purchase_days > 0) as customers, sum(purchase_days) as days from live.scores"
    )
    tested = run.backtest.rules[0] if run.backtest else None
    return [
        Finding("customers scored", len(days), rows["customers"] if rows else None),
        Finding("purchase days scored", sum(map(len, days.values())), rows["days"] if rows else None),
        Finding("customers looked back at", len(then), tested.customers if tested else None),
        Finding("of them gone since", len(gone), tested.gone if tested else None),
        Finding("departing customers told once, with a reason", len(silent), _told(silent)),
    ]


def purchase_days(
    events: Iterable[Mapping[str, Any]], bought_by: date, refunded_by: date
) -> dict[str, set[date]]:
    """The days of each member with an order that was not wholly given back."""
    orders: dict[tuple[str, str], tuple[date, Decimal]] = {}
    refunds: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for event in events:
        if event["type"] not in ("purchase.completed", "purchase.refunded"):
            continue
        data, day = event["data"], datetime.fromisoformat(event["time"]).date()
        key = data["customer"][0]["value"], data["order_id"]
        if event["type"] == "purchase.completed" and day <= bought_by:
            orders[key] = day, Decimal(data["total"]["amount"])
        elif event["type"] == "purchase.refunded" and day <= refunded_by:
            refunds[key] += Decimal(data["amount"]["amount"])
    days: dict[str, set[date]] = defaultdict(set)
    for (member, order), (day, total) in orders.items():
        if not (total > 0 and refunds[member, order] >= total):
            days[member].add(day)
    return days


def _told(silent: Sequence[Mapping[str, Any]]) -> int:
    return len({each["customer_id"] for each in silent if each["why"] and each["p_alive"] < 0.5})  # noqa: PLR2004
