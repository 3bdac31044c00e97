"""Which category of interaction is it? One rule for every view that counts or filters by category."""

from typing import Any

from shared.envelope import RecordedEvent
from shared.events.interaction import InteractionCategory, InteractionRecorded

_OF_FAMILY: dict[str, InteractionCategory] = {
    "purchase": "sales",
    "complaint": "complaint",
    "feedback": "feedback",
}


def category_of(event: RecordedEvent[Any]) -> InteractionCategory | None:
    """What an interaction says; that of its family for purchases, complaints and feedback; None for other events."""
    if isinstance(event.data, InteractionRecorded):
        return event.data.category
    return _OF_FAMILY.get(event.type.partition(".")[0])
