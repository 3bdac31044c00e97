"""The table of lag samples in memory: shared by those who are given it, by the clock of a test, or away."""

from datetime import datetime, timedelta

from services.api.database import DatabaseUnavailableError
from services.api.operations.sample import Sample
from services.api.operations.sample_table import SharedSample, SharedSamples
from shared.clock import Clock


class MemorySamples:
    """A slot has one sample; one that did not reach the log gives way to one that did."""

    def __init__(self, clock: Clock, slot: timedelta = timedelta(seconds=5)) -> None:
        self.rows: dict[datetime, Sample] = {}
        self.readable = self.writable = True
        self._clock = clock
        self._slot = slot

    async def since(self, slot: datetime, now: datetime) -> SharedSamples:
        assert now == self._clock()
        if not self.readable:
            raise DatabaseUnavailableError("PostgreSQL cannot be read now")
        rows = [SharedSample(each, sample) for each, sample in sorted(self.rows.items()) if each >= slot]
        held = self.rows.get(self._now())
        return SharedSamples(rows, held is not None and held.log_error is None)

    async def add(self, sample: Sample) -> None:
        if not self.writable:
            raise DatabaseUnavailableError("PostgreSQL cannot be read now (ReadOnlySQLTransactionError)")
        held = self.rows.get(self._now())
        if held is None or (held.log_error is not None and sample.log_error is None):
            self.rows[self._now()] = sample

    def _now(self) -> datetime:
        now = self._clock()
        return now - (now - datetime(1970, 1, 1, tzinfo=now.tzinfo)) % self._slot
