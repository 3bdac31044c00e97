"""What a page says in the place of personal data that stays closed: which it is, and what would open it."""

from collections.abc import Iterable
from typing import NamedTuple

from services.api.access.purposes import DISCLOSED, OPENED, PURPOSES, Disclosed, Purpose
from services.api.console.visitors import Visitor


class Closed(NamedTuple):
    """A category that stays closed, the purposes of the visitor that open it, and those that others would need."""

    category: Disclosed
    own: list[Purpose]
    others: list[Purpose]


def closed(withheld: Iterable[str], visitor: Visitor) -> list[Closed]:
    """The withheld categories, in the order of the catalogue."""
    named = frozenset(withheld)
    return [_closed(category, visitor) for category in DISCLOSED if category in named]


def _closed(category: Disclosed, visitor: Visitor) -> Closed:
    opening = [purpose for purpose in PURPOSES if category in OPENED[purpose]]
    own = [purpose for purpose in opening if purpose in visitor.purposes]
    return Closed(category, own, [purpose for purpose in opening if purpose not in own])
