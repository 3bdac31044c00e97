"""What is asked of the table of data keys, `control.subject_keys`, over one connection."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

import asyncpg

from shared.personal_data.data_key import DataKey, RandomBytes
from shared.personal_data.master_keys import MasterKeys

MOST_A_STATEMENT: Final = 5000

_DESTRUCTION_LOCK: Final = 0x72617070_6B657973
_OF_SUBJECTS: Final = """
select key_id, subject, wrapped_key, master_key_id from control.subject_keys
where subject = any($1::text[]) and wrapped_key is not null
"""
_OF_IDS: Final = """
select key_id, subject, wrapped_key, master_key_id from control.subject_keys
where key_id = any($1::bytea[]) and wrapped_key is not null
"""
_INSERT: Final = """
insert into control.subject_keys (key_id, subject, wrapped_key, master_key_id)
select key_id, subject, wrapped_key, $4 from unnest($1::bytea[], $2::text[], $3::bytea[])
    as made (key_id, subject, wrapped_key)
on conflict do nothing
"""
_DESTROYED: Final = """
select destruction, key_id from control.subject_keys where (destruction, key_id) > ($1, $2)
order by destruction, key_id limit $3
"""
_LAST_DESTROYED: Final = """
select destruction, key_id from control.subject_keys where destruction is not null
order by destruction desc, key_id desc limit 1
"""
_DESTROY: Final = """
update control.subject_keys set wrapped_key = null, destroyed_at = now(),
    destruction = (select coalesce(max(destruction), 0) + 1 from control.subject_keys)
where subject = any($1::text[]) and wrapped_key is not null
"""
_WRAPPED_BY_OTHERS: Final = """
select key_id, subject, wrapped_key, master_key_id from control.subject_keys
where wrapped_key is not null and master_key_id <> $1 and key_id > $2
order by key_id limit $3 for update skip locked
"""
_REWRAP: Final = """
update control.subject_keys as kept set wrapped_key = anew.wrapped_key, master_key_id = $3
from unnest($1::bytea[], $2::bytea[]) as anew (key_id, wrapped_key) where kept.key_id = anew.key_id
"""


class WrappedKey(NamedTuple):
    """A key as the table holds it."""

    key_id: bytes
    subject: str
    wrapped_key: bytes
    master_key_id: str

    def unwrapped(self, masters: MasterKeys) -> DataKey:
        """The key. Raises `UnusableKeyError`."""
        return masters.unwrap(self.wrapped_key, self.master_key_id, self.key_id, self.subject)


class Destruction(NamedTuple):
    """That a key was destroyed: with the `number` of its destruction, in the order of which they were committed."""

    number: int
    key_id: bytes


NONE_DESTROYED: Final = Destruction(0, b"")


async def keys_of_subjects(connection: asyncpg.Connection, subjects: Collection[str]) -> list[WrappedKey]:
    """The keys of at most `MOST_A_STATEMENT` subjects, of those that have one."""
    return _wrapped(await connection.fetch(_OF_SUBJECTS, list(subjects)))


async def keys_of_ids(connection: asyncpg.Connection, key_ids: Collection[bytes]) -> list[WrappedKey]:
    """The keys of at most `MOST_A_STATEMENT` ids, of those that are known and not destroyed."""
    return _wrapped(await connection.fetch(_OF_IDS, list(key_ids)))


async def add_keys(
    connection: asyncpg.Connection, keys: Iterable[DataKey], masters: MasterKeys, random_bytes: RandomBytes
) -> None:
    """Adds the keys of subjects that have none. Committed on return, outside a transaction of the caller's."""
    # In one order for everybody: two that add the same subjects wait for each other's rows, not in a circle.
    made = sorted(keys, key=lambda each: each.subject)
    await connection.execute(
        _INSERT,
        [each.key_id for each in made],
        [each.subject for each in made],
        [masters.wrap(each, random_bytes) for each in made],
        masters.current_id,
    )


async def destructions_after(connection: asyncpg.Connection, last: Destruction) -> list[Destruction]:
    """The next destructions after one, in order, at most `MOST_A_STATEMENT`."""
    rows = await connection.fetch(_DESTROYED, last.number, last.key_id, MOST_A_STATEMENT)
    return [Destruction(*row) for row in rows]


async def last_destruction(connection: asyncpg.Connection) -> Destruction:
    """The last destruction, `NONE_DESTROYED` before the first."""
    row = await connection.fetchrow(_LAST_DESTROYED)
    return NONE_DESTROYED if row is None else Destruction(*row)


async def destroy_keys(connection: asyncpg.Connection, subjects: Collection[str]) -> int:
    """Destroys the keys of subjects and answers how many; their rows stay, without key material. To be repeated safely.

    In a transaction of the caller's; others that destroy wait until it ends, so that destructions are numbered in the
    order in which they are committed and nobody who follows the numbers can miss one.
    """
    await connection.execute("select pg_advisory_xact_lock($1)", _DESTRUCTION_LOCK)
    status: str = await connection.execute(_DESTROY, list(subjects))
    return int(status.rpartition(" ")[2])


async def wrapped_by_others(
    connection: asyncpg.Connection, master_key_id: str, after: bytes, most: int
) -> list[WrappedKey]:
    """Keys that another master key wrapped, in the order of their ids after one, locked in a transaction of the
    caller's. What another transaction has locked is left out: it may be destroying it.
    """
    return _wrapped(await connection.fetch(_WRAPPED_BY_OTHERS, master_key_id, after, most))


async def rewrap(
    connection: asyncpg.Connection, keys: Sequence[DataKey], masters: MasterKeys, random_bytes: RandomBytes
) -> None:
    """Stores keys as the current master key wraps them."""
    await connection.execute(
        _REWRAP,
        [each.key_id for each in keys],
        [masters.wrap(each, random_bytes) for each in keys],
        masters.current_id,
    )


def _wrapped(rows: Iterable[Any]) -> list[WrappedKey]:
    return [WrappedKey(*row) for row in rows]
