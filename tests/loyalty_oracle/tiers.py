"""Tiers (L12)."""

from datetime import datetime

from tests.loyalty_oracle.book import Book, TierGrant
from tests.loyalty_oracle.programmes import Tier


def count_qualifying(book: Book, t: datetime, points: int) -> None:
    """Counts points in the calendar year of their t, and grants each tier whose threshold the year's sum
    reaches for the first time: from t until the end of the following calendar year.
    """
    programme = book.enrolled_in()
    year = programme.year_of(t)
    book.qualifying[year] = book.qualifying.get(year, 0) + points
    for tier in programme.tiers_at(t):
        reached_before = any(grant.year == year and grant.name == tier.name for grant in book.tiers)
        if book.qualifying[year] >= tier.threshold and not reached_before:
            book.tiers.append(TierGrant(tier.name, programme, year, t, programme.start_of_year(year + 2)))


def held_at(book: Book, t: datetime) -> list[TierGrant]:
    return [grant for grant in book.tiers if grant.since <= t < grant.until]


def tier_at(book: Book, t: datetime) -> Tier | None:
    """The highest one held at t; None is `base`."""
    held = [grant.programme.tier_named(grant.name, t) for grant in held_at(book, t)]
    return max(held, key=lambda tier: (tier.threshold, tier.multiplier, tier.name), default=None)


def tier_valid_until(book: Book, t: datetime) -> datetime | None:
    """The end of the longest grant of the tier held at t."""
    tier = tier_at(book, t)
    return max((grant.until for grant in held_at(book, t) if tier and grant.name == tier.name), default=None)
