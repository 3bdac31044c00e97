"""Clients of two APIs over the embedded log spend what is there, and nothing twice (G8, L8)."""

from prometheus_client import CollectorRegistry

from shared.log.embedded import EmbeddedLog
from shared.metrics import Metrics
from tests.redeeming import desk, grant, ledger
from tests.spending import GRANTED, Spending


async def test_g8_200_clients_of_two_apis_on_the_embedded_log_spend_exactly_what_is_there(
    database_url: str,
) -> None:
    log = EmbeddedLog(database_url, Metrics(CollectorRegistry()))
    async with (
        ledger(database_url, log, grant(GRANTED)),
        log.writer() as first,
        log.writer() as second,
        desk(database_url, first) as one,
        desk(database_url, second) as other,
    ):
        spending = Spending([one.client, other.client])
        await spending.run()
        await spending.assert_spent_exactly_once(database_url)
