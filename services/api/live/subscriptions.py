"""What the streams of a process wait for: each has at most one hint a topic to send, however many events there were."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Final, NamedTuple

from services.api.live.topics import Topic

MOST_STREAMS: Final = 500
"""Streams of one process; each is a request that does not end, of the 1,024 that are served at once."""


class Hint(NamedTuple):
    """That something of a topic changed: what to ask for now reaches `position`, and views show `generation`.

    `behind_seconds` is how long the newest event took from its acceptance to the views; None where no event did it.
    """

    topic: Topic
    generation: int
    position: str
    behind_seconds: float | None


class TooManyStreamsError(Exception):
    """The bound on streams is reached; the message says so."""


class Subscription:
    """One stream's topics and what is to be sent of them.

    `parties` are those of the customers among its topics, and `outdated` the customers who may have others by now.
    """

    def __init__(self, topics: Collection[Topic]) -> None:
        self.topics = frozenset(topics)
        self.parties: dict[Topic, frozenset[str]] = {}
        self.outdated: set[Topic] = set()
        self._pending: dict[Topic, Hint] = {}
        self._wake = asyncio.Event()
        self._over = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether the stream is to end."""
        return self._over.is_set()

    def tell(self, hint: Hint) -> None:
        """Notes a hint, in the place of one on the same topic that was not sent yet."""
        self._pending[hint.topic] = hint
        self._wake.set()

    def end(self) -> None:
        """Ends the stream; clients open it again, at another replica where there is one."""
        self._over.set()
        self._wake.set()

    async def pause(self, seconds: float) -> None:
        """Returns after so long, or at once where the stream is to end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    async def hints(self, within_seconds: float) -> list[Hint]:
        """What is to be sent now, waiting for something to be at most so long: then nothing."""
        try:
            async with asyncio.timeout(within_seconds):
                await self._wake.wait()
        except TimeoutError:
            return []
        self._wake.clear()
        pending, self._pending = self._pending, {}
        return list(pending.values())


class Subscriptions:
    """All streams of a process, found by topic."""

    def __init__(self) -> None:
        self._all: set[Subscription] = set()
        self._closed = False

    def __len__(self) -> int:
        """How many streams there are."""
        return len(self._all)

    def all(self) -> list[Subscription]:
        """Those that there are now, whatever joins or leaves meanwhile."""
        return list(self._all)

    def add(self, topics: Collection[Topic]) -> Subscription:
        """A new one; `remove` it in the end. Raises `TooManyStreamsError`."""
        if len(self._all) >= MOST_STREAMS:
            raise TooManyStreamsError(f"{MOST_STREAMS} streams are open already")
        made = Subscription(topics)
        if self._closed:
            made.end()
        self._all.add(made)
        return made

    def remove(self, subscription: Subscription) -> None:
        """Its stream is over."""
        self._all.discard(subscription)

    def close(self) -> None:
        """Ends all streams, and those that begin from now on."""
        self._closed = True
        for each in self._all:
            each.end()
