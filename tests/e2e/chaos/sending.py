"""Channel systems that post without pause and enter in the ledger what they were answered, or were not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

import httpx

from shared.position import Position
from tests.e2e.chaos.ledger import Fate, Ledger, Sent

_SENDERS = 3
_MEMBERS_EACH = 16
_BATCH = 10
_PACE_SECONDS = 0.06
_PATIENCE_SECONDS = 20
_CHANNELS = ("web", "phone", "store", "app")
_CATEGORIES = ("enquiry", "service", "marketing", "other")
_Batch = list[tuple[Sent, dict[str, Any]]]


class ChannelSystem:
    """Posts batch after batch. Some requests it gives up on, some events are wrong, and some it sends again.

    What was not answered is sent again in half of the cases, so that both ends of the third state occur.
    """

    def __init__(self, name: str, ledger: Ledger, random: Random) -> None:
        self._name = name
        self._ledger = ledger
        self._random = random
        self._events = 0
        self._before: _Batch = []

    async def post_until(self, url: str, enough: asyncio.Event) -> None:
        """Returns with the answer that is under way when it is `enough`."""
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            while not enough.is_set():
                batch = [self._next() for _ in range(_BATCH)]
                if self._random.random() < 0.1:
                    batch += self._before
                await self._post(client, batch)
                if self._unanswered(batch) and self._random.random() < 0.5:
                    await asyncio.sleep(0.5)
                    await self._post(client, batch)
                self._before = batch[:_BATCH]
                await asyncio.sleep(_PACE_SECONDS)

    async def _post(self, client: httpx.AsyncClient, batch: _Batch) -> None:
        for sent, _ in batch:
            self._ledger.send(sent)
        gives_up_soon = self._random.random() < 0.02
        patience = self._random.uniform(0.001, 0.02) if gives_up_soon else _PATIENCE_SECONDS
        try:
            answer = await client.post("/v1/events", json=[posted for _, posted in batch], timeout=patience)
        except httpx.TransportError:
            return
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            assert int(answer.headers["retry-after"]) >= 1, answer.text
            return
        assert answer.status_code in (202, 207), answer.text
        body = answer.json()
        results = body["results"]
        assert [each["id"] for each in results] == [sent.event_id for sent, _ in batch]
        taken = [each["id"] for each in results if each["status"] in ("accepted", "duplicate")]
        self._ledger.acknowledge(taken, Position.parse(body["position"]))
        for each in results:
            if each["status"] == "rejected" and not each["error"]["retryable"]:
                self._ledger.refuse(each["id"])

    def _unanswered(self, batch: _Batch) -> bool:
        return any(self._ledger.fate(sent.event_id) is Fate.UNANSWERED for sent, _ in batch)

    def _next(self) -> tuple[Sent, dict[str, Any]]:
        self._events += 1
        member = f"{self._name}{self._random.randrange(_MEMBERS_EACH)}".upper()
        event_id, channel = f"{self._name}-{self._events}", self._random.choice(_CHANNELS)
        if self._random.random() < 0.3:
            cents = self._random.randrange(1, 10_000)
            wrong = self._random.random() < 0.1
            sent = Sent(event_id, member, channel, "sales", Decimal(cents) / 100)
            total = {"amount": "cheap" if wrong else f"{sent.spent:.2f}", "currency": "EUR"}
            data = {"order_id": f"order-{event_id}", "total": total, "lines": []}
            return sent, self._posted(sent, "purchase.completed", data)
        category = self._random.choice(_CATEGORIES)
        sent = Sent(event_id, member, channel, category)
        return sent, self._posted(sent, "interaction.recorded", {"kind": "visit", "category": category})

    def _posted(self, sent: Sent, type_: str, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": sent.event_id,
            "source": f"/chaos/{self._name}",
            "type": type_,
            "time": f"2026-01-01T10:{self._events // 60 % 60:02}:{self._events % 60:02}Z",
            "channel": sent.channel,
            "data": {"customer": [{"type": "member", "value": sent.member}], **data},
        }


@asynccontextmanager
async def sending(url: str, seed: int) -> AsyncIterator[Ledger]:
    """Channel systems post meanwhile; the ledger is complete afterwards."""
    ledger = Ledger()
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(_SENDERS):
            system = ChannelSystem(f"c{number}m", ledger, Random(f"sender {number} {seed}"))
            group.create_task(system.post_until(url, enough))
        try:
            yield ledger
        finally:
            enough.set()
