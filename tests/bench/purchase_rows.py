"""Events a second that one worker takes up into the view of purchases, of customers with few orders and with many."""

from prometheus_client import CollectorRegistry

from services.projections.migrate import migrate
from shared.log.choose import event_log
from shared.metrics import Metrics
from tests.bench.deployment import Deployment, on_kafka
from tests.bench.environment import PARTITIONS, Bench, database
from tests.bench.measurement import Measure, Outcome, Row, Wanted, interleave
from tests.bench.paused_views import pause_all_but
from tests.bench.projection_rate import LEAST_EVENTS, projected
from tests.bench.purchases import customers, fill, purchases

_EVENTS = 100_000
_FEW_ORDERS, _MANY_ORDERS = 10, 10_000
_OF_FEW, _OF_MANY = "customers of 10 orders", "customers of 10,000 orders"


async def measure(bench: Bench) -> Outcome:
    """The one view alone from two full topics, which differ only in how many customers the purchases are of."""
    events = max(bench.count(_EVENTS), LEAST_EVENTS)
    async with on_kafka(bench, "few") as few, on_kafka(bench, "many") as many:
        for filled, orders in ((few, _FEW_ORDERS), (many, _MANY_ORDERS)):
            bench.say(f"filling a log with {events:,} purchases, {orders:,} of each customer")
            log = event_log(filled.settings, Metrics(CollectorRegistry()))
            await fill(log, purchases(events, customers(max(1, events // orders))))
        contenders = {_OF_FEW: _measure(few, events), _OF_MANY: _measure(many, events)}
        figures = await interleave(contenders, bench.rounds)
    note = f"{events:,} receipts of two lines; rate from the first commit to the last"
    return Outcome(
        (
            Row(f"purchases, {_OF_FEW}", "events/s", figures[_OF_FEW], wanted=Wanted(least=8_000), note=note),
            Row(
                f"purchases, {_OF_MANY}",
                "events/s",
                figures[_OF_MANY],
                figures[_OF_FEW],
                Wanted(least_ratio=1 / 3),
            ),
        )
    )


def _measure(filled: Deployment, events: int) -> Measure:
    async def once() -> float:
        async with database(filled.bench.postgres, "purchases") as url:
            await migrate(url, PARTITIONS)
            await pause_all_but(url, "purchases")
            deployment = Deployment(filled.bench, url, filled.log)
            async with deployment.project() as worker:
                return await projected(url, events, worker)

    return once
