"""Where some views stand together, for answers that are read from more than one of them."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from shared.position import Position


async def position_of(connection: Any, views: Collection[str]) -> Position:
    """What all of these views include, in the snapshot of the caller's transaction. Raises asyncpg's errors."""
    return read_position(await connection.fetchval(_POSITION, list(set(views))))


@lru_cache(maxsize=64)
def read_position(text: str) -> Position:
    """The position of a text that a statement answered. Many reads between two batches of the projection answer one."""
    return Position.parse(text)


def live_position(views: str) -> str:
    """SQL for a position's text as of `common_position`, null where a view is left out of the live set."""
    return f"""
        select case when (
            select count(*) from control.generations where view = any({views}) and state = 'live'
        ) = cardinality({views})
        then coalesce(
            (select string_agg(partition || ':' || position, ',') from control.positions where position > 0), '0'
        ) end
    """  # noqa: S608 - an argument's number, or names in the code


def common_position(views: str) -> str:
    """SQL for a position's text: what all of some views include. `views` is an array of names, each once.

    Views of the live set stand where that stands, which is told a good deal sooner than where views stand that may be
    left out of it. Partitions come in no order.
    """
    return f"""
        select coalesce(({live_position(views)}), (
            select coalesce(string_agg(partition || ':' || position, ','), '0')
            from (
                select partition, min(position) as position
                from control.view_positions where view = any({views})
                group by partition having count(*) = cardinality({views}) and min(position) > 0
            ) common
        ))
    """  # noqa: S608 - an argument's number, or names in the code


def names(*views: str) -> str:
    """Some views as an array in SQL, for `common_position`."""
    return "array[" + ", ".join(f"'{view}'" for view in views) + "]"


_POSITION = common_position("$1::text[]")
