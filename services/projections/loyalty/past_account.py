"""An account as of a time before its latest event: what the events until then come to, folded when somebody asks."""

import asyncio
from collections.abc import Collection
from datetime import datetime

from services.projections.history.folding import HistoryFold
from services.projections.history.reading import Horizon, journalled_events
from services.projections.loyalty.account_source import IS_LATER, LedgerReads, Place
from services.projections.loyalty.posting import ANOMALY
from services.projections.loyalty.stored_account import Connection, StoredAccount
from services.projections.moments import microseconds_of
from services.projections.read_models.declaration import Key, Row
from shared.position import Position

MOST_PAST_EVENTS = 10_000
_EVENTS_AT_A_TIME = 25
_MOST_ROWS = 4 * MOST_PAST_EVENTS


class PastTooLargeError(Exception):
    """More events until the time asked for than are folded for one answer; `position` is that of the snapshot."""

    def __init__(self, message: str, position: Position) -> None:
        super().__init__(message)
        self.position = position


class PastAccount:
    """An account from folded rows and entries, all in memory."""

    def __init__(self, account_id: str, rows: dict[Key, Row | None], entries: list[Row]) -> None:
        self.account_id = account_id
        self.rows = rows
        self._anomalies = [each for each in entries if each["kind"] == ANOMALY]
        moved = (each for each in entries if each["kind"] != ANOMALY)
        self._entries = sorted(moved, key=lambda each: (each["time"], each["log_offset"], each["number"]))

    async def load(self, keys: Collection[Key]) -> None:
        """Takes note that rows are not there: all that are were folded."""
        self.rows |= dict.fromkeys(keys)

    async def anomalies(self, most: int) -> list[Row]:
        """The newest ones, in log order."""
        return self._anomalies[-most:]

    async def entries_beyond(self, place: Place | None, most: int, *, ascending: bool) -> list[Row]:
        """Entries but anomalies beyond a place, nearest first; from the very beginning or end for None."""
        near = iter(self._entries) if ascending else reversed(self._entries)
        found = []
        for entry in near:
            if place is None or _is_beyond(entry, place, ascending=ascending):
                found.append(entry)
                if len(found) == most:
                    break
        return found

    async def last_entry_before(self, time: datetime) -> Row | None:
        """The last entry, anomalies aside, whose time is before another."""
        return next((each for each in reversed(self._entries) if each["time"] < time), None)


async def past_account(
    connection: Connection, reads: LedgerReads, account: StoredAccount, as_of: datetime, position: Position
) -> PastAccount:
    """The account from the events that happened until `as_of`, as far as the view has them at `position`.

    To be called in the transaction in which the position was read. Lets the event loop go
    on between some events and the next. Raises `PastTooLargeError`, `UndecodableRecordError` and asyncpg's errors.
    """
    read_model = reads.read_model
    fold = HistoryFold(read_model, _MOST_ROWS, remember_ended=False)
    entries: list[Row] = []
    count = 0
    events = journalled_events(
        connection, [account.stream_key], Horizon(as_of), reads.decode, [read_model.name]
    )
    async for chunk in events:
        for journalled in chunk:
            event = journalled.event
            if event.offset >= position.offsets.get(event.partition, 0):
                continue
            entries += fold.take(journalled).entries
            count += 1
            if count > MOST_PAST_EVENTS:
                raise PastTooLargeError(
                    f"the account had more than {MOST_PAST_EVENTS:,} events until then, too many to fold for one "
                    "answer; ask for an earlier time, or for one that is not before its latest event",
                    position,
                )
            if count % _EVENTS_AT_A_TIME == 0:
                await asyncio.sleep(0)
    return PastAccount(account.account_id, fold.rows, entries)


def _is_beyond(entry: Row, place: Place, *, ascending: bool) -> bool:
    offset, number = entry["log_offset"], entry["number"]
    if place.is_unwritten and offset >= place.extra:
        offset = place.within[0]
    order = (microseconds_of(entry["time"]), IS_LATER, (offset, number))
    return order > place.order if ascending else order < place.order
