"""What PostgreSQL itself notes of the workers: who holds which partition, and every move of a position."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import asyncpg

from services.projections.engine.leases import APPLICATION_NAME

_MAKE = """
create schema audit;
create table audit.moves (
    number bigserial primary key, partition integer not null, before bigint not null, after bigint not null,
    epoch_before bigint not null, epoch bigint not null, application text not null
);
create function audit.note() returns trigger language plpgsql as $$
begin
    insert into audit.moves (partition, before, after, epoch_before, epoch, application) values (
        new.partition, old.position, new.position, old.epoch, new.epoch, current_setting('application_name')
    );
    return null;
end $$;
create trigger noted after update on control.positions for each row
    when (old.* is distinct from new.*) execute function audit.note();
"""


class Move(NamedTuple):
    """One change of a partition's place."""

    number: int
    partition: int
    before: int
    after: int
    epoch_before: int
    epoch: int
    application: str


class Audit:
    """Asks over a connection of its own each time, for PostgreSQL comes and goes."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    async def begin(self) -> None:
        """From here on every move is noted, in the very transaction that makes it."""
        async with self._connection() as connection:
            await connection.execute(_MAKE)

    async def holders(self) -> dict[int, str | None]:
        """Which worker holds each partition."""
        async with self._connection() as connection:
            rows = await connection.fetch(
                "select partition, worker from control.positions left join control.leases using (partition)"
            )
        return {row["partition"]: row["worker"] for row in rows}

    async def workers(self) -> set[str]:
        """Who is registered as a live worker, and is connected."""
        async with self._connection() as connection:
            rows = await connection.fetch(
                "select worker from control.workers join pg_stat_activity on pid = backend_pid "
                "where backend_start = backend_started_at"
            )
        return {row["worker"] for row in rows}

    async def moves(self, after: int = 0) -> list[Move]:
        """Every move noted after that number, oldest first."""
        async with self._connection() as connection:
            rows = await connection.fetch(
                "select * from audit.moves where number > $1 order by number", after
            )
        return [Move(*row) for row in rows]

    async def appliers(self, after: int) -> dict[int, set[str]]:
        """Who has applied events of each partition, after that number."""
        found: dict[int, set[str]] = {}
        for move in await self.moves(after):
            if move.after > move.before:
                worker = move.application.removeprefix(APPLICATION_NAME.format(""))
                found.setdefault(move.partition, set()).add(worker)
        return found

    async def moves_of(self, worker: str) -> int:
        """How often a worker has moved a position."""
        async with self._connection() as connection:
            count: int = await connection.fetchval(
                "select count(*) from audit.moves where application = $1", APPLICATION_NAME.format(worker)
            )
        return count

    async def last(self) -> int:
        """The number of the last move."""
        async with self._connection() as connection:
            last: int = await connection.fetchval("select coalesce(max(number), 0) from audit.moves")
        return last

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._database_url)
        try:
            yield connection
        finally:
            await connection.close()


def broken_chains(moves: list[Move]) -> list[str]:
    """Moves that do not begin where the one before ended, or go back to an earlier epoch."""
    found = []
    stands: dict[int, Move] = {}
    for move in moves:
        before = stands.get(move.partition)
        if before and (before.after, before.epoch) != (move.before, move.epoch_before):
            found.append(f"{move} follows {before}")
        if move.epoch < move.epoch_before or move.after < move.before:
            found.append(f"{move} goes back")
        stands[move.partition] = move
    return found
