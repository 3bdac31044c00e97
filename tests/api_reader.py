"""The query API over a real database, asked without a network or over a port."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
from prometheus_client import CollectorRegistry

from services.api.main import api_service
from shared.clock import Clock, system_clock
from shared.credentials.access import Access
from shared.http.service import Service
from shared.identifiers import customer_id_of
from shared.metrics import Metrics
from shared.position import Position
from shared.settings import Settings
from tests.databases import empty_views
from tests.fakes.memory_key_store import MASTER_KEY
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, end_of, projection, reached, worker
from tests.strategies import PARTY_IDS, JsonObject

PEPPER = "a pepper for tests alone"  # the one behind PARTY_IDS
M1, M2 = PARTY_IDS.of("member", "M1"), PARTY_IDS.of("member", "M2")
CUSTOMER = customer_id_of(M1)
TIMELINE = f"/v1/customers/{CUSTOMER}/timeline"


def settings(database_url: str, **changes: Any) -> Settings:
    """Settings of an API under test, with the pepper that the events of the tests were recorded with."""
    given = {"database_url": database_url, "identifier_pepper": PEPPER, "master_key": MASTER_KEY}
    return Settings(**(given | changes))


class Reader:
    """Asks an API, and gives its views events through the projection worker."""

    def __init__(
        self,
        database_url: str,
        service: Service,
        client: httpx.AsyncClient,
        metrics: Metrics,
        log: MemoryLog,
    ) -> None:
        self.database_url = database_url
        self.service = service
        self.client = client
        self.metrics = metrics
        self.log = log

    async def given(self, *events: JsonObject) -> Position:
        """Waits until the views have the events; answers their position."""
        await append(self.log, events)
        connection = await asyncpg.connect(self.database_url)
        async with worker(projection(self.database_url, self.log)):
            await reached(connection, end_of(self.log))
        await connection.close()
        return end_of(self.log)

    async def get(
        self, path: str = TIMELINE, headers: Mapping[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        """The answer; `from_` stands for `from`."""
        parameters = {name.rstrip("_"): value for name, value in query.items()}
        return await self.client.get(path, headers=headers, params=parameters)

    async def ids(self, **query: Any) -> list[str]:
        """The event ids of one page."""
        answer = await self.get(**query)
        assert answer.status_code == 200, answer.text
        return [item["event_id"] for item in answer.json()["items"]]


@asynccontextmanager
async def reader(
    database_url: str, *, clock: Clock = system_clock, access: Access | None = None, **changes: Any
) -> AsyncIterator[Reader]:
    """A reader of a database, migrated or not, that may be away; it lets in by the keys there unless told by which."""
    metrics = Metrics(CollectorRegistry())
    log = MemoryLog()
    async with (
        log.writer() as writer,
        api_service(
            settings(database_url, **changes), metrics, writer=writer, log=log, access=access, clock=clock
        ) as service,
    ):
        transport = httpx.ASGITransport(service, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api", timeout=60) as client:
            yield Reader(database_url, service, client, metrics, log)


@asynccontextmanager
async def migrated_reader(
    database_url: str, *, clock: Clock = system_clock, access: Access | None = None, **changes: Any
) -> AsyncIterator[Reader]:
    """A reader of a database with empty views."""
    await empty_views(database_url, partitions=4)
    async with reader(database_url, clock=clock, access=access, **changes) as made:
        yield made
