"""Samples of how far views are behind: shared by all who look, the worst of each step, what is not known stays so."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from services.api.database import Database, DatabaseUnavailableError
from services.api.operations.lag_look import LagLook
from services.api.operations.lag_samples import LagSamples
from services.api.operations.sample import STEPS, Sample, Step, ViewLag, steps_of
from shared.log.port import NewRecord
from tests.fakes.memory_log import MemoryLog
from tests.fakes.memory_samples import MemorySamples
from tests.redeeming import Hand

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)


class Positions:
    """A database that answers where one view stands, or is away."""

    def __init__(self, position: int | None) -> None:
        self.position = position
        self.reads = 0

    async def read(self, query: Callable[[Any], Awaitable[Any]]) -> Any:
        self.reads += 1
        if self.position is None:
            raise DatabaseUnavailableError("PostgreSQL cannot be read now")
        return await query(self)

    async def fetch(self, _statement: str) -> list[dict[str, Any]]:
        return [{"view": "timeline", "partition": 0, "position": self.position}]


class Deployment:
    """Processes of an API that share a table, at one time; each has its own way to the log."""

    def __init__(self, position: int | None = 0) -> None:
        self.clock = Hand(NOW)
        self.database = Positions(position)
        self.table = MemorySamples(self.clock)

    def process(self, log: MemoryLog | None = None) -> LagSamples:
        look = LagLook(cast("Database", self.database), log or MemoryLog(1), self.clock)
        return LagSamples(self.table, look, self.clock)


def sample(seconds_ago: float, events: int | None) -> Sample:
    lag = ViewLag(events, None if events is None else float(events), 0)
    return Sample(NOW - timedelta(seconds=seconds_ago), {}, None, {"timeline": lag})


async def waiting(events: int) -> MemoryLog:
    log = MemoryLog(1)
    async with log.writer() as writer:
        await writer.append([NewRecord(b"k", b"{}")] * events)
    return log


async def test_a_look_tells_events_that_wait_and_the_rate_between_looks() -> None:
    deployed = Deployment()
    samples = deployed.process(await waiting(30))
    await samples.follow()
    assert samples.now().views["timeline"].events == 30
    assert samples.rate("timeline") is None
    deployed.database.position = 20
    deployed.clock.move(seconds=5)
    await samples.follow()
    assert samples.now().views["timeline"].events == 10
    assert samples.rate("timeline") == samples.fastest() == 4.0
    deployed.clock.move(minutes=5)
    await samples.follow()
    assert samples.rate("timeline") is None


async def test_two_processes_take_one_sample_in_five_seconds_and_know_the_same() -> None:
    deployed, log = Deployment(), await waiting(3)
    one, other = deployed.process(log), deployed.process(log)
    for _ in range(4):
        await one.follow()
        await other.follow()
        deployed.clock.move(seconds=5)
    assert (len(deployed.table.rows), deployed.database.reads) == (4, 4)
    assert one.steps("timeline")[-1] == Step(3, None)
    assert one.steps("timeline") == other.steps("timeline")


async def test_a_process_that_has_just_begun_knows_what_was_before_and_one_that_ended_is_not_missed() -> None:
    deployed, log = Deployment(), await waiting(3)
    ended, left = deployed.process(log), deployed.process(log)
    for _ in range(3):
        await ended.follow()
        await left.follow()
        deployed.clock.move(seconds=15)
    for _ in range(3):
        await left.follow()
        deployed.clock.move(seconds=15)
    begun = deployed.process()
    await begun.follow()
    assert [each.events for each in begun.steps("timeline")[-6:]] == [3] * 6
    assert begun.now().views["timeline"].events == 0


async def test_where_nobody_looked_there_is_a_gap() -> None:
    deployed = Deployment()
    await deployed.process().follow()
    deployed.clock.move(minutes=5)
    begun = deployed.process()
    assert begun.now().views == {}
    await begun.follow()
    assert [each.events for each in begun.steps("timeline")[-21:]] == [None, 0, *[None] * 18, 0]


async def test_a_process_that_cannot_reach_the_log_does_not_hide_what_another_sees() -> None:
    deployed, gone = Deployment(), await waiting(3)
    gone.go_away()
    blind, seeing = deployed.process(gone), deployed.process(await waiting(3))
    for _ in range(3):
        await blind.follow()
        await seeing.follow()
        deployed.clock.move(seconds=5)
    await blind.follow()
    assert blind.now().views["timeline"].events == 3
    assert [each.log_error for each in deployed.table.rows.values()][:3] == [None] * 3


async def test_what_cannot_be_shared_is_known_to_who_looked() -> None:
    deployed = Deployment()
    deployed.table.writable = False
    samples = deployed.process(await waiting(3))
    for _ in range(2):
        await samples.follow()
        assert samples.now().views["timeline"].events == 3
        deployed.clock.move(seconds=5)
    assert deployed.table.rows == {}


async def test_a_stopped_projection_is_told_by_how_far_the_view_furthest_behind_is() -> None:
    deployed = Deployment(None)
    samples = deployed.process()
    assert samples.behind_seconds() is None
    await samples.follow()
    assert samples.behind_seconds() is None
    behind = {
        "timeline": ViewLag(3, 4.04, 0),
        "tasks": ViewLag(9, 61.25, 0),
        "loyalty": ViewLag(None, None, 0),
    }
    await deployed.table.add(Sample(NOW, {}, None, behind))
    await samples.follow()
    assert samples.behind_seconds() == 61.2


async def test_away_means_unknown_and_an_old_look_holds_no_longer() -> None:
    deployed, log = Deployment(), MemoryLog(1)
    samples = deployed.process(log)
    assert samples.now().views == {}
    await samples.follow()
    assert samples.now().views["timeline"].events == 0
    log.go_away()
    for _ in range(2):
        deployed.clock.move(seconds=5)
        await samples.follow()
    assert (samples.now().views["timeline"].events, samples.now().head) == (None, {})
    assert samples.now().log_error
    log.come_back()
    deployed.table.readable = False
    await samples.follow()
    assert samples.now().views == {}
    assert samples.now().log_error == "PostgreSQL cannot be read now"
    deployed.table.readable = True
    await samples.follow()
    assert samples.now().views["timeline"].events == 0
    deployed.clock.move(seconds=21)
    assert samples.now().views == {}
    assert samples.rate("timeline") is None


async def test_however_often_it_looks_it_keeps_a_quarter_of_an_hour() -> None:
    deployed = Deployment()
    samples = deployed.process()
    for _ in range(400):
        await samples.follow()
        deployed.clock.move(seconds=5)
    assert 180 <= len(samples._samples) <= 200


def test_a_step_has_the_worst_of_its_samples() -> None:
    steps = steps_of([sample(14, 2), sample(10, 7), sample(5, None), sample(20, 1)], "timeline", NOW)
    assert (len(steps), steps[-1], steps[-2]) == (STEPS, Step(7, 7.0), Step(1, 1.0))
    assert steps[:-2] == [Step(None, None)] * (STEPS - 2)


def test_a_sample_from_before_counts_for_nothing() -> None:
    assert steps_of([sample(901, 5)], "timeline", NOW) == [Step(None, None)] * STEPS
