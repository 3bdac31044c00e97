# mypy: disable-error-code="no-untyped-call"
# aiokafka annotates little.
"""Ingest as FastAPI's documentation leads to: pydantic checks the event, each event waits for its ack."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from aiokafka import AIOKafkaProducer
from fastapi import Body, FastAPI, Request
from pydantic import BaseModel, Field


class Amount(BaseModel):
    amount: Decimal
    currency: str


class PurchaseLine(BaseModel):
    sku: str
    quantity: int
    unit_price: Amount


class Identifier(BaseModel):
    type: str
    value: str


class Purchase(BaseModel):
    customer: Annotated[list[Identifier], Field(min_length=1)]
    order_id: str
    total: Amount
    lines: list[PurchaseLine]
    direction: str | None = None
    staff: str | None = None
    location: str | None = None


class Event(BaseModel):
    specversion: str
    id: str
    source: str
    type: str
    time: datetime
    channel: str
    data: Purchase


class Answer(BaseModel):
    accepted: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["KAFKA"], acks="all", enable_idempotence=True, linger_ms=2
    )
    await producer.start()
    app.state.producer = producer
    yield
    await producer.stop()


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/events", status_code=202)
async def post_events(request: Request, posted: Annotated[Event | list[Event], Body()]) -> Answer:
    events = posted if isinstance(posted, list) else [posted]
    producer: AIOKafkaProducer = request.app.state.producer
    sent = [
        await producer.send(
            os.environ["TOPIC"], event.model_dump_json().encode(), key=event.data.customer[0].value.encode()
        )
        for event in events
    ]
    await asyncio.gather(*sent)
    return Answer(accepted=len(events))
