"""What a page says in the place of personal data that stays closed: which it is, and what would open it."""

from collections.abc import Iterable
from typing import NamedTuple

from services.api.access.purposes import CATEGORIES, OPENED, PURPOSES, Purpose
from services.api.console.visitors import Visitor
from shared.events.vocabulary import PersonalCategory


class Closed(NamedTuple):
    """A category that stays closed, the purposes of the visitor that open it, and those that others would need."""

    category: PersonalCategory
    own: list[Purpose]
    others: list[Purpose]


def closed(withheld: Iterable[str], visitor: Visitor) -> list[Closed]:
    """The withheld categories, in the order of the catalogue."""
    named = frozenset(withheld)
    return [_closed(category, visitor) for category in CATEGORIES if category in named]


def _closed(category: PersonalCategory, visitor: Visitor) -> Closed:
    opening = [purpose for purpose in PURPOSES if category in OPENED[purpose]]
    own = [purpose for purpose in opening if purpose in visitor.purposes]
    return Closed(category, own, [purpose for purpose in opening if purpose not in own])
