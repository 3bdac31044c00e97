"""Which complaints are there, in which state, how long may they take, and what was done about each?

A ledger: a row a case, with all that lists and reports search and count by, and an entry an event of its history. The
rules stand in `services.projections.complaints`; a case is judged by the policies in force when it was opened.
"""

from collections.abc import Mapping
from typing import Any

from services.projections.complaints.evolve import evolve, keys
from services.projections.complaints.policies_in_force import PoliciesInForce
from services.projections.complaints.states import ComplaintEvent
from services.projections.complaints.tables import COMPLAINT_ENTRIES, COMPLAINTS
from services.projections.read_models.declaration import (
    Evolved,
    Key,
    Ledger,
    Needs,
    ReadModel,
    Row,
    classes_of,
)
from shared.envelope import RecordedEvent

CONSUMED = ComplaintEvent


def complaints(policies: PoliciesInForce) -> ReadModel:
    """The complaints, judged by the policies that came into force."""

    def evolved(rows: Mapping[Key, Row | None], event: RecordedEvent[Any]) -> Evolved | Needs:
        return evolve(policies.history)(rows, event)

    return ReadModel(
        name="complaints",
        version=1,
        kind=Ledger(keys=keys, evolve=evolved, entries=COMPLAINT_ENTRIES),
        table=COMPLAINTS,
        consumes=classes_of(CONSUMED),
        refresh=policies.refresh,
    )
