"""Where some views stand together, for answers that are read from more than one of them."""

from collections.abc import Collection
from typing import Any

from shared.position import Position


async def position_of(connection: Any, views: Collection[str]) -> Position:
    """What all of these views include, in the snapshot of the caller's transaction. Raises asyncpg's errors."""
    return Position.parse(await connection.fetchval(_POSITION, list(set(views))))


def common_position(views: str) -> str:
    """SQL for a position's text: what all of some views include. `views` is an array of names, each once."""
    return f"""
        select coalesce(string_agg(partition || ':' || position, ',' order by partition), '0')
        from (
            select partition, min(position) as position
            from control.view_positions where view = any({views})
            group by partition having count(*) = cardinality({views}) and min(position) > 0
        ) common
    """  # noqa: S608 - an argument's number


_POSITION = common_position("$1::text[]")
