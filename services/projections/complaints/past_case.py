"""A complaint as of a time before one of its events: what those until then come to, folded when somebody asks."""

import asyncio
from datetime import datetime
from typing import Any, NamedTuple

from services.projections.complaints.case_reads import CaseReads
from services.projections.complaints.policies_in_force import PoliciesInForce
from services.projections.history.folding import HistoryFold, HistoryTooLargeError
from services.projections.history.reading import Horizon, journalled_events
from services.projections.read_models.complaints import complaints
from services.projections.read_models.declaration import Row
from shared.position import Position

MOST_PAST_EVENTS = 10_000
_EVENTS_AT_A_TIME = 25


class PastCase(NamedTuple):
    """A case and all of its history, as of a time."""

    row: Row
    entries: list[Row]


async def past_case(
    connection: Any,
    reads: CaseReads,
    complaint_id: str,
    as_of: datetime,
    position: Position,
) -> PastCase | None:
    """The case from the events that happened until `as_of`, as far as the view has them at `position`.

    None where it was not open by then. To be called in the transaction in which the position was read. Lets the event
    loop go on between some events and the next. Raises `HistoryTooLargeError` and asyncpg's errors.
    """
    await reads.policies.refresh(connection)
    of_this_snapshot = PoliciesInForce(reads.policies.content)
    of_this_snapshot.history = reads.policies.history  # other requests refresh the shared ones meanwhile
    read_model = complaints(of_this_snapshot)
    fold = HistoryFold(read_model, remember_ended=False)
    entries: list[Row] = []
    count = 0
    keys = [f"complaint:{complaint_id}"]
    async for chunk in journalled_events(connection, keys, Horizon(as_of), reads.decode, [read_model.name]):
        for journalled in chunk:
            event = journalled.event
            if event.offset >= position.offsets.get(event.partition, 0):
                continue
            entries += fold.take(journalled).entries
            count += 1
            if count > MOST_PAST_EVENTS:
                raise HistoryTooLargeError(
                    f"the complaint had more than {MOST_PAST_EVENTS:,} events until then, too many to fold for one "
                    "answer; ask for an earlier time, or for one that is not before its latest event"
                )
            if count % _EVENTS_AT_A_TIME == 0:
                await asyncio.sleep(0)
    row = fold.rows.get((complaint_id, 0))
    if row is None or row["state"] is None:
        return None
    return PastCase(row, sorted(entries, key=lambda each: each["number"]))
