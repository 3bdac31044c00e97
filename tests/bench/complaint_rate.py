"""Events a second that one worker folds into the view of complaints, alone and among all views."""

from prometheus_client import CollectorRegistry

from services.projections.migrate import migrate
from shared.log.choose import event_log
from shared.metrics import Metrics
from tests.bench.complaint_events import complaint_events
from tests.bench.deployment import Deployment, on_kafka
from tests.bench.environment import PARTITIONS, Bench, database
from tests.bench.measurement import Measure, Outcome, Row, Wanted, interleave
from tests.bench.paused_views import pause_all_but
from tests.bench.projection_rate import LEAST_EVENTS, projected
from tests.bench.purchases import customers, fill

_EVENTS = 200_000
_CUSTOMERS = 10_000
_ALONE = "complaints alone"
_TOGETHER = "all views"


async def measure(bench: Bench) -> Outcome:
    """One worker process over the same full topic, once with the one view and once with every declared view."""
    events = max(bench.count(_EVENTS), LEAST_EVENTS)
    async with on_kafka(bench, "complaints") as filled:
        bench.say(f"filling the log with {events:,} events of complaints")
        log = event_log(filled.settings, Metrics(CollectorRegistry()))
        await fill(log, complaint_events(events, customers(_CUSTOMERS)))
        contenders = {
            _ALONE: _measure(filled, events, alone=True),
            _TOGETHER: _measure(filled, events, alone=False),
        }
        figures = await interleave(contenders, bench.rounds)
    note = f"{events:,} events of whole lives, 2,000 complaints open at a time; rate from the first commit to the last"
    return Outcome(
        (
            Row("complaints, from Kafka", "events/s", figures[_ALONE], wanted=Wanted(least=8_000), note=note),
            Row("complaints and all other views", "events/s", figures[_TOGETHER]),
        )
    )


def _measure(filled: Deployment, events: int, *, alone: bool) -> Measure:
    async def once() -> float:
        async with database(filled.bench.postgres, "complaints") as url:
            await migrate(url, PARTITIONS)
            deployment = Deployment(filled.bench, url, filled.log)
            if alone:
                await pause_all_but(url, "complaints")
            async with deployment.project() as worker:
                return await projected(url, events, worker)

    return once
