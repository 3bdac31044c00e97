"""Keeps what comparing views with the log came to, so that it can be looked at later, by others too."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

import asyncpg
from msgspec import json

from services.projections.engine.comparison import Comparison
from services.projections.sight.verifications import KEPT, Occasion
from shared.position import Position

Keep = Callable[[Comparison], Awaitable[None]]
"""Notes the result of one of the views that a record was begun for."""

_LONGEST_REASON: Final = 500
_NOT_COMPARED: Final = "the view was not live any more when it was to be compared"


class Origin(NamedTuple):
    """What began a comparison, who, and by which job of operators; None where that is not known, or there is none."""

    occasion: Occasion
    by: str | None
    job: int | None


@asynccontextmanager
async def recorded(
    connection: asyncpg.Connection, generations: Mapping[str, int], origin: Origin
) -> AsyncIterator[Keep]:
    """Notes that these generations of views are compared, and what each came to; the connection holds the views.

    What has no result when it is left was cut off, and is noted so with what was raised; a killed process cannot note
    it, which the next comparison of the view makes up for. The newest 20 of each view are kept. Raises asyncpg's
    errors.
    """
    numbers = {
        view: await connection.fetchval(_BEGIN, view, generation, *origin, connection.get_server_pid(), KEPT)
        for view, generation in generations.items()
    }

    async def keep(compared: Comparison) -> None:
        keys = json.encode([each._asdict() for each in compared.keys]).decode()
        await connection.execute(
            _END,
            numbers[compared.view],
            "differing" if compared.differing else "equal",
            compared.recomputed,
            Position({partition: at for partition, at in compared.position.items() if at}).token(),
            compared.rows,
            compared.differing,
            keys,
        )

    try:
        yield keep
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}".removesuffix(": ")
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            await connection.execute(_CUT_OFF, list(numbers.values()), reason[:_LONGEST_REASON])
        raise
    await connection.execute(_CUT_OFF, list(numbers.values()), _NOT_COMPARED)


_BEGIN = """
with ended as (
    update control.verifications
    set outcome = 'cut_off', ended_at = clock_timestamp(), reason = 'the process that compared ended in the midst of it'
    where view = $1 and outcome is null
), dropped as (
    delete from control.verifications where view = $1 and number in (
        select number from control.verifications where view = $1 order by number desc offset $7::bigint - 1
    )
)
insert into control.verifications (view, generation, occasion, begun_by, job, backend_pid)
values ($1, $2, $3, $4, $5, $6) returning number
"""

_END = """
update control.verifications
set outcome = $2, recomputed = $3, position = $4, rows = $5, differing = $6, keys = $7::text::json,
    ended_at = clock_timestamp()
where number = $1
"""

_CUT_OFF = """
update control.verifications set outcome = 'cut_off', reason = $2, ended_at = clock_timestamp()
where number = any($1::bigint[]) and outcome is null
"""
