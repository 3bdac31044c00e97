"""Tiers: reached by the qualifying points of a calendar year, held until the end of the next (L12)."""

from decimal import Decimal

from services.projections.loyalty.account import Account, HeldTier
from services.projections.loyalty.programme import Programmes, Tier
from services.projections.moments import local_year, year_start

_ONE = Decimal(1)


def held_tier(account: Account, programmes: Programmes, time: int) -> Tier | None:
    """The highest tier held at a time, None for the base: that of the greatest threshold.

    A tier is what the programme it was reached in says at that time, also once the account has moved to another.
    """
    held = [
        tier
        for each in account.tiers
        if each.since <= time < each.until
        and (tier := programmes.by_name[each.programme].tier_at(each.name, time)) is not None
    ]
    return max(held, key=lambda tier: (tier.threshold, tier.multiplier, tier.name), default=None)


def held_until(account: Account, name: str, time: int) -> int | None:
    """When a tier held at a time ends; None where it is not held then."""
    ends = [held.until for held in account.tiers if held.name == name and held.since <= time < held.until]
    return max(ends, default=None)


def multiplier_of(tier: Tier | None) -> Decimal:
    """What the tier multiplies earned points by."""
    return _ONE if tier is None else tier.multiplier


def count_qualifying(account: Account, programmes: Programmes, points: int, time: int) -> str | None:
    """Counts points for the year of their time. Answers the tier held from then on, where it is another one."""
    if points == 0:
        return None
    programme = programmes.by_name[account.programme]
    year = local_year(time, programme.zone)
    reached = account.years[str(year)] = account.years.get(str(year), 0) + points
    terms = programme.terms_at(time)
    if terms is None or not terms.tiers or reached < terms.tiers[0].threshold:
        return None
    before = held_tier(account, programmes, time)
    until = year_start(year + 2, programme.zone)
    for tier in terms.tiers:
        if tier.threshold <= reached and not _reached(account, tier.name, year):
            account.tiers.append(HeldTier(programme.name, tier.name, year, time, until))
    after = held_tier(account, programmes, time)
    return after.name if after is not None and after != before else None


def take_from_year(account: Account, year: str, points: int) -> None:
    """A clawback lowers the sum of the order's year; tiers it had reached stay."""
    if points:
        account.years[year] = account.years.get(year, 0) - points


def _reached(account: Account, name: str, year: int) -> bool:
    return any(held.name == name and held.year == year for held in account.tiers)
