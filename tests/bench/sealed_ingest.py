"""Events a second into Kafka with two texts each: encrypted as personal data, beside the same texts in plain fields."""

from functools import partial
from statistics import median

from tests.bench.environment import Bench
from tests.bench.ingest_contenders import IngestContender, our_ingest
from tests.bench.measurement import Outcome, Row, Wanted, interleave

_SCRIPT = "contact.lua"
_WARM_UP_SECONDS = 4  # in which every customer comes up, and gets a key


async def measure(bench: Bench) -> Outcome:
    """One event a request over 64 connections, of 10,000 customers, whose keys are made during the warm-up."""
    async with our_ingest(bench) as ingest:
        kinds = {"texts encrypted": "1", "texts in plain": "0"}
        loads = {
            name: partial(_events_a_second, ingest, personal, bench.seconds)
            for name, personal in kinds.items()
        }
        for personal in kinds.values():
            await _events_a_second(ingest, personal, _WARM_UP_SECONDS)
        ingest.microseconds_an_event.clear()
        figures = await interleave(loads, bench.rounds)
    sealed, plain = figures.values()
    costs = ingest.microseconds_an_event
    note = (
        f"processor time an event: encrypted {median(costs[::2]):.0f} µs, plain {median(costs[1::2]):.0f} µs"
    )
    row = Row("ingest, two encrypted fields", "events/s", sealed, plain, Wanted(least_ratio=0.6), note=note)
    return Outcome((row,), ())


async def _events_a_second(ingest: IngestContender, personal: str, seconds: int) -> float:
    return await ingest.events_a_second(_SCRIPT, 1, seconds, {"BENCH_TEXTS": personal})
