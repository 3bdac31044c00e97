"""Events a second into Kafka with two texts each: encrypted as personal data, beside the same texts in plain fields.

With the sender's key checked as well, as in a deployment, beside an ingest that asks nobody for a key.
"""

import os
from collections.abc import Mapping
from functools import partial
from statistics import median
from typing import Final, NamedTuple

from shared.credentials.token import new_key
from tests.bench.environment import Bench
from tests.bench.ingest_contenders import IngestContender, our_ingest
from tests.bench.measurement import Outcome, Row, Wanted, interleave

_SCRIPT: Final = "contact.lua"
_WARM_UP_SECONDS: Final = 4  # in which every customer comes up, and gets a key
_PLAIN, _ENCRYPTED, _ASKED = "texts in plain", "texts encrypted", "texts encrypted, keys checked"


class _Kind(NamedTuple):
    ingest: IngestContender
    environment: Mapping[str, str]

    async def events_a_second(self, seconds: int) -> float:
        return await self.ingest.events_a_second(_SCRIPT, 1, seconds, self.environment)


async def measure(bench: Bench) -> Outcome:
    """One event a request over 64 connections, of 10,000 customers, whose keys are made during the warm-up."""
    key = new_key("source", os.urandom)
    async with our_ingest(bench) as open_to_all, our_ingest(bench, key) as asking:
        kinds = {
            _PLAIN: _Kind(open_to_all, {"BENCH_TEXTS": "0"}),
            _ENCRYPTED: _Kind(open_to_all, {"BENCH_TEXTS": "1"}),
            _ASKED: _Kind(asking, {"BENCH_TEXTS": "1", "BENCH_KEY": key.token}),
        }
        for kind in kinds.values():
            await kind.events_a_second(_WARM_UP_SECONDS)
        for ingest in (open_to_all, asking):
            ingest.microseconds_an_event.clear()
        figures = await interleave(
            {name: partial(kind.events_a_second, bench.seconds) for name, kind in kinds.items()}, bench.rounds
        )
    costs = open_to_all.microseconds_an_event
    told = {_PLAIN: costs[::2], _ENCRYPTED: costs[1::2], _ASKED: asking.microseconds_an_event}
    note = "processor time an event: " + ", ".join(
        f"{name} {median(each):.0f} µs" for name, each in told.items()
    )
    wanted = Wanted(least_ratio=0.6)
    return Outcome(
        (
            Row(
                "ingest, two encrypted fields", "events/s", figures[_ENCRYPTED], figures[_PLAIN], wanted, note
            ),
            Row("the same, keys checked", "events/s", figures[_ASKED], figures[_PLAIN], wanted, note),
        ),
        (),
    )
