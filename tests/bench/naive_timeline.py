"""A timeline as FastAPI's documentation leads to: rows become models, the response model writes JSON."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from pydantic import BaseModel

_COLUMNS = (
    "event_id, source, type, time, recorded_time, channel, direction, category, summary, staff, location, "
    "party_id, data"
)
_PAGE = f"select {_COLUMNS} from entries where party_id = $1 order by time desc, event_id desc limit $2"  # noqa: S608

_FILL = """
insert into entries
select 'pty_' || (number % $1), moment, 'e-' || number, '/store/bench/till-1', 'purchase.completed', moment,
       'store', null, 'sales', 'Bought for EUR 12.50', null, null, $3::jsonb
from generate_series(0, $2::int - 1) number,
     lateral (select timestamptz '2026-01-02 09:00Z' + number * interval '20 seconds' as moment) times
"""
_DATA = {"order_id": "o-1", "total": {"amount": "12.50", "currency": "EUR"}, "lines": []}


class Entry(BaseModel):
    event_id: str
    source: str
    type: str
    time: datetime
    recorded_time: datetime
    channel: str
    direction: str | None
    category: str | None
    summary: str
    staff: str | None
    location: str | None
    party_id: str
    data: dict[str, Any]


class Page(BaseModel):
    items: list[Entry]
    next_cursor: str | None = None


async def fill(database_url: str, customers: int, entries: int) -> list[str]:
    """Makes and fills the table, the customers taking turns; answers the path of each customer's page."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "create table entries (party_id text, time timestamptz, event_id text, source text, type text, "
            "recorded_time timestamptz, channel text, direction text, category text, summary text, "
            "staff text, location text, data jsonb, primary key (party_id, time, event_id))"
        )
        await connection.execute(_FILL, customers, entries, json.dumps(_DATA), timeout=300)
        await connection.execute("vacuum analyze entries", timeout=300)
    finally:
        await connection.close()
    return [f"/timeline/pty_{number}" for number in range(customers)]


async def _decode_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    url = os.environ["DATABASE_URL"]
    async with asyncpg.create_pool(url, min_size=8, max_size=8, init=_decode_json) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/timeline/{party_id}")
async def timeline(request: Request, party_id: str, limit: int = 50) -> Page:
    rows = await request.app.state.pool.fetch(_PAGE, party_id, limit)
    return Page(items=[Entry(**dict(row)) for row in rows])
