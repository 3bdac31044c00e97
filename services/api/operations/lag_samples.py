"""How far views were behind the log in the last quarter of an hour, as one process saw it every few seconds.

Memory is bounded: so many samples a view. What a look did not find out is unknown, never 0. Another replica has samples
of its own, and one that has just begun has few.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog

from services.api.database import Database
from services.projections.sight.lag import LagReader, total_events, total_seconds
from services.projections.sight.positions import Positions
from shared.clock import Clock
from shared.log.port import EventLog, LogReader, LogUnavailableError

PAUSE_SECONDS: Final = 5.0
STEP_SECONDS: Final = 15
STEPS: Final = 60
_HELD_SECONDS: Final = 20.0
_KEPT: Final = int(STEPS * STEP_SECONDS / PAUSE_SECONDS) + 4
_LOG_SECONDS: Final = 10.0
_RATE_SAMPLES: Final = 7
_NOTHING_KNOWN: Final = "the event log was not looked at yet; ask again in some seconds"
_POSITIONS: Final = "select view, partition, position from control.view_positions"


class ViewLag(NamedTuple):
    """One view at one moment; None is what is not known. `applied` is the sum of its positions."""

    events: int | None
    seconds: float | None
    applied: int


class Sample(NamedTuple):
    """One look. `head` is where the log ends, empty where that is not known, and `log_error` says why."""

    at: datetime
    head: Positions
    log_error: str | None
    views: Mapping[str, ViewLag]


class Step(NamedTuple):
    """The worst of some seconds, None where no sample of them knows it."""

    events: int | None
    seconds: float | None


class LagSamples:
    """Takes the samples, and keeps the newest."""

    def __init__(
        self, database: Database, log: EventLog, clock: Clock, *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._samples: deque[Sample] = deque(maxlen=_KEPT)
        self._opened = AsyncExitStack()
        self._reader: LogReader | None = None
        self._lag_reader: LagReader | None = None

    async def run(self) -> None:
        """Looks until cancelled, through outages of what it looks at."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(self._pause_seconds)
        finally:
            await self._close_reader()

    async def look(self) -> None:
        """One look, of 12 s at most. Raises nothing but cancellation; for one task at a time."""
        try:
            positions = await self._database.read(_positions)
            head, trouble, views = await self._behind(positions)
        except Exception as error:  # noqa: BLE001 - what fails is unknown for now, and the service goes on
            await self._close_reader()
            self._samples.append(Sample(self._clock(), {}, str(error) or type(error).__name__, {}))
        else:
            self._samples.append(Sample(self._clock(), head, trouble, views))

    def now(self) -> Sample:
        """The newest sample; one that knows nothing where the newest is too old to hold."""
        now = self._clock()
        newest = self._samples[-1] if self._samples else None
        if newest is None or (now - newest.at).total_seconds() > _HELD_SECONDS:
            return Sample(now, {}, _NOTHING_KNOWN, {})
        return newest

    def behind_seconds(self) -> float | None:
        """By how much the view that is furthest behind is, in seconds; None where that is not known of any."""
        known = [each.seconds for each in self.now().views.values() if each.seconds is not None]
        return round(max(known), 1) if known else None

    def rate(self, view: str) -> float | None:
        """Events a second that the view moved on by in the last half minute; None where fewer than two samples tell."""
        known = [
            (each.at, each.views[view].applied)
            for each in list(self._samples)[-_RATE_SAMPLES:]
            if view in each.views
        ]
        if len(known) < 2 or self.now().views.get(view) is None:  # noqa: PLR2004 - two ends
            return None
        (first_at, first), (last_at, last) = known[0], known[-1]
        seconds = (last_at - first_at).total_seconds()
        return max(0, last - first) / seconds if seconds > 0 else None

    def fastest(self) -> float | None:
        """The rate of the view that moves fastest, which is how fast events are applied; None where none is known."""
        rates = [self.rate(view) for view in self.now().views]
        return max((each for each in rates if each is not None), default=None)

    def steps(self, view: str) -> list[Step]:
        """The last quarter of an hour, oldest first, in `STEPS` steps of `STEP_SECONDS`."""
        return steps_of(self._samples, view, self._clock())

    async def _behind(
        self, positions: Mapping[str, Positions]
    ) -> tuple[Positions, str | None, dict[str, ViewLag]]:
        try:
            async with asyncio.timeout(_LOG_SECONDS):
                if self._reader is None or self._lag_reader is None:
                    self._reader = await self._opened.enter_async_context(self._log.reader())
                    self._lag_reader = LagReader(self._reader)
                partitions = sorted({partition for own in positions.values() for partition in own})
                bounds = await self._reader.bounds(partitions)
                lags = await self._lag_reader.lags(bounds, positions)
        except (LogUnavailableError, TimeoutError) as error:
            await self._close_reader()
            reason = str(error) or "the event log did not answer in time"
            unknown = {view: ViewLag(None, None, sum(own.values())) for view, own in positions.items()}
            return {}, reason, unknown
        now = self._clock()
        found = {
            view: ViewLag(
                total_events(own.values()), total_seconds(own.values(), now), sum(positions[view].values())
            )
            for view, own in lags.items()
        }
        return {partition: held.end for partition, held in bounds.items()}, None, found

    async def _close_reader(self) -> None:
        self._reader = self._lag_reader = None
        try:
            await self._opened.aclose()
        except Exception as error:  # noqa: BLE001 - what it read from is away
            structlog.get_logger("rapport.api").debug("reader_not_closed", detail=str(error))


def steps_of(samples: Sequence[Sample], view: str, now: datetime) -> list[Step]:
    """Of each step the worst that its samples know, oldest first. Pure."""
    begins = now - timedelta(seconds=STEPS * STEP_SECONDS)
    events: list[list[int]] = [[] for _ in range(STEPS)]
    seconds: list[list[float]] = [[] for _ in range(STEPS)]
    for sample in samples:
        step = int((sample.at - begins).total_seconds() // STEP_SECONDS)
        lag = sample.views.get(view)
        if lag is None or sample.at < begins:
            continue
        step = min(step, STEPS - 1)
        if lag.events is not None:
            events[step].append(lag.events)
        if lag.seconds is not None:
            seconds[step].append(lag.seconds)
    return [
        Step(max(some, default=None), max(others, default=None))
        for some, others in zip(events, seconds, strict=True)
    ]


async def _positions(connection: Any) -> dict[str, Positions]:
    found: dict[str, Positions] = {}
    for row in await connection.fetch(_POSITIONS):
        found.setdefault(row["view"], {})[row["partition"]] = row["position"]
    return found
