"""Read models that fail on chosen events until they are mended: the faults that park events."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from services.projections.read_models.customer_summary import CUSTOMER_SUMMARY
from services.projections.read_models.declaration import Entries, Key, Mergeable, Ordered, ReadModel, Row
from services.projections.read_models.timeline import TIMELINE
from shared.envelope import RecordedEvent
from tests.case_ledger import CASE_LEDGER
from tests.complaint_trails import COMPLAINT_TRAILS
from tests.declared import READ_MODELS

EVERY = (*READ_MODELS, COMPLAINT_TRAILS, CASE_LEDGER)
"""All that the program keeps, and the tests' own."""

OF_EVERY_KIND = (TIMELINE, CUSTOMER_SUMMARY, COMPLAINT_TRAILS, CASE_LEDGER)
"""One of each kind."""


class FoldFaultError(Exception):
    """What a read model with a fault raises."""


def failing_on(read_model: ReadModel, event_ids: Collection[str]) -> ReadModel:
    """The read model with a fault: it raises on these events, whatever its kind."""
    kind = read_model.kind

    def refuse(event: RecordedEvent[Any]) -> None:
        if event.id in event_ids:
            raise FoldFaultError(f"cannot take {event.id}")

    if isinstance(kind, Entries):
        row = kind.row

        def failing_row(event: RecordedEvent[Any]) -> Row | None:
            refuse(event)
            return row(event)

        return replace(read_model, kind=replace(kind, row=failing_row))
    if isinstance(kind, Mergeable):
        lift = kind.lift

        def failing_lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
            refuse(event)
            return lift(event)

        return replace(read_model, kind=replace(kind, lift=failing_lift))
    evolve: Any = kind.evolve

    def failing_evolve(before: Any, event: RecordedEvent[Any]) -> Any:
        refuse(event)
        return evolve(before, event)

    if isinstance(kind, Ordered):
        return replace(read_model, kind=replace(kind, evolve=failing_evolve))
    return replace(read_model, kind=replace(kind, evolve=failing_evolve))


def with_faults(*event_ids: str) -> tuple[ReadModel, ...]:
    """Every view; one of each kind has the fault."""
    return tuple(failing_on(each, event_ids) if each in OF_EVERY_KIND else each for each in EVERY)
