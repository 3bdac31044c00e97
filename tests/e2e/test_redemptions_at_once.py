"""Points are money: clients of two API processes on Kafka spend what is there, and nothing twice (G8, L8)."""

import httpx
import pytest

from tests.e2e.deployment import Deployment, kill
from tests.redeeming import grant
from tests.spending import CLIENTS, GRANTED, Spending, interrupted

pytestmark = pytest.mark.kafka


async def test_g8_200_clients_of_two_api_processes_spend_exactly_what_is_there_though_one_is_killed(
    servers: Deployment,
) -> None:
    with servers.named("spending") as deployed:
        await deployed.prepare()
        ingest, worker = deployed.start("ingest"), deployed.start("project")
        apis = [deployed.start("api") for _ in range(2)]
        for each in (ingest, worker, *apis):
            await each.ready()
        async with httpx.AsyncClient(base_url=ingest.url, timeout=10, trust_env=False) as client:
            assert (await client.post("/v1/events", json=grant(GRANTED))).status_code == 202
        bounds = httpx.Limits(max_connections=CLIENTS)
        async with (
            httpx.AsyncClient(base_url=apis[0].url, timeout=20, trust_env=False, limits=bounds) as one,
            httpx.AsyncClient(base_url=apis[1].url, timeout=20, trust_env=False, limits=bounds) as other,
        ):
            spending = Spending([one, other])

            def killed_and_replaced() -> None:
                kill(apis[0])
                deployed.start_in_place_of(apis[0])

            await interrupted(spending, 60, killed_and_replaced)
        assert spending.retried > 0
        await spending.assert_spent_exactly_once(deployed.database_url)
