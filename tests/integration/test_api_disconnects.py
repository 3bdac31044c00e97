"""Clients that hang up leave no query behind."""

import asyncio
import resource

import asyncpg

from tests.api_reader import TIMELINE, migrated_reader
from tests.http_server import served
from tests.projecting import eventually, purchase

CLIENTS = 1000
_RUNNING = """
select count(*) from pg_stat_activity
where datname = current_database() and application_name = 'rapport-api' and state = 'active'
    and query like '%live.timeline%'
"""


async def test_a_second_after_1000_clients_hung_up_no_query_of_theirs_runs(database_url: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    # Time-outs far beyond the test's patience, so that it is the hanging up that ends the queries.
    async with migrated_reader(database_url, database_timeout_seconds=60) as reader:
        locking, watching = [await asyncpg.connect(database_url) for _ in range(2)]
        await reader.given(purchase(1))
        async with served(reader.service) as server:
            async with locking.transaction():
                await locking.execute("lock table timeline_g1.timeline in access exclusive mode")
                clients = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(CLIENTS)]
                for _, writer in clients:
                    writer.write(f"GET {TIMELINE} HTTP/1.1\r\nHost: api\r\n\r\n".encode())
                    await writer.drain()
                await eventually(lambda: watching.fetchval(_RUNNING))
                for _, writer in clients:
                    writer.transport.abort()
                await asyncio.sleep(1)  # the bound under test
                assert await watching.fetchval(_RUNNING) == 0
            assert await reader.ids() == ["purchase-1"]
        exposed = (await reader.get("/metrics")).text
        assert (
            'rapport_api_request_seconds_count{route="/v1/customers/{id}/timeline",status="disconnected"}'
            in exposed
        )
    await locking.close()
    await watching.close()
