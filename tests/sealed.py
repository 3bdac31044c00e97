"""Customers whose data went through ingest, sealed with keys of the database, and who can be erased."""

import base64
import os

import asyncpg
import httpx
from prometheus_client import CollectorRegistry

from services.ops.erasing import Receipt, Wanted, erase
from shared.clock import Clock, system_clock
from shared.log.port import EventLog
from shared.metrics import Metrics
from shared.personal_data.key_store import PostgresKeyStore
from shared.personal_data.master_keys import MasterKeys
from shared.position import Position
from tests.api_reader import PEPPER, Reader
from tests.fakes.memory_key_store import MASTER_KEY
from tests.ingest_door import service_over
from tests.projecting import projection, reached, worker
from tests.strategies import JsonObject


async def sent(log: EventLog, database_url: str, clock: Clock, *events: JsonObject) -> Position:
    """Posts events, and answers the position that includes them."""
    metrics = Metrics(CollectorRegistry()).personal_data
    keys = PostgresKeyStore(database_url, 2.0, MasterKeys(base64.b64decode(MASTER_KEY)), os.urandom, metrics)
    async with (
        service_over(log, clock, keys, identifier_pepper=PEPPER) as (service, _),
        httpx.AsyncClient(transport=httpx.ASGITransport(service), base_url="http://ingest") as client,
    ):
        answer = await client.post("/v1/events", json=list(events))
    assert answer.status_code == 202, answer.text
    return Position.parse(answer.json()["position"])


async def posted(desk: Reader, clock: Clock, *events: JsonObject) -> Position:
    """Posts events and waits until the views have them; answers their position."""
    position = await sent(desk.log, desk.database_url, clock, *events)
    connection = await asyncpg.connect(desk.database_url)
    async with worker(projection(desk.database_url, desk.log)):
        await reached(connection, position)
    await connection.close()
    return position


async def erased(desk: Reader, party_id: str, request: str) -> Receipt:
    """Erases a customer; the views have taken it up afterwards."""
    connection = await asyncpg.connect(desk.database_url)
    async with worker(projection(desk.database_url, desk.log)), desk.log.writer() as writer:
        wanted = Wanted(party_id, request, None)
        receipt = await erase(connection, writer, wanted, system_clock, wait_seconds=20)
    await connection.close()
    assert receipt.in_views
    return receipt
