"""Senders that post to one ingest side by side, and the list of what each request was answered and when."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.e2e.running import Sender

_SENDERS = 3
_PACE_SECONDS = 0.05


@dataclass(frozen=True)
class Answered:
    """One request's answer; no status where the connection failed. Times are of the monotonic clock, in seconds."""

    status: int | None
    code: str | None
    retry_after: str | None
    began: float
    ended: float

    @property
    def accepted(self) -> bool:
        return self.status == httpx.codes.ACCEPTED

    @property
    def log_unavailable(self) -> bool:
        """503 `log_unavailable`, saying when to come again."""
        return (self.status, self.code) == (503, "log_unavailable") and int(self.retry_after or 0) >= 1


@dataclass
class PostingLoad:
    """What a load was answered so far."""

    senders: list[Sender]
    answers: list[Answered] = field(default_factory=list)

    async def answered(
        self, wanted: Callable[[Answered], bool], count: int, *, within_seconds: float
    ) -> list[Answered]:
        """The first `count` answers from now on that are as wanted."""
        begin = len(self.answers)
        async with asyncio.timeout(within_seconds):
            while len(found := [each for each in self.answers[begin:] if wanted(each)]) < count:
                await asyncio.sleep(0.01)
        return found[:count]

    async def accepted(self, count: int, *, within_seconds: float = 20) -> float:
        """Waits for as many more requests to be accepted; when the first of them was."""
        return (await self.answered(lambda each: each.accepted, count, within_seconds=within_seconds))[
            0
        ].ended

    def longest_seconds(self) -> float:
        return max(each.ended - each.began for each in self.answers)

    def told_otherwise(self) -> list[Answered]:
        """Answers that neither accepted their events nor told when to come again."""
        return [each for each in self.answers if not (each.accepted or each.log_unavailable)]

    async def missing_or_repeated(self, api_url: str) -> tuple[set[str], set[str]]:
        """Acknowledged events that are on no timeline, and events that are there more than once."""
        found = [await each.missing_or_repeated(api_url) for each in self.senders]
        return set().union(*(missing for missing, _ in found)), set().union(*(again for _, again in found))

    async def post(self, sender: Sender, url: str, enough: asyncio.Event) -> None:
        noted: list[httpx.Response] = []

        async def note(response: httpx.Response) -> None:
            noted.append(response)

        async with httpx.AsyncClient(
            base_url=url, timeout=20, trust_env=False, event_hooks={"response": [note]}
        ) as client:
            while not enough.is_set():
                noted.clear()
                began = time.monotonic()
                await sender.post_batch(client)
                self.answers.append(_answered(noted, began))
                await asyncio.sleep(_PACE_SECONDS)


@asynccontextmanager
async def posting(name: str, url: str) -> AsyncIterator[PostingLoad]:
    """Posts batches from several senders meanwhile; what is not acknowledged is not repeated."""
    load = PostingLoad([Sender(f"{name}{number}") for number in range(_SENDERS)])
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for sender in load.senders:
            group.create_task(load.post(sender, url, enough))
        try:
            yield load
        finally:
            enough.set()


def _answered(noted: list[httpx.Response], began: float) -> Answered:
    if not noted:
        return Answered(None, None, None, began, time.monotonic())
    [answer] = noted
    code = answer.json().get("code") if answer.is_closed else None
    return Answered(answer.status_code, code, answer.headers.get("retry-after"), began, time.monotonic())
