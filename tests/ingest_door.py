"""The ingest service over a log in memory, with events to post to it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from prometheus_client import CollectorRegistry

from services.ingest.main import ingest_service
from shared.clock import Clock
from shared.credentials.access import Access
from shared.http.service import Service
from shared.identifiers import PartyIds
from shared.log.port import EventLog
from shared.metrics import Metrics
from shared.personal_data.key_store import KeyStore
from shared.personal_data.subject_keys import followed_keys
from shared.settings import Settings
from tests.credentials import open_access
from tests.fakes.memory_key_store import MASTER_KEY, MemoryKeyStore
from tests.fakes.memory_log import MemoryLog

PEPPER = "a-pepper-for-tests"
PARTY_IDS = PartyIds(PEPPER)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def settings(**changes: Any) -> Settings:
    """Settings of a service under test; nothing listens at its database URL."""
    given = {
        "database_url": "postgresql://nobody@127.0.0.1:1/none",
        "identifier_pepper": PEPPER,
        "master_key": MASTER_KEY,
    }
    return Settings(**(given | changes))


@asynccontextmanager
async def service_over(
    log: EventLog,
    clock: Clock = lambda: NOW,
    key_store: KeyStore | None = None,
    access: Access | None = None,
    **changes: Any,
) -> AsyncIterator[tuple[Service, Metrics]]:
    """The ingest service over a log and keys in memory, at `NOW`, open to anybody, unless others are given."""
    metrics = Metrics(CollectorRegistry())
    async with (
        log.writer() as writer,
        followed_keys(key_store or MemoryKeyStore()) as keys,
        ingest_service(
            settings(**changes),
            metrics,
            writer=writer,
            keys=keys,
            access=access or open_access(),
            clock=clock,
        ) as service,
    ):
        yield service, metrics


class Door:
    """Posts to an ingest service without a network."""

    def __init__(self, log: MemoryLog, client: httpx.AsyncClient, metrics: Metrics) -> None:
        self.log = log
        self.client = client
        self.metrics = metrics

    async def post(
        self, events: Any, content_type: str | None = "application/json", **headers: str
    ) -> httpx.Response:
        """Posts bytes as they are and anything else as JSON; header names are written with underscores."""
        content = events if isinstance(events, bytes) else json.dumps(events).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            named["content-type"] = content_type
        return await self.client.post("/v1/events", content=content, headers=named)

    def values(self) -> list[dict[str, Any]]:
        """The values in the log, decoded."""
        return [msgspec.json.decode(record.value or b"null") for record in self.log.records()]


@asynccontextmanager
async def open_door(
    log: MemoryLog | None = None,
    key_store: KeyStore | None = None,
    access: Access | None = None,
    **changes: Any,
) -> AsyncIterator[Door]:
    """A door in front of a log in memory."""
    kept = log or MemoryLog()
    async with (
        service_over(kept, key_store=key_store, access=access, **changes) as (service, metrics),
        httpx.AsyncClient(transport=httpx.ASGITransport(service), base_url="http://ingest") as client,
    ):
        yield Door(kept, client, metrics)


def purchase(
    event_id: str = "p-1", /, *, data: dict[str, Any] | None = None, **attributes: Any
) -> dict[str, Any]:
    """A posted `purchase.completed`; `data` replaces or adds members of its data."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/store/bkk-01/pos-3",
        "type": "purchase.completed",
        "time": "2026-03-01T18:30:00+07:00",
        "channel": "store",
        "data": {
            "customer": [{"type": "member", "value": "M-17"}],
            "order_id": "o-1",
            "total": {"amount": "25.00", "currency": "EUR"},
            "lines": [],
        }
        | (data or {}),
    } | attributes


def contact(event_id: str, member: str = "M-17", **data: Any) -> dict[str, Any]:
    """A contact with a customer, of whom somebody wrote something down."""
    return purchase(event_id) | {
        "type": "interaction.recorded",
        "data": {
            "customer": [{"type": "member", "value": member}],
            "kind": "call",
            "category": "service",
            "summary": "asked for a quiet table",
            **data,
        },
    }


def error_of(response: httpx.Response, index: int = 0) -> dict[str, Any]:
    """The error of one event of an answer."""
    error: dict[str, Any] = response.json()["results"][index]["error"]
    return error
