"""Follows the views once for all streams of a process, and tells each what is of its topics."""

import asyncio
from contextlib import suppress
from typing import Any, Final

import structlog
import xxhash

from services.api.database import Database, DatabaseUnavailableError
from services.api.live.changes import Changes, changes_between, generations_shown, steps_made
from services.api.live.subscriptions import Hint, Subscription, Subscriptions
from services.api.live.topics import Happened, Topic, concerns, is_of_view, switched
from services.api.position_watch import PositionWatch
from services.projections.identity.component import ComponentTooLargeError, found
from shared.identifiers import party_id_of
from shared.position import Position

_GATHER_SECONDS: Final = 0.1
"""How long what happens is gathered before it is read: at most ten reads a second, whatever the rate of events."""
_LOOK_SECONDS: Final = 2.0
"""How often generations are looked at while nothing happens, and how far rebuilds and jobs are in any case."""
_RETRY_SECONDS: Final = 0.5

_log = structlog.get_logger("rapport.api")


class Hub:
    """Reads what happened as the position moves, and only while somebody listens. `run` must be running."""

    def __init__(self, database: Database, watch: PositionWatch) -> None:
        self._database = database
        self._watch = watch
        self._told = Position({})
        self._generations: dict[str, int] = {}
        self._steps: dict[str, str] = {}
        self._steps_due = 0.0
        self._behind_seconds: float | None = None
        self.subscriptions = Subscriptions()

    @property
    def place(self) -> str:
        """Where streams are: generations, steps and the position. Another one tells that something changed."""
        told = sorted(self._generations.items()), sorted(self._steps.items())
        shown = xxhash.xxh32_hexdigest(repr(told).encode())
        return f"{shown}.{self._told.token()}"

    async def listen(self, topics: frozenset[Topic], since: str | None) -> Subscription:
        """A subscription to topics, which are told at once where `since` is not where the hub is.

        Raises `TooManyStreamsError` and `DatabaseUnavailableError`.
        """
        if not len(self.subscriptions):
            self._generations = await self._database.read(generations_shown)
            self._steps = await self._database.read(steps_made)
            self._told = self._watch.known
        made = self.subscriptions.add(topics)
        try:
            for topic in topics:
                if topic.kind == "customer":
                    made.parties[topic] = await self._parties(topic)
        except BaseException:
            self.subscriptions.remove(made)
            raise
        if since != self.place:
            for topic in topics:
                made.tell(self._hint(topic))
        return made

    async def run(self) -> None:
        """Tells what happens until cancelled, through any outage of the database."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._watch.moved_from(self._told)
            await asyncio.sleep(_GATHER_SECONDS)
            try:
                await self._tell()
            except DatabaseUnavailableError:
                await asyncio.sleep(_RETRY_SECONDS)  # what happened meanwhile is told afterwards, all of it
            except Exception as error:  # noqa: BLE001 - a hub that ended would leave every screen as it was for ever
                _log.error("hints_not_told", exc_info=error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _tell(self) -> None:
        reached = self._watch.known
        if not len(self.subscriptions):
            self._told = reached
            return

        async def query(connection: Any) -> Changes:
            return await changes_between(connection, self._told, reached)

        changes = await self._database.read(query)
        stepped = await self._stepped()  # before anything counts as told, because this too may raise
        changed = switched(self._generations, changes.generations)
        moved = not self._told.includes(reached)  # another partition at 0 is no advance
        self._told, self._generations = reached, dict(changes.generations)
        self._behind_seconds = changes.behind_seconds
        for each in self.subscriptions.all():
            self._tell_of(each, changes.events, changed, stepped, moved=moved)
        await self._follow_customers()

    async def _stepped(self) -> frozenset[str]:
        """The views whose rebuilds or jobs went on since the last look; none where the next one is not due yet."""
        now = asyncio.get_running_loop().time()
        if now < self._steps_due:
            return frozenset()
        self._steps_due = now + _LOOK_SECONDS
        before, self._steps = self._steps, await self._database.read(steps_made)
        return switched(before, self._steps)

    def _tell_of(
        self,
        listener: Subscription,
        events: list[Happened] | None,
        changed: frozenset[str],
        stepped: frozenset[str],
        *,
        moved: bool,
    ) -> None:
        for topic in listener.topics:
            parties = listener.parties.get(topic, frozenset())
            if topic.kind == "view":
                due = moved or is_of_view(topic, changed | stepped)
            else:
                due = (
                    bool(changed) or events is None or any(concerns(topic, parties, each) for each in events)
                )
            if due:
                listener.tell(self._hint(topic))
                if topic.kind == "customer":
                    listener.outdated.add(topic)

    async def _follow_customers(self) -> None:
        """Finds out anew which parties customers have of whom something happened: it may have linked them with others.

        Whatever links a party with a customer names one of the customer's own, so no customer is missed.
        """
        for listener in self.subscriptions.all():
            for topic in list(listener.outdated):
                listener.parties[topic] = await self._parties(topic)
                listener.outdated.discard(topic)

    async def _parties(self, topic: Topic) -> frozenset[str]:
        party_id = party_id_of(topic.name)
        try:
            component = (await self._database.read(lambda connection: found(connection, party_id))).component
        except ComponentTooLargeError:
            component = None
        return frozenset({party_id} if component is None else component.parties)

    def _hint(self, topic: Topic) -> Hint:
        shown = self._generations
        generation = shown.get(topic.name, 0) if topic.kind == "view" else max(shown.values(), default=0)
        return Hint(topic, generation, self._told.token(), self._behind_seconds)
