"""A desk where points are redeemed: the API over a log and a database, with a ledger that follows."""

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from services.api.main import api_service
from shared.clock import Clock, system_clock
from shared.http.service import Service
from shared.log.port import EventLog, LogWriter
from shared.metrics import Metrics
from tests.api_reader import settings
from tests.databases import empty_views
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, projection, worker
from tests.strategies import JsonObject

ACCOUNTS = "/v1/loyalty/accounts"


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class Desk:
    """Asks one API process for points. Each request has a key of its own unless one is given."""

    def __init__(self, client: httpx.AsyncClient, service: Service) -> None:
        self.client = client
        self.service = service
        self._keys = itertools.count()

    async def post(
        self, path: str, body: Any, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Posts a body, bytes as they are, below the accounts."""
        named = {"Idempotency-Key": key or f"key-{next(self._keys)}", "Prefer": "wait=10", **(headers or {})}
        if isinstance(body, bytes):
            return await self.client.post(f"{ACCOUNTS}/{path}", content=body, headers=named)
        return await self.client.post(f"{ACCOUNTS}/{path}", json=body, headers=named)

    async def redeem(
        self, points: int, account: str = "M1", key: str | None = None, **members: Any
    ) -> httpx.Response:
        """Asks for a mug."""
        return await self.post(
            f"{account}/redemptions", {"points": points, "reward": "mug", **members}, key=key
        )

    async def hold(
        self, points: int, expires_at: datetime, key: str | None = None, **members: Any
    ) -> httpx.Response:
        """Asks for points to be set aside for account M1."""
        body = {"points": points, "expires_at": expires_at.isoformat(), **members}
        return await self.post("M1/holds", body, key=key)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Reads an address of an answer, or what is below the accounts."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if path.startswith("/") else f"{ACCOUNTS}/{path}"
        return await self.client.get(url, headers=named)


def grant(points: int, number: int = 0, account: str = "M1", **members: Any) -> JsonObject:
    """Points earned, as posted."""
    return {
        "specversion": "1.0",
        "id": f"grant-{account}-{number}",
        "source": "/crm",
        "type": "loyalty.points_earned",
        "time": "2026-01-01T08:00:00Z",
        "channel": "web",
        "data": {"account_id": account, "points": points, "reason": "welcome", "expires_at": None, **members},
    }


def memory_log() -> MemoryLog:
    """A log that a busy machine does not take for one that is away."""
    return MemoryLog(partitions=4, append_timeout_seconds=1)


@asynccontextmanager
async def desk(
    database_url: str, writer: LogWriter, clock: Clock = system_clock, **changes: Any
) -> AsyncIterator[Desk]:
    """A desk that appends with a writer. Nothing projects by itself."""
    metrics = Metrics(CollectorRegistry())
    async with api_service(settings(database_url, **changes), metrics, writer=writer, clock=clock) as service:
        transport = httpx.ASGITransport(service, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api", timeout=60) as client:
            yield Desk(client, service)


@asynccontextmanager
async def ledger(database_url: str, log: EventLog, *events: JsonObject) -> AsyncIterator[None]:
    """A new database whose views follow a log that begins with some events."""
    await empty_views(database_url, partitions=4)
    await append(log, events)
    async with worker(projection(database_url, log)):
        yield


@asynccontextmanager
async def open_desk(
    database_url: str, *events: JsonObject, clock: Clock = system_clock, **changes: Any
) -> AsyncIterator[tuple[Desk, MemoryLog]]:
    """A desk over a log in memory, with a ledger that follows it."""
    log = memory_log()
    async with (
        ledger(database_url, log, *events),
        log.writer() as writer,
        desk(database_url, writer, clock, **changes) as made,
    ):
        yield made, log
