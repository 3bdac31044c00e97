"""What a loyalty programme promises: terms by date, and the tiers in them. Amounts are exact decimals."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from services.projections.moments import NEVER, day_start, month_start_after

Clawback = Literal["clamp", "allow_negative"]
BASE_TIER = "base"
"""The tier of whoever has reached none."""

_EXACT = Context(prec=100, rounding=ROUND_FLOOR)


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier is held once a calendar year's qualifying points reach `threshold`; purchases earn `multiplier` times."""

    name: str
    threshold: int
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds from a local date on. `tiers` have ascending thresholds; 0 `validity_months` means for ever."""

    effective_from: date
    points_per_unit: Decimal
    validity_months: int
    clawback: Clawback
    tiers: tuple[Tier, ...]

    def tier(self, name: str) -> Tier | None:
        """The tier of a name, None where these terms have none."""
        return next((tier for tier in self.tiers if tier.name == name), None)


class Programme:
    """One programme. `terms` stand in the order of their dates; nothing changes once it is made."""

    def __init__(self, name: str, zone: ZoneInfo, currency: str, terms: Sequence[Terms]) -> None:
        self.name = name
        self.zone = zone
        self.currency = currency
        self.terms = tuple(terms)
        self._starts = [day_start(each.effective_from, zone) for each in self.terms]

    def terms_at(self, time: int) -> Terms | None:
        """The terms whose local date is the latest one not after `time` (L5); None before the first."""
        found = bisect_right(self._starts, time)
        return self.terms[found - 1] if found else None

    def expiry(self, time: int) -> int:
        """When points granted at `time` expire by the terms (L13); `NEVER` also before the first terms."""
        terms = self.terms_at(time)
        if terms is None or terms.validity_months == 0:
            return NEVER
        return month_start_after(time, terms.validity_months, self.zone)

    def tier_at(self, name: str, time: int) -> Tier | None:
        """A tier by the terms at `time`; where they have none of this name, by the newest earlier ones that do."""
        for terms in reversed(self.terms[: bisect_right(self._starts, time)]):
            if tier := terms.tier(name):
                return tier
        return None


@dataclass(frozen=True, slots=True)
class Programmes:
    """All programmes of a deployment, by name; `default` is one of them."""

    default: Programme
    by_name: Mapping[str, Programme]


def points_for(total: Decimal, terms: Terms, multiplier: Decimal) -> int:
    """What a purchase of `total` earns (L5): floor(total x points_per_unit x multiplier), exactly."""
    product = _EXACT.multiply(_EXACT.multiply(total, terms.points_per_unit), multiplier)
    return int(product.to_integral_value(ROUND_FLOOR, _EXACT))


def share_of(points: int, part: Decimal, whole: Decimal) -> int:
    """floor(points x part / whole), exactly, for a `part` from 0 to the `whole`; all points where they are equal."""
    if part == whole:
        return points
    (part_numerator, part_denominator), (numerator, denominator) = (
        part.as_integer_ratio(),
        whole.as_integer_ratio(),
    )
    return points * part_numerator * denominator // (part_denominator * numerator)
