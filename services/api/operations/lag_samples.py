"""How far views were behind the log in the last quarter of an hour, as all API processes together saw it.

One of them looks every few seconds, whichever comes first, and all read what it found: so a process that has just begun
knows what the others saw, and one that ends is not missed. Memory is bounded. What no look found out is unknown, never
0; where nobody looked there is a gap.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog

from services.api.database import DatabaseUnavailableError
from services.api.operations.sample import Sample, Step, steps_of
from services.api.operations.sample_table import KEPT, MOST_SAMPLES, SharedSamples
from shared.clock import Clock

PAUSE_SECONDS: Final = 5.0
_HELD_SECONDS: Final = 20.0
_LOOKS_TO_BE_UNKNOWN: Final = 2
_RATE_SAMPLES: Final = 7
_RATE_SECONDS: Final = 40.0
_OVERLAP: Final = timedelta(seconds=30)
"""Rows are read again for so long: one may have been committed after a later one, or have been improved."""
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING_KNOWN: Final = "the event log was not looked at yet; ask again in some seconds"

_log = structlog.get_logger("rapport.api")


class _Table(Protocol):
    async def since(self, slot: datetime, now: datetime) -> SharedSamples: ...

    async def add(self, sample: Sample) -> None: ...


class _Look(Protocol):
    async def take(self) -> Sample: ...

    async def close(self) -> None: ...


class LagSamples:
    """Keeps the newest samples at hand, and takes one where nobody else has. `look` is closed in the end."""

    def __init__(
        self, table: _Table, look: _Look, clock: Clock, *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._table = table
        self._look = look
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._by_slot: dict[datetime, Sample] = {}
        self._samples: list[Sample] = []
        self._from_slot = _BEGINNING
        self._trouble: str | None = None
        self._shares = True

    async def run(self) -> None:
        """Follows until cancelled, through outages of what it looks at."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while True:
                await self.follow()
                due = max(due + self._pause_seconds, loop.time())
                await asyncio.sleep(due - loop.time())
        finally:
            await self._look.close()

    async def follow(self) -> None:
        """Reads what others found, and looks where nobody did: each of its steps within the time-outs of the database
        and of `LagLook`. Raises nothing but cancellation; for one task at a time.
        """
        try:
            if not await self._read():
                sample = await self._look.take()
                if await self._added(sample):
                    await self._read()
                else:
                    self._hold({sample.at: sample})
        except Exception as error:  # noqa: BLE001 - what fails is unknown for now, and the service goes on
            self._trouble = str(error) or type(error).__name__
        else:
            self._trouble = None

    def now(self) -> Sample:
        """The newest sample; one that knows nothing where the newest is too old to hold.

        One that did not reach the log is not preferred to one of just before that did: processes may differ in that.
        """
        now = self._clock()
        if self._trouble is not None:
            return Sample(now, {}, self._trouble, {})
        newest = self._samples[-1] if self._samples else None
        if newest is None or (now - newest.at).total_seconds() > _HELD_SECONDS:
            return Sample(now, {}, _NOTHING_KNOWN, {})
        since = now - timedelta(seconds=_LOOKS_TO_BE_UNKNOWN * self._pause_seconds)
        known = (each for each in reversed(self._samples) if each.log_error is None and each.at > since)
        return next(known, newest)

    def behind_seconds(self) -> float | None:
        """By how much the view that is furthest behind is, in seconds; None where that is not known of any."""
        known = [each.seconds for each in self.now().views.values() if each.seconds is not None]
        return round(max(known), 1) if known else None

    def rate(self, view: str) -> float | None:
        """Events a second that the view moved on by in the last half minute; None where fewer than two samples tell."""
        newest = self.now()
        known = [
            (each.at, each.views[view].applied)
            for each in self._samples[-_RATE_SAMPLES:]
            if view in each.views and (newest.at - each.at).total_seconds() <= _RATE_SECONDS
        ]
        if len(known) < 2 or newest.views.get(view) is None:  # noqa: PLR2004 - two ends
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

    async def _read(self) -> bool:
        """Takes over what the table has that is new; whether somebody who reached the log looked in this slot."""
        shared = await self._table.since(self._from_slot, self._clock())
        self._hold({each.slot: each.sample for each in shared.rows})
        for each in shared.rows:
            self._from_slot = max(self._from_slot, each.slot - _OVERLAP)
        return shared.looked

    def _hold(self, found: Mapping[datetime, Sample]) -> None:
        """Puts samples beside those at hand, and forgets what is too old, or too much."""
        oldest = self._clock() - KEPT
        by_time = sorted({**self._by_slot, **found}.items(), key=lambda held: held[1].at)
        self._by_slot = {slot: sample for slot, sample in by_time[-MOST_SAMPLES:] if sample.at >= oldest}
        self._samples = list(self._by_slot.values())

    async def _added(self, sample: Sample) -> bool:
        """Whether others can read it. Where only a standby answers they cannot, and it is known here alone."""
        try:
            await self._table.add(sample)
        except DatabaseUnavailableError as error:
            if self._shares:
                _log.warning("lag_sample_not_shared", detail=str(error))
            self._shares = False
        else:
            self._shares = True
        return self._shares
