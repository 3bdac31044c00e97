"""Follows the log through the partitions a worker holds, batch by batch, and shares them out in between."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

import asyncpg
import structlog

from services.projections.control import EVERY_VIEW
from services.projections.engine.application import Applied, FencedError, apply_batch
from services.projections.engine.attempts import Attempts
from services.projections.engine.batch import Batch, Decode, Entry, part_of
from services.projections.engine.folding import BehindParkedError
from services.projections.engine.intake import Intake
from services.projections.engine.leases import Place, share_out
from services.projections.engine.live_set import LiveSet, LiveSetChangedError, load_live_set
from services.projections.engine.log_identity import (
    PositionNotInLogError,
    compare_logs,
    confirm_last_applied,
    establish_log,
)
from services.projections.engine.outage import Outage
from services.projections.engine.parking import parked_event
from services.projections.engine.refreshing import refresh
from services.projections.engine.writing import RowsRefusedError
from services.projections.read_models.declaration import ReadModel
from shared.log.port import LogIdentity, LogReader, LogTruncatedError, LogUnavailableError
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
        read_models: Sequence[ReadModel],
        decode: Decode,
        *,
        batch_events: int,
        metrics: Metrics,
        outage: Outage,
        attempts: Attempts,
    ) -> None:
        self.sharing_due = asyncio.Event()
        self._worker = worker
        self._connection = connection
        self._reader = reader
        self._read_models = read_models
        self._live = LiveSet(0, ())
        self._decode = decode
        self._batch_events = batch_events
        self._metrics = metrics
        self._outage = outage
        self._attempts = attempts
        self._log = structlog.get_logger("rapport.projections").bind(worker=worker)
        self._places: dict[int, Place] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Projects until `stop`, and finishes the batch in hand then. A log that is away is waited for.

        Raises `LogReplacedError`, `PositionNotInLogError` and `ProgramOutdatedError`, which repeating does not heal,
        and asyncpg's errors.
        """
        confirmed: dict[int, int] = {}
        while not stop.is_set():
            self.sharing_due.clear()
            await self._attempts.take_back(self._connection)
            self._hold(await share_out(self._connection, self._worker))
            self._live = await load_live_set(self._connection, self._read_models)
            await refresh(self._connection, self._read_models)
            try:
                identity = await establish_log(self._connection, self._reader)
                new = {p: place for p, place in self._places.items() if confirmed.get(p) != place.epoch}
                await confirm_last_applied(self._connection, self._reader, new, self._decode)
                confirmed = {partition: place.epoch for partition, place in self._places.items()}
                await self._reader.seek({p: place.position for p, place in self._places.items()})
                await self._follow(await self._intake(identity), stop)
            except LiveSetChangedError as error:
                self._log.info("live_set_changed", detail=str(error))
            except FencedError as error:
                self._log.warning("batch_fenced", detail=str(error))
            except LogUnavailableError as error:
                await self._outage.wait(error, stop)
            except LogTruncatedError as error:
                compare_logs(
                    await establish_log(self._connection, self._reader), await self._reader.identity()
                )
                raise PositionNotInLogError(error.partition, error.position, error.bounds) from error

        await self._attempts.take_back(self._connection)

    async def _intake(self, identity: LogIdentity) -> Intake:
        in_vain = await self._attempts.in_vain(self._connection, self._places)
        intake = Intake(
            self._connection, self._reader, identity, self._decode, self._live.views,
            batch_events=self._batch_events, attempts=self._attempts, in_vain=in_vain,
        )  # fmt: skip
        if intake.one_by_one:
            self._log.warning("events_taken_one_by_one", attempts_in_vain=in_vain)
        return intake

    def _hold(self, places: dict[int, Place]) -> None:
        if places.keys() != self._places.keys():
            self._log.info("partitions_held", partitions=sorted(places))
        self._places = places
        self._metrics.projection_partitions.set(len(places))
        self._metrics.projection_position.clear()
        for partition, place in places.items():
            self._metrics.projection_position.labels(partition=str(partition)).set(place.position)

    async def _follow(self, intake: Intake, stop: asyncio.Event) -> None:
        """Applies one batch while the next is fetched and prepared, until partitions are shared out or `stop`."""
        interruptions = {asyncio.create_task(self.sharing_due.wait()), asyncio.create_task(stop.wait())}
        following = asyncio.create_task(_nothing() if not self._places else intake.next_batch())
        try:
            while True:
                await asyncio.wait({following, *interruptions}, return_when=asyncio.FIRST_COMPLETED)
                if self.sharing_due.is_set() or stop.is_set():
                    return
                batch = await following
                alone = intake.one_by_one
                if not alone:
                    following = asyncio.create_task(intake.next_batch())
                if batch.entries:
                    await self._apply(batch)
                    self._attempts.succeeded()
                if alone:
                    following = asyncio.create_task(intake.next_batch())
                self._outage.over()
        finally:
            for task in (following, *interruptions):
                task.cancel()
            await asyncio.gather(following, *interruptions, return_exceptions=True)

    async def _apply(self, batch: Batch) -> None:
        """Applies a batch; where a row's content is refused, in smaller parts, until that event is parked alone."""
        entries = batch.entries
        try:
            with self._metrics.projection_batch_seconds.time():
                applied = await self._apply_despite_conflicts(batch)
        except RowsRefusedError as error:
            if len(entries) == 1:
                await self._apply(part_of([self._refused(entries[0], error)], self._live.views))
                return
            middle = len(entries) // 2
            await self._apply(part_of(entries[:middle], self._live.views))
            await self._apply(part_of(entries[middle:], self._live.views))
            return
        self._places.update(applied.places)
        self._report(entries, applied)

    async def _apply_despite_conflicts(self, batch: Batch) -> Applied:
        for attempt in range(_MOST_ATTEMPTS):
            try:
                return await apply_batch(self._connection, self._live, batch, self._places)
            except _PASSING_CONFLICTS:
                if attempt == _MOST_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_FIRST_RETRY_SECONDS * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _refused(self, entry: Entry, error: RowsRefusedError) -> Entry:
        """The entry as one that the view fails on; for every view where the journal cannot hold the event."""
        if entry.event is None:
            raise error
        nothing = (None,) * len(self._live.views)
        if not any(error.is_of(view.tables) for view in self._live.views):
            parked = parked_event(EVERY_VIEW, entry.stored, entry.event, error)
            return entry._replace(journal=None, contributions=nothing, parked=(parked,))
        contributions = tuple(
            given._replace(error=error) if given is not None and error.is_of(view.tables) else given
            for view, given in zip(self._live.views, entry.contributions, strict=True)
        )
        return entry._replace(contributions=contributions)

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
        behind = Counter(
            parked.view for parked in applied.parked if parked.error == BehindParkedError.__name__
        )
        for parked in applied.parked:
            if parked.error != BehindParkedError.__name__:
                self._log.warning(
                    "event_parked",
                    view=parked.view,
                    event_id=parked.event_id,
                    partition=parked.partition,
                    offset=parked.log_offset,
                    error=parked.error,
                    detail=parked.detail,
                )
        for view, events in behind.items():
            self._log.warning("events_parked_behind_others", view=view, events=events)
        if self._log.is_enabled_for(logging.DEBUG):
            for entry in applied.written:
                self._log.debug("event_applied", **_named(entry))


async def _nothing() -> Batch:
    """What a worker without partitions fetches: it waits to be interrupted."""
    await asyncio.Event().wait()
    return Batch((), ())


def _named(entry: Entry) -> dict[str, str | int | None]:
    event = entry.event
    return {
        "event_id": event.id if event else None,
        "source": event.source if event else None,
        "partition": entry.stored.partition,
        "offset": entry.stored.offset,
    }
