"""Past terms never change: what was in force, and whether a programme file keeps it."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from services.projections.loyalty.programme import Programme, Programmes, Terms

DEFAULT = ""
"""Stands for a programme's name in the record of which programme is the default."""


class TermsInForce(NamedTuple):
    """Terms that have been in force until a day. `content` says in full what they, and their programme, promise.

    The record of the default programme has the programme `DEFAULT` and its name as content.
    """

    programme: str
    effective_from: date
    content: str
    until: date


def in_force(programmes: Programmes, day: date) -> list[TermsInForce]:
    """All that has been in force by a day, to be recorded: the default programme, and terms that began by then."""
    found = [TermsInForce(DEFAULT, date.min, programmes.default.name, day)]
    for programme in programmes.by_name.values():
        begun = [terms for terms in programme.terms if terms.effective_from <= day]
        found += [
            TermsInForce(programme.name, terms.effective_from, _content(programme, terms), day)
            for terms in begun
        ]
    return found


def rewritten(recorded: Iterable[TermsInForce], programmes: Programmes) -> list[str]:
    """One sentence for each past promise that a file breaks: terms changed, taken away, or put in between."""
    found = []
    known: dict[str, dict[date, TermsInForce]] = {}
    for each in recorded:
        if each.programme != DEFAULT:
            known.setdefault(each.programme, {})[each.effective_from] = each
        elif each.content != programmes.default.name:
            found.append(
                f"default_programme was {each.content}, and accounts were enrolled in it; now it is "
                f"{programmes.default.name}"
            )
    for name in sorted(known):
        programme = programmes.by_name.get(name)
        if programme is None:
            found.append(f"programme {name} has been in force and is missing")
        else:
            found += _rewritten_in(programme, known[name])
    return found


def _rewritten_in(programme: Programme, known: dict[date, TermsInForce]) -> list[str]:
    found = []
    now = {terms.effective_from: terms for terms in programme.terms}
    until = max(each.until for each in known.values())
    for day, before in sorted(known.items()):
        place = f"terms of programme {programme.name} effective from {day}"
        if day not in now:
            found.append(f"{place} have been in force and are missing")
        elif (content := _content(programme, now[day])) != before.content:
            found.append(f"{place} have been in force and differ: they were {before.content}; now {content}")
    found += [
        f"terms of programme {programme.name} effective from {day} are new, and begin before {until}, "
        "until when others have been in force"
        for day in sorted(now)
        if day not in known and day <= until
    ]
    return found


def _content(programme: Programme, terms: Terms) -> str:
    """The same text for the same promise: decimals are compared by value, not by how they are written."""
    tiers = ", ".join(
        f"{each.name} from {each.threshold} x {each.multiplier.normalize():f}" for each in terms.tiers
    )
    return (
        f"{programme.currency} in {programme.zone.key}, points_per_unit {terms.points_per_unit.normalize():f}, "
        f"validity_months {terms.validity_months}, clawback {terms.clawback}, tiers ({tiers})"
    )
