"""What a complainant was given, added up by kind and currency (C8)."""

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal, Inexact
from typing import Any

from shared.events.complaint import ComplaintCompensated

Total = Mapping[str, Any]
"""`kind` with either `points`, or `amount` as a decimal text and `currency`."""

_EXACT = Context(prec=60, traps=[Inexact])
"""Adds amounts of 15 digits and 4 decimals without rounding; a sum that would be rounded raises instead."""


def given(data: ComplaintCompensated) -> Total:
    """What one event gives."""
    if data.amount is None:
        return {"kind": data.kind, "points": data.points}
    return {"kind": data.kind, "amount": data.amount.amount, "currency": data.amount.currency}


def with_more(totals: Sequence[Total], more: Total) -> list[Total]:
    """The totals with something more given; kinds and currencies stay in the order they first came."""
    found = []
    is_new = True
    for total in totals:
        if (total["kind"], total.get("currency")) == (more["kind"], more.get("currency")):
            is_new = False
            found.append(_sum(total, more))
        else:
            found.append(total)
    return [*found, more] if is_new else found


def _sum(total: Total, more: Total) -> Total:
    if "points" in more:
        return {**total, "points": total["points"] + more["points"]}
    return {**total, "amount": f"{_EXACT.add(Decimal(total['amount']), Decimal(more['amount'])):f}"}
