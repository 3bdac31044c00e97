"""What makes an event an erasure, at which views take out what the events of its party before it had made."""

from typing import Any

from shared.envelope import RecordedEvent
from shared.erasures import ERASURES
from shared.events.customer import CustomerErasureRequested


def is_erasure(event: RecordedEvent[Any]) -> bool:
    """Whether the event erases the party whose stream it is in."""
    return type(event.data) is CustomerErasureRequested and event.source == ERASURES
