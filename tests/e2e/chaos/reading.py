"""A front-line app that reads without pause: never an older state than before, never less than it is entitled to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from random import Random

import httpx

from shared.position import Position
from tests.e2e.chaos.ledger import Ledger

_PACE_SECONDS = 0.02
_PATIENCE_SECONDS = 10
_UNAVAILABLE = ("database_unavailable", "position_not_reached")


class Reader:
    """Reads customers in turn, and asserts of each answer that it follows on the ones before."""

    def __init__(self, ledger: Ledger, random: Random) -> None:
        self._ledger = ledger
        self._random = random
        self._customers: dict[str, str] = {}
        self._seen: Counter[str] = Counter()
        self._position = Position({})
        self._remembers = True
        self.answers: Counter[str] = Counter()

    @contextmanager
    def nothing_remembered(self) -> Iterator[None]:
        """PostgreSQL crashes and is started again meanwhile: what was seen before, and until then, may be gone.

        A worker's commits do not wait for the disk, so the last of them are undone, and done again. What a read asks
        for by position it gets all the same.
        """
        self._remembers = False
        yield
        self._seen.clear()
        self._position = Position({})
        self._remembers = True

    async def read_until(self, url: str, enough: asyncio.Event) -> None:
        """Returns with the answer that is under way when it is `enough`."""
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=_PATIENCE_SECONDS) as client:
            while not enough.is_set():
                if members := self._ledger.members():
                    await self._read(client, self._random.choice(members))
                await asyncio.sleep(_PACE_SECONDS)

    async def _read(self, client: httpx.AsyncClient, member: str) -> None:
        customer = await self._customer(client, member)
        if customer is None:
            return
        entitled, at_least = self._ledger.acknowledged_of(member)
        asks = self._random.random() < 0.3
        headers = {"Rapport-At-Least": at_least.token(), "Prefer": "wait=1"} if asks else {}
        seen, position = self._seen[member], self._position
        answer = await client.get(f"/v1/customers/{customer}", headers=headers)
        if self._unavailable(answer):
            return
        assert answer.status_code in (httpx.codes.OK, httpx.codes.NOT_FOUND), answer.text
        self.answers["with a position" if asks else "without one"] += 1
        found = Position.parse(answer.headers["rapport-position"])
        events = answer.json()["events"] if answer.status_code == httpx.codes.OK else 0
        if asks:
            assert events >= entitled, f"{member}: {events} of {entitled} at {found.offsets}"
        if not self._remembers or self._position is not position:
            return
        assert found.includes(position), f"{found.offsets} came after {position.offsets}"
        assert events >= seen, f"{member}: {events} came after {seen}"
        self._position = found
        self._seen[member] = events

    async def _customer(self, client: httpx.AsyncClient, member: str) -> str | None:
        if member not in self._customers:
            answer = await client.post("/v1/customers/lookup", json={"type": "member", "value": member})
            if self._unavailable(answer):
                return None
            assert answer.status_code in (httpx.codes.OK, httpx.codes.NOT_FOUND), answer.text
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            self._customers[member] = answer.json()["customer_id"]
        return self._customers[member]

    def _unavailable(self, answer: httpx.Response) -> bool:
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return False
        code = answer.json()["code"]
        assert code in _UNAVAILABLE, answer.text
        assert int(answer.headers["retry-after"]) >= 1
        self.answers[code] += 1
        return True


@asynccontextmanager
async def reading(url: str, ledger: Ledger, seed: int) -> AsyncIterator[Reader]:
    """One reads meanwhile; leaving raises what was wrong with an answer, and so does any wait before."""
    reader = Reader(ledger, Random(f"reader {seed}"))
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(reader.read_until(url, enough))
        try:
            yield reader
        finally:
            enough.set()
