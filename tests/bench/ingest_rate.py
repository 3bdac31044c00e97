"""Events a second into Kafka, each acknowledged once durable: one event a request, and batches of 100."""

from dataclasses import replace
from functools import partial
from statistics import median

from tests.bench.environment import Bench
from tests.bench.ingest_contenders import OWN_NAIVE, YARDSTICK_NAIVE, ingest_contenders
from tests.bench.measurement import Outcome, Row, Wanted, interleave

_WARM_UP_SECONDS = 2


async def measure_single(bench: Bench) -> Outcome:
    """One event a request over 64 connections."""
    return await _measure(bench, "ingest, one event a request", "one_event.lua", 1, Wanted(least_ratio=2))


async def measure_batches(bench: Bench) -> Outcome:
    """100 events a request over 64 connections."""
    return await _measure(bench, "ingest, 100 events a request", "batch.lua", 100, Wanted(least_ratio=3.5))


async def _measure(bench: Bench, scenario: str, script: str, events: int, wanted: Wanted) -> Outcome:
    async with ingest_contenders(bench) as (contenders, left):
        for contender in contenders:
            await contender.events_a_second(script, events, _WARM_UP_SECONDS)
        figures = await interleave(
            {
                contender.name: partial(contender.events_a_second, script, events, bench.seconds)
                for contender in contenders
            },
            bench.rounds,
        )
    ours, *others = (figures[contender.name] for contender in contenders)
    rows = [
        Row(
            scenario,
            "events/s",
            ours,
            other,
            wanted if other.contender in (OWN_NAIVE, YARDSTICK_NAIVE) else None,
        )
        for other in others
    ]
    costs = ", ".join(f"{one.name} {median(one.microseconds_an_event):.0f} µs" for one in contenders)
    rows[-1] = replace(rows[-1], note=f"processor time an event: {costs}")
    return Outcome(tuple(rows), tuple(left))
