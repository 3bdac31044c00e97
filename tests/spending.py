"""Many clients who redeem from one account at once, wherever they are answered, and what must hold afterwards."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import asyncpg
import httpx

from tests.projecting import eventually
from tests.redeeming import ACCOUNTS

GRANTED, POINTS = 1000, 7
CLIENTS = 200
_REQUESTS_A_CLIENT = 2
_FINAL = (201, 409)
_RETRIED_SECONDS = 120


@dataclass
class Spending:
    """Clients of one account, who send each request until it is decided, and some of them again then.

    A request is sent to any of the doors, and after a connection that broke, a 202 or a 503 once more to another.
    """

    doors: Sequence[httpx.AsyncClient]
    account: str = "M1"
    decided: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The outcome by Idempotency-Key, as first told."""
    retried: int = 0
    """How many times a request was sent again."""
    differing: list[tuple[Any, Any]] = field(default_factory=list)
    """Outcomes of one key that were not the same."""

    async def run(self) -> None:
        """Returns when every request is decided. Raises `TimeoutError` after two minutes."""
        async with asyncio.timeout(_RETRIED_SECONDS), asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._client(number))

    async def _client(self, number: int) -> None:
        random = Random(number)
        for request in range(_REQUESTS_A_CLIENT):
            key = f"client-{number}-{request}"
            twice = random.random() < 0.3
            outcomes = await asyncio.gather(*(self._outcome(key, random) for _ in range(2 if twice else 1)))
            if random.random() < 0.3:
                outcomes.append(await self._outcome(key, random))
            self.decided[key] = outcomes[0]
            self.differing += [(outcomes[0], each) for each in outcomes if each != outcomes[0]]

    async def _outcome(self, key: str, random: Random) -> dict[str, Any]:
        door = random.randrange(len(self.doors))
        while True:
            try:
                answer = await self.doors[door].post(
                    f"{ACCOUNTS}/{self.account}/redemptions",
                    json={"points": POINTS, "reward": "mug"},
                    headers={"Idempotency-Key": key, "Prefer": "wait=5"},
                )
                if answer.status_code in _FINAL:
                    return _told(answer.json())
                assert answer.status_code in (202, 503), answer.text
            except httpx.TransportError:
                pass
            self.retried += 1
            door = (door + 1) % len(self.doors)
            await asyncio.sleep(0.05)

    async def enough(self, outcomes: int) -> None:
        """Returns when so many requests are decided."""

        async def there() -> bool:
            return len(self.decided) >= outcomes

        await eventually(there, within_seconds=_RETRIED_SECONDS)

    async def assert_spent_exactly_once(self, database_url: str) -> None:
        """All points are spent that could be, none twice, and every answer is what the ledger holds."""
        assert self.differing == []
        assert len(self.decided) == CLIENTS * _REQUESTS_A_CLIENT
        accepted = [each for each in self.decided.values() if each["outcome"] == "accepted"]
        assert len(accepted) == GRANTED // POINTS
        connection = await asyncpg.connect(database_url)
        try:
            rows = await connection.fetch(
                "select reference, kind, event_id from live.loyalty_entries where account_id = $1 and kind = any($2)",
                self.account,
                ["redeemed", "redemption_rejected"],
            )
            balance = await connection.fetchval(
                "select sum(points) from live.loyalty_entries where account_id = $1", self.account
            )
        finally:
            await connection.close()
        assert balance == GRANTED % POINTS
        assert sorted(each["available"] for each in accepted) == list(
            range(GRANTED % POINTS, GRANTED, POINTS)
        )
        kinds = {"accepted": "redeemed", "rejected": "redemption_rejected"}
        told = {
            (each["redemption_id"], kinds[each["outcome"]], each["event_id"])
            for each in self.decided.values()
        }
        assert {tuple(row) for row in rows} == told
        assert len(rows) == len(self.decided)


def _told(document: dict[str, Any]) -> dict[str, Any]:
    """What an answer says of the redemption, whether it is a success or a problem."""
    return {
        "redemption_id": document["redemption_id"],
        "outcome": document.get("outcome", document["status"]),
        "available": document["available"],
        "event_id": document["entries"][0]["event_id"],
    }


async def interrupted(spending: Spending, after: int, interrupt: Callable[[], Any]) -> None:
    """Runs the clients and interrupts them once some requests are decided."""
    async with asyncio.TaskGroup() as group:
        group.create_task(spending.run())
        await spending.enough(after)
        interrupt()
