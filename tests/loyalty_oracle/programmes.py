"""Programmes as a TOML file states them: terms by date, tiers, how long points are valid."""

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Tier:
    name: str
    threshold: int
    multiplier: Fraction


@dataclass(frozen=True)
class Terms:
    effective_from: date
    points_per_unit: Fraction
    validity_months: int
    clawback: str
    tiers: tuple[Tier, ...]


@dataclass(frozen=True)
class Programme:
    name: str
    zone: ZoneInfo
    currency: str
    terms: tuple[Terms, ...]

    def terms_until(self, t: datetime) -> list[Terms]:
        """All terms whose effective_from, a local date, is not after t, oldest first."""
        today = t.astimezone(self.zone).date()
        effective = [terms for terms in self.terms if terms.effective_from <= today]
        return sorted(effective, key=lambda terms: terms.effective_from)

    def terms_at(self, t: datetime) -> Terms | None:
        """L5: the terms whose effective_from is the latest one not after t; None before the first ones."""
        effective = self.terms_until(t)
        return effective[-1] if effective else None

    def clawback_at(self, t: datetime) -> str:
        """L6, L7: what happens to points that are asked back and not there; without terms they are dropped."""
        terms = self.terms_at(t)
        return "clamp" if terms is None else terms.clawback

    def tiers_at(self, t: datetime) -> tuple[Tier, ...]:
        """L12: the tiers there are to reach at t."""
        terms = self.terms_at(t)
        return () if terms is None else terms.tiers

    def tier_named(self, name: str, t: datetime) -> Tier:
        """A tier that was reached by t, as the newest terms by then that name it state it."""
        return [tier for terms in self.terms_until(t) for tier in terms.tiers if tier.name == name][-1]

    def expiry_by_terms(self, t: datetime) -> datetime | None:
        """L13: 00:00 local time on the first day of the month after t + m months; m = 0 is never."""
        terms = self.terms_at(t)
        if terms is None or terms.validity_months == 0:
            return None
        m = terms.validity_months
        local = t.astimezone(self.zone)
        months_since_year_0 = local.year * 12 + (local.month - 1) + m + 1
        year, month = divmod(months_since_year_0, 12)
        return datetime(year, month + 1, 1, tzinfo=self.zone).astimezone(UTC)

    def year_of(self, t: datetime) -> int:
        """L12: the calendar year of t in the programme's time zone."""
        return t.astimezone(self.zone).year

    def start_of_year(self, year: int) -> datetime:
        return datetime(year, 1, 1, tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True)
class Programmes:
    default: Programme
    by_name: dict[str, Programme]


@lru_cache(maxsize=4)
def read_programmes(text: str) -> Programmes:
    document = tomllib.loads(text)
    by_name = {name: _programme(name, stated) for name, stated in document["programme"].items()}
    return Programmes(by_name[document["default_programme"]], by_name)


def _programme(name: str, stated: dict[str, object]) -> Programme:
    listed = stated["terms"]
    assert isinstance(listed, list)
    return Programme(
        name,
        ZoneInfo(str(stated["timezone"])),
        str(stated["currency"]),
        tuple(_terms(each) for each in listed),
    )


def _terms(stated: dict[str, object]) -> Terms:
    effective_from, months, tiers = (
        stated["effective_from"],
        stated["validity_months"],
        stated.get("tiers", []),
    )
    assert isinstance(effective_from, date)
    assert isinstance(months, int)
    assert isinstance(tiers, list)
    return Terms(
        effective_from,
        Fraction(str(stated["points_per_unit"])),  # exact, whatever the number of digits
        months,
        str(stated["clawback"]),
        tuple(Tier(each["name"], each["threshold"], Fraction(each["multiplier"])) for each in tiers),
    )
