"""The states of a read model as of a time, folded from the journal when somebody asks."""

from collections.abc import Collection
from typing import NamedTuple

from services.projections.history.folding import MOST_ROWS, Failed, HistoryFold, HistoryTooLargeError
from services.projections.history.reading import Connection, Decode, Horizon, journalled_events
from services.projections.read_models.declaration import Key, ReadModel, Row


class FoldedHistory(NamedTuple):
    """What some events came to: rows by key, the rows that are only ever added, and how many events were folded.

    `failed` has events that the fold raised on; see `HistoryFold`. Rows are as the read model's functions made them.
    """

    rows: dict[Key, Row]
    entries: list[Row]
    events: int
    failed: list[Failed]


async def folded_as_of(
    connection: Connection,
    read_model: ReadModel,
    stream_keys: Collection[str],
    horizon: Horizon,
    decode: Decode,
    *,
    most_rows: int = MOST_ROWS,
) -> FoldedHistory:
    """The states folded from the events of these stream keys within the horizon, in the order of the log.

    A row of the `Ordered` or `Ledger` kind is complete if its stream key is among them; of a `Mergeable` row it is the
    part that these keys give, to be combined with others'. What is parked for the view, or was discarded, is left out,
    so that a horizon beyond the last event gives what the view shows. One snapshot; a caller who reads more of it, such
    as `applied_position`, opens a repeatable-read transaction around both. Raises `HistoryTooLargeError` beyond
    `most_rows` rows or entries, `UndecodableRecordError`, and asyncpg's errors.
    """
    fold = HistoryFold(read_model, most_rows, remember_ended=False)
    entries: list[Row] = []
    events = 0
    async with connection.transaction():
        if read_model.refresh is not None:
            await read_model.refresh(connection)
        async for chunk in journalled_events(connection, stream_keys, horizon, decode, [read_model.name]):
            for journalled in chunk:
                taken = fold.take(journalled)
                entries += taken.entries
                events += taken.outcome == "applied"
            if len(entries) > most_rows:
                raise HistoryTooLargeError(
                    f"these events make more than {most_rows:,} entries of {read_model.name}"
                )
    rows = {key: row for key, row in fold.rows.items() if row is not None}
    return FoldedHistory(rows, entries, events, fold.failed)
