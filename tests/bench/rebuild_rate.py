"""Events a second that `rapport rebuild --all --workers 2` takes from start to end, and how its cost grows."""

from contextlib import AsyncExitStack
from statistics import median

from tests.bench.environment import Bench
from tests.bench.measurement import Figures, Outcome, Row, Wanted, interleave
from tests.bench.projection_rate import from_library
from tests.bench.rebuilding import Rebuilt, projected

_EVENTS = 1_000_000
_GROWTH = (100_000, 250_000, 1_000_000)
_LARGE = 10_000_000
_WORKERS = ("--workers", "2")
_OURS = "rapport rebuild --all --workers 2"
_LIBRARY = "eventsourcing, a transaction an event"


async def measure(bench: Bench) -> Outcome:
    """The whole command and its longest step, beside the library's projection."""
    runs: list[Rebuilt] = []
    async with projected(bench, bench.count(_EVENTS)) as views, from_library(bench) as library:

        async def whole() -> float:
            runs.append(await views.rebuild(*_WORKERS))
            return runs[-1].rate

        figures = await interleave({_OURS: whole, _LIBRARY: library}, bench.rounds)
    ours, theirs = figures[_OURS], figures[_LIBRARY]
    note = f"{views.events:,} purchases; seconds: " + ", ".join(
        f"{doing} {median(run.steps[doing] for run in runs):.1f}" for doing in runs[0].steps
    )
    reading = Figures(_OURS, tuple(run.reading_rate for run in runs))
    return Outcome(
        (
            Row("rebuild, the whole command", "events/s", ours, None, Wanted(least=30_000), note),
            Row("rebuild, beside the library's projection", "events/s", ours, theirs, Wanted(least_ratio=20)),
            Row("rebuild, reading and folding", "events/s", reading, theirs, Wanted(least_ratio=20)),
        )
    )


async def measure_growth(bench: Bench) -> Outcome:
    """What an event costs among more of them, and the largest worker's memory at 4 times as many."""
    counts = [bench.count(each) for each in _GROWTH]
    runs: dict[int, list[Rebuilt]] = {count: [] for count in counts}
    async with AsyncExitStack() as stack:
        views = [await stack.enter_async_context(projected(bench, count)) for count in counts]
        for _ in range(bench.rounds):
            for each in views:
                runs[each.events].append(await each.rebuild(*_WORKERS))
    small, quarter, full = (runs[count] for count in counts)
    rates = ", ".join(
        f"{count:,} events: {median(run.rate for run in found):,.0f} a second, {_reading(found):,.0f} reading"
        for count, found in runs.items()
    )
    memory = f"{_mebibytes(quarter):.0f} MiB with {counts[1]:,} events, {_mebibytes(full):.0f} MiB with 4 times as many"
    cost = tuple(few.reading_rate / many.reading_rate for few, many in zip(small, full, strict=True))
    grown = tuple(
        many.worker_mebibytes / few.worker_mebibytes for few, many in zip(quarter, full, strict=True)
    )
    return Outcome(
        (
            Row("rebuild, cost of an event among 10 times as many", "x", Figures(_OURS, cost), note=rates),
            Row(
                "rebuild, memory with 4 times the events",
                "x",
                Figures(_OURS, grown),
                None,
                Wanted(most=1.2),
                memory,
            ),
        )
    )


async def measure_large(bench: Bench) -> Outcome:
    """Ten million events, once: for a machine with an hour and 60 GB to spare, so only when asked for by name."""
    async with projected(bench, bench.count(_LARGE)) as views:
        run = await views.rebuild(*_WORKERS)
    note = f"{views.events:,} purchases; {run.worker_mebibytes:.0f} MiB a worker; seconds: " + ", ".join(
        f"{doing} {took:.1f}" for doing, took in run.steps.items()
    )
    return Outcome(
        (Row("rebuild of 10 million, the whole command", "events/s", Figures(_OURS, (run.rate,)), note=note),)
    )


def _reading(runs: list[Rebuilt]) -> float:
    return median(run.reading_rate for run in runs)


def _mebibytes(runs: list[Rebuilt]) -> float:
    return median(run.worker_mebibytes for run in runs)
