"""Follows the log through the partitions a worker holds, batch by batch, and shares them out in between."""

import asyncio
import logging
from collections.abc import Sequence

import asyncpg
import structlog

from services.projections.control import EVERY_VIEW
from services.projections.engine.application import Applied, FencedError, RowsRefusedError, apply_batch
from services.projections.engine.batch import Decode, Entry
from services.projections.engine.generations import LiveView
from services.projections.engine.intake import Intake
from services.projections.engine.leases import Place, share_out
from services.projections.engine.log_identity import (
    PositionNotInLogError,
    compare_logs,
    confirm_last_applied,
    establish_log,
)
from services.projections.engine.outage import Outage
from services.projections.engine.parking import parked_event
from shared.log.port import LogReader, LogTruncatedError, LogUnavailableError
from shared.metrics import Metrics

_MOST_ATTEMPTS = 5
_MOST_IDS_TOLD = 10
_FIRST_RETRY_SECONDS = 0.05
_PASSING_CONFLICTS = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)


class Projector:
    """One worker's loop over one PostgreSQL connection and one log reader.

    `sharing_due` is set from outside, by the heartbeats, when partitions want sharing out anew.
    """

    def __init__(
        self,
        worker: str,
        connection: asyncpg.Connection,
        reader: LogReader,
        views: Sequence[LiveView],
        decode: Decode,
        *,
        batch_events: int,
        metrics: Metrics,
        outage: Outage,
    ) -> None:
        self.sharing_due = asyncio.Event()
        self._worker = worker
        self._connection = connection
        self._reader = reader
        self._views = views
        self._decode = decode
        self._batch_events = batch_events
        self._metrics = metrics
        self._outage = outage
        self._log = structlog.get_logger("rapport.projections").bind(worker=worker)
        self._places: dict[int, Place] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Projects until `stop`, and finishes the batch in hand then. A log that is away is waited for.

        Raises `LogReplacedError` and `PositionNotInLogError`, which repeating does not heal, and asyncpg's errors.
        """
        confirmed: dict[int, int] = {}
        while not stop.is_set():
            self.sharing_due.clear()
            self._hold(await share_out(self._connection, self._worker))
            try:
                identity = await establish_log(self._connection, self._reader)
                new = {p: place for p, place in self._places.items() if confirmed.get(p) != place.epoch}
                await confirm_last_applied(self._connection, self._reader, new, self._decode)
                confirmed = {partition: place.epoch for partition, place in self._places.items()}
                await self._reader.seek({p: place.position for p, place in self._places.items()})
                intake = Intake(self._reader, identity, self._decode, self._views, self._batch_events)
                await self._follow(intake, stop)
            except FencedError as error:
                self._log.warning("batch_fenced", detail=str(error))
            except LogUnavailableError as error:
                await self._outage.wait(error, stop)
            except LogTruncatedError as error:
                compare_logs(
                    await establish_log(self._connection, self._reader), await self._reader.identity()
                )
                raise PositionNotInLogError(error.partition, error.position, error.bounds) from error

    def _hold(self, places: dict[int, Place]) -> None:
        if places.keys() != self._places.keys():
            self._log.info("partitions_held", partitions=sorted(places))
        self._places = places
        self._metrics.projection_partitions.set(len(places))

    async def _follow(self, intake: Intake, stop: asyncio.Event) -> None:
        """Applies one batch while the next is fetched and prepared, until partitions are shared out or `stop`."""
        interruptions = {asyncio.create_task(self.sharing_due.wait()), asyncio.create_task(stop.wait())}
        following = asyncio.create_task(_nothing() if not self._places else intake.next_batch())
        try:
            while True:
                await asyncio.wait({following, *interruptions}, return_when=asyncio.FIRST_COMPLETED)
                if self.sharing_due.is_set() or stop.is_set():
                    return
                entries = await following
                following = asyncio.create_task(intake.next_batch())
                if entries:
                    await self._apply(entries)
                self._outage.over()
        finally:
            for task in (following, *interruptions):
                task.cancel()
            await asyncio.gather(following, *interruptions, return_exceptions=True)

    async def _apply(self, entries: Sequence[Entry]) -> None:
        """Applies entries; where PostgreSQL refuses a row, in smaller parts, until that event is parked alone."""
        try:
            with self._metrics.projection_batch_seconds.time():
                applied = await self._apply_despite_conflicts(entries)
        except RowsRefusedError as error:
            if len(entries) == 1:
                await self._apply([self._parked_instead(entries[0], error)])
                return
            middle = len(entries) // 2
            await self._apply(entries[:middle])
            await self._apply(entries[middle:])
            return
        self._places.update(applied.places)
        self._report(entries, applied)

    async def _apply_despite_conflicts(self, entries: Sequence[Entry]) -> Applied:
        for attempt in range(_MOST_ATTEMPTS):
            try:
                return await apply_batch(self._connection, self._views, entries, self._places)
            except _PASSING_CONFLICTS:
                if attempt == _MOST_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_FIRST_RETRY_SECONDS * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _parked_instead(self, entry: Entry, error: RowsRefusedError) -> Entry:
        """The entry without the row that was refused; without any where the journal cannot hold the event."""
        if entry.event is None:
            raise error
        parked = parked_event(error.view or EVERY_VIEW, entry.stored, entry.event, error)
        if error.view is None:
            return entry._replace(journal=None, rows=(None,) * len(self._views), parked=(parked,))
        rows = tuple(
            None if view.read_model.name == error.view else row
            for view, row in zip(self._views, entry.rows, strict=True)
        )
        return entry._replace(rows=rows, parked=(*entry.parked, parked))

    def _report(self, entries: Sequence[Entry], applied: Applied) -> None:
        metrics = self._metrics
        metrics.projection_batch_events.observe(len(entries))
        metrics.projection_events.labels(outcome="applied").inc(len(applied.written))
        metrics.projection_events.labels(outcome="repeated").inc(len(applied.repeats))
        metrics.projection_events.labels(outcome="parked").inc(len(applied.parked))
        for partition, place in applied.places.items():
            metrics.projection_position.labels(partition=str(partition)).set(place.position)
        if applied.repeats:
            self._log.info(
                "events_repeated",
                events=len(applied.repeats),
                first_ids=[entry.event.id for entry in applied.repeats[:_MOST_IDS_TOLD] if entry.event],
            )
        for parked in applied.parked:
            self._log.warning(
                "event_parked",
                view=parked.view,
                event_id=parked.event_id,
                partition=parked.partition,
                offset=parked.log_offset,
                error=parked.error,
                detail=parked.detail,
            )
        if self._log.is_enabled_for(logging.DEBUG):
            for entry in applied.written:
                self._log.debug("event_applied", **_named(entry))


async def _nothing() -> list[Entry]:
    """What a worker without partitions fetches: it waits to be interrupted."""
    await asyncio.Event().wait()
    return []


def _named(entry: Entry) -> dict[str, str | int | None]:
    event = entry.event
    return {
        "event_id": event.id if event else None,
        "source": event.source if event else None,
        "partition": entry.stored.partition,
        "offset": entry.stored.offset,
    }
