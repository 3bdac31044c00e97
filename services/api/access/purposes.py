"""What personal data is read for, and which of it each purpose opens."""

from collections.abc import Collection, Mapping
from typing import Final, Literal, get_args

from services.api.parameters import one_of
from shared.events.vocabulary import PersonalCategory

Purpose = Literal["greeting", "ordering", "complaint_handling", "care", "marketing"]
"""What a read is for."""

PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
CATEGORIES: Final[tuple[PersonalCategory, ...]] = get_args(PersonalCategory)

OPENED: Final[Mapping[Purpose, frozenset[PersonalCategory]]] = {
    "greeting": frozenset({"identity", "preference"}),
    "ordering": frozenset({"identity", "contact", "preference"}),
    "complaint_handling": frozenset({"identity", "contact", "free_text"}),
    "care": frozenset({"identity", "health"}),
    "marketing": frozenset({"identity", "preference", "contact"}),
}
"""The categories that a purpose opens; `marketing` does only where the customer consented to it."""

NEEDS_CONSENT: Final[frozenset[Purpose]] = frozenset({"marketing"})
"""Purposes that open nothing of a customer who has not consented to them."""


def opened_for(purpose: Purpose | None) -> frozenset[PersonalCategory]:
    """What a purpose opens, consent given; without a purpose nothing."""
    return frozenset() if purpose is None else OPENED[purpose]


def withheld_from(opened: Collection[PersonalCategory]) -> list[PersonalCategory]:
    """All categories that are not opened, in the order of the catalogue."""
    return [category for category in CATEGORIES if category not in opened]


def purpose_named(value: str | None) -> Purpose | None:
    """The purpose that a query parameter names. Raises the problem 422 `invalid_parameter`."""
    one_of("purpose", value, PURPOSES)
    return next((each for each in PURPOSES if each == value), None)
