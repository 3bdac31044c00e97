"""Samples of how far views are behind: the worst of each step, what is not known stays so, and memory is bounded."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from services.api.database import Database, DatabaseUnavailableError
from services.api.operations.lag_samples import STEPS, LagSamples, Sample, Step, ViewLag, steps_of
from shared.log.port import NewRecord
from tests.fakes.memory_log import MemoryLog

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)


class Positions:
    """A database that answers where one view stands, or is away."""

    def __init__(self, position: int | None) -> None:
        self.position = position

    async def read(self, query: Callable[[Any], Awaitable[Any]]) -> Any:
        if self.position is None:
            raise DatabaseUnavailableError("PostgreSQL cannot be read now")
        return await query(self)

    async def fetch(self, _statement: str) -> list[dict[str, Any]]:
        return [{"view": "timeline", "partition": 0, "position": self.position}]


class Hand:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def taken(database: Positions, log: MemoryLog, clock: Hand) -> LagSamples:
    return LagSamples(cast("Database", database), log, clock)


def sample(seconds_ago: float, events: int | None) -> Sample:
    lag = ViewLag(events, None if events is None else float(events), 0)
    return Sample(NOW - timedelta(seconds=seconds_ago), {}, None, {"timeline": lag})


async def test_a_look_tells_events_that_wait_and_the_rate_between_looks() -> None:
    database, log, clock = Positions(0), MemoryLog(1), Hand()
    async with log.writer() as writer:
        await writer.append([NewRecord(b"k", b"{}")] * 30)
    samples = taken(database, log, clock)
    await samples.look()
    assert samples.now().views["timeline"].events == 30
    assert samples.rate("timeline") is None
    database.position, clock.now = 20, NOW + timedelta(seconds=5)
    await samples.look()
    assert samples.now().views["timeline"].events == 10
    assert samples.rate("timeline") == 4.0


async def test_a_stopped_projection_is_told_by_how_far_the_view_furthest_behind_is() -> None:
    clock = Hand()
    samples = taken(Positions(None), MemoryLog(1), clock)
    assert samples.behind_seconds() is None
    await samples.look()
    assert samples.behind_seconds() is None
    behind = {
        "timeline": ViewLag(3, 4.04, 0),
        "tasks": ViewLag(9, 61.25, 0),
        "loyalty": ViewLag(None, None, 0),
    }
    samples._samples.append(Sample(NOW, {}, None, behind))
    assert samples.behind_seconds() == 61.2


async def test_away_means_unknown_and_an_old_look_holds_no_longer() -> None:
    database, log, clock = Positions(0), MemoryLog(1), Hand()
    samples = taken(database, log, clock)
    assert samples.now().views == {}
    await samples.look()
    assert samples.now().views["timeline"].events == 0
    log.go_away()
    await samples.look()
    assert (samples.now().views["timeline"].events, samples.now().head) == (None, {})
    assert samples.now().log_error
    log.come_back()
    database.position = None
    await samples.look()
    assert samples.now().views == {}
    assert samples.now().log_error == "PostgreSQL cannot be read now"
    database.position = 0
    await samples.look()
    clock.now = NOW + timedelta(seconds=21)
    assert samples.now().views == {}
    assert samples.rate("timeline") is None


async def test_however_often_it_looks_it_keeps_a_quarter_of_an_hour() -> None:
    samples = taken(Positions(0), MemoryLog(1), Hand())
    for _ in range(500):
        await samples.look()
    assert len(samples._samples) < 200


def test_a_step_has_the_worst_of_its_samples() -> None:
    steps = steps_of([sample(14, 2), sample(10, 7), sample(5, None), sample(20, 1)], "timeline", NOW)
    assert (len(steps), steps[-1], steps[-2]) == (STEPS, Step(7, 7.0), Step(1, 1.0))
    assert steps[:-2] == [Step(None, None)] * (STEPS - 2)


def test_a_sample_from_before_counts_for_nothing() -> None:
    assert steps_of([sample(901, 5)], "timeline", NOW) == [Step(None, None)] * STEPS
