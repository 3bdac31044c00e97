"""What personal data is read for, and which of it each purpose opens."""

from collections.abc import Collection, Mapping
from typing import Final, Literal, get_args

from services.api.parameters import one_of
from shared.events.vocabulary import PersonalCategory

Purpose = Literal["greeting", "ordering", "complaint_handling", "care", "marketing", "analysis"]
"""What a read is for."""

Disclosed = PersonalCategory | Literal["scores"]
"""What a read shows of a person: what they or others told, by category, and what was reckoned about them."""

PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
CATEGORIES: Final[tuple[PersonalCategory, ...]] = get_args(PersonalCategory)
SCORES: Final[Disclosed] = "scores"
"""Figures and words about one customer that nobody told: value, silence, satisfaction. They are personal data, though
sealed nowhere, and are shown of nobody who has not consented to profiling, whatever the purpose.
"""
DISCLOSED: Final[tuple[Disclosed, ...]] = (*CATEGORIES, SCORES)

OPENED: Final[Mapping[Purpose, frozenset[Disclosed]]] = {
    "greeting": frozenset({"identity", "preference", "scores"}),
    "ordering": frozenset({"identity", "contact", "preference"}),
    "complaint_handling": frozenset({"identity", "contact", "free_text"}),
    "care": frozenset({"identity", "health"}),
    "marketing": frozenset({"identity", "preference", "contact", "scores"}),
    "analysis": frozenset({"scores"}),
}
"""The categories that a purpose opens; `marketing` does only where the customer consented to it."""

FOR_SCORES: Final[tuple[Purpose, ...]] = ("analysis", "greeting", "marketing")
"""The purposes that open scores, in the order in which a request that names none gets one."""

NEEDS_CONSENT: Final[frozenset[Purpose]] = frozenset({"marketing"})
"""Purposes that open nothing of a customer who has not consented to them."""


def opened_for(purpose: Purpose | None) -> frozenset[Disclosed]:
    """What a purpose opens, consent given; without a purpose nothing."""
    return frozenset() if purpose is None else OPENED[purpose]


def withheld_from(opened: Collection[Disclosed]) -> list[Disclosed]:
    """All that is not opened, in the order of the catalogue."""
    return [category for category in DISCLOSED if category not in opened]


def purpose_named(value: str | None) -> Purpose | None:
    """The purpose that a query parameter names. Raises the problem 422 `invalid_parameter`."""
    one_of("purpose", value, PURPOSES)
    return next((each for each in PURPOSES if each == value), None)
