"""Which worker projects which partition: leases in PostgreSQL, shared out evenly among the workers that live.

A worker lives while the backend of its heartbeat connection does and its heartbeats come in time. When it does not,
the next heartbeat of any other worker ends what is left of its connections, so that its locks go, and frees its
partitions. Taking a partition raises its epoch, which fences whoever held it before.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import asyncpg

EXPIRY_SECONDS = 10
APPLICATION_NAME = "rapport-worker-{}"
"""Names every connection of a worker, so that others can end them."""

_ONE_AT_A_TIME = 0x6C6561736573
_LONGEST_ALONE_MILLISECONDS = 2000


class Place(NamedTuple):
    """The next offset to apply in a partition, and the epoch under which this worker may."""

    position: int
    epoch: int


async def beat(connection: asyncpg.Connection, worker: str, expiry_seconds: float) -> bool:
    """Renews the worker's registration over its heartbeat connection, and ends workers that are gone.

    Answers whether partitions want sharing out anew. Must be repeated well within `expiry_seconds`.
    """
    async with _one_at_a_time(connection):
        await connection.execute(_REGISTER, worker, expiry_seconds)
        gone = [row["worker"] for row in await connection.fetch(_FORGET_DEAD, worker)]
        if gone:
            await connection.execute("delete from control.leases where worker = any($1::text[])", gone)
            names = [APPLICATION_NAME.format(name) for name in gone]
            await connection.fetch(_END_CONNECTIONS, names)
        state = await _state(connection, worker)
    return bool(state.surplus or state.claimable)


async def share_out(connection: asyncpg.Connection, worker: str) -> dict[int, Place]:
    """Gives back what is over this worker's share, takes what is free up to it, and answers all it holds now.

    To be called between batches, over any connection of the worker. A worker that is not registered (its heartbeats
    came too late) gets nothing.
    """
    async with _one_at_a_time(connection):
        state = await _state(connection, worker)
        if state.surplus:
            await connection.execute(
                "delete from control.leases where worker = $1 and partition = any($2::integer[])",
                worker,
                state.surplus,
            )
        if state.claimable:
            await connection.execute(
                "insert into control.leases (partition, worker) select unnest($2::integer[]), $1",
                worker,
                state.claimable,
            )
            await connection.execute(
                "update control.positions set epoch = epoch + 1 where partition = any($1::integer[])",
                state.claimable,
            )
        held = await connection.fetch(_HELD, worker)
    return {row["partition"]: Place(row["position"], row["epoch"]) for row in held}


async def leave(connection: asyncpg.Connection, worker: str) -> None:
    """Gives everything back; for a worker that stops between batches. May be repeated."""
    async with _one_at_a_time(connection):
        await connection.execute("delete from control.leases where worker = $1", worker)
        await connection.execute("delete from control.workers where worker = $1", worker)


def share_of(worker: str, workers: Sequence[str], partitions: int) -> int:
    """How many partitions a worker is to hold: all shares together are `partitions`, no two differ by more than 1."""
    if worker not in workers:
        return 0
    rank = sorted(workers).index(worker)
    return partitions // len(workers) + (rank < partitions % len(workers))


@asynccontextmanager
async def _one_at_a_time(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction that waits for those of other workers.

    A worker that is frozen in the middle of one would keep all others from expelling it, so PostgreSQL ends its
    session 2 s after it was alone: raises asyncpg's errors then.
    """
    async with connection.transaction():
        await connection.execute(_BEGIN_ALONE, str(_LONGEST_ALONE_MILLISECONDS), _ONE_AT_A_TIME)
        yield


class _State(NamedTuple):
    surplus: list[int]
    claimable: list[int]


async def _state(connection: asyncpg.Connection, worker: str) -> _State:
    workers = [row["worker"] for row in await connection.fetch("select worker from control.workers")]
    rows = await connection.fetch(
        "select partition, worker from control.positions left join control.leases using (partition) order by partition"
    )
    mine = [row["partition"] for row in rows if row["worker"] == worker]
    free = [row["partition"] for row in rows if row["worker"] is None]
    share = share_of(worker, workers, len(rows))
    return _State(mine[share:], free[: max(0, share - len(mine))])


_BEGIN_ALONE = """
select pg_advisory_xact_lock($2), set_config('idle_in_transaction_session_timeout', $1, true),
    case when current_setting('transaction_timeout', true) is not null
    then set_config('transaction_timeout', $1, true) end
"""
"""The bounds begin once the lock is had. A session between two messages of one statement counts as active, not as idle,
so that the first alone would miss a program frozen there; the second is there from PostgreSQL 17 on."""

_REGISTER = """
insert into control.workers (worker, backend_pid, backend_started_at, expires_at)
select $1, pid, backend_start, clock_timestamp() + make_interval(secs => $2)
from pg_stat_activity where pid = pg_backend_pid()
on conflict (worker) do update set expires_at = excluded.expires_at
"""

_FORGET_DEAD = """
delete from control.workers
where worker <> $1 and (
    expires_at < clock_timestamp()
    or not exists (
        select from pg_stat_activity where pid = backend_pid and backend_start = backend_started_at
    )
)
returning worker
"""

_END_CONNECTIONS = """
select pg_terminate_backend(pid) from pg_stat_activity where application_name = any($1::text[])
"""

_HELD = """
select partition, position, epoch from control.leases join control.positions using (partition)
where worker = $1 order by partition
"""
