"""Read your writes: one watcher a process follows the views' position and wakes those who wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import asyncpg
import structlog

from services.api.database import Connection, DatabaseUnavailableError, unavailable
from services.api.waiters import TooManyWaitersError, Waiters
from shared.position import InvalidPositionError, Position

CHANNEL: Final = "rapport_positions"
_FALLBACK_SECONDS: Final = 0.25
_RECONNECT_SECONDS: Final = (0.0, 0.1, 0.25, 0.5)
_FAILURES_TO_GIVE_UP: Final = 2
_STANDBY_SECONDS: Final = 2.0
_LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a server that ended the session just as a command began
)
_ANNOUNCES_NOTHING: Final = (asyncpg.ReadOnlySQLTransactionError, asyncpg.ObjectNotInPrerequisiteStateError)
_STATE: Final = "select partition, position, pg_is_in_recovery() as standby from control.positions"

_log = structlog.get_logger("rapport.api")


class PositionNotReachedError(Exception):
    """The views did not reach the wanted position in time; `known` is how far they were."""

    def __init__(self, detail: str, known: Position) -> None:
        super().__init__(detail)
        self.known = known


class PositionWatch:
    """Follows the position by LISTEN, with polling every 250 ms in case an announcement is lost.

    Announcements carry what advanced, so however many requests wait, none costs a query; waiting holds no
    connection of the pool. `connect` opens the watcher's own connection; `on_reconnect` is called when it was
    lost and opened again. While a standby answers, the watcher looks every 2 s whether a primary does.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        on_reconnect: Callable[[], Awaitable[None]],
        *,
        most_waiting: int,
    ) -> None:
        self._connect = connect
        self._on_reconnect = on_reconnect
        self._waiters = Waiters(most_waiting)
        self._look_now = asyncio.Event()
        self._moved = asyncio.Event()
        self._announcements = 0
        self._failures = 0
        self._standby = False

    @property
    def known(self) -> Position:
        """A position that the views have reached; they may be further."""
        return self._waiters.known

    async def reach(self, wanted: Position, seconds: float) -> None:
        """Returns once the views include `wanted`; what is read afterwards from the same server sees it.

        Raises `PositionNotReachedError` after `seconds`, or at once when too many wait, and
        `DatabaseUnavailableError` when the position cannot be followed.
        """
        if self.known.includes(wanted):
            return
        if self._failures >= _FAILURES_TO_GIVE_UP:
            raise DatabaseUnavailableError("the position of the views cannot be read now")
        try:
            waiter = self._waiters.add(wanted)
        except TooManyWaitersError as error:
            raise PositionNotReachedError(f"{error}; send it again in a second", self.known) from error
        try:
            async with asyncio.timeout(seconds):
                ended_by = await waiter.ended
        except TimeoutError:
            detail = f"the views have not reached this position within {seconds:g} s; send it again"
            raise PositionNotReachedError(detail, self.known) from None
        finally:
            self._waiters.remove(waiter)
        if ended_by is not None:
            raise ended_by

    async def moved_from(self, position: Position) -> None:
        """Returns once another position than this one is known. For one who waits at a time; reads nothing itself."""
        while self.known == position:
            self._moved.clear()
            await self._moved.wait()

    async def run(self) -> None:
        """Follows the position until cancelled, through any outage of the database."""
        while True:
            try:
                await self._follow()
            except _LOST as error:
                self._lost(error)
                await asyncio.sleep(_RECONNECT_SECONDS[min(self._failures, len(_RECONNECT_SECONDS)) - 1])

    async def _follow(self) -> None:
        """Returns when it is time to see whether another server answers."""
        connection = await self._connect()
        try:
            with suppress(*_ANNOUNCES_NOTHING):
                await connection.add_listener(CHANNEL, self._on_announcement)
            standby = await self._advance(connection)
            if self._failures or standby != self._standby:
                await self._on_reconnect()
            self._failures, self._standby = 0, standby
            look_again = asyncio.get_running_loop().time() + _STANDBY_SECONDS
            while not standby or asyncio.get_running_loop().time() < look_again:
                await self._wait_to_look()
                await self._advance(connection)
        finally:
            connection.terminate()

    async def _advance(self, connection: Connection) -> bool:
        """Wakes whom the position as it is now satisfies; whether a standby told it."""
        self._look_now.clear()
        announcements = self._announcements
        rows = await connection.fetch(_STATE)
        position = Position({row["partition"]: row["position"] for row in rows})
        overtaken = announcements != self._announcements
        self._waiters.advance(furthest(self.known, position) if overtaken else position)
        self._moved.set()
        return any(row["standby"] for row in rows)

    def _lost(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == _FAILURES_TO_GIVE_UP:
            _log.warning("positions_not_followed", reason=str(unavailable(error)), error=type(error).__name__)
        if self._failures >= _FAILURES_TO_GIVE_UP:
            self._waiters.fail(DatabaseUnavailableError("the position of the views cannot be read now"))

    async def _wait_to_look(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FALLBACK_SECONDS):
                await self._look_now.wait()

    def _on_announcement(self, _connection: Any, _process: int, _channel: str, payload: object) -> None:
        """Takes the partitions that advanced from the payload; one that names none asks for a look."""
        self._announcements += 1
        try:
            advanced = Position.parse(str(payload))
        except InvalidPositionError:
            self._look_now.set()
        else:
            self._waiters.advance(furthest(self.known, advanced))
            self._moved.set()


def furthest(one: Position, other: Position) -> Position:
    """The least position that includes both."""
    offsets = dict(one.offsets)
    for partition, offset in other.offsets.items():
        offsets[partition] = max(offset, offsets.get(partition, 0))
    return Position(offsets)
