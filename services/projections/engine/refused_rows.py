"""Which event made a row that PostgreSQL refuses? A checkpoint writes the rows of many at once."""

from contextlib import aclosing

import asyncpg

from services.projections.engine.shadow import Shadow
from services.projections.engine.source_chunks import Chunks
from services.projections.engine.writing import RowsRefusedError

_CHUNK_EVENTS = 5000
_MOST_SINGLES = 4  # halving has come down to the event by then, or the refusal does not come again


async def settle_refused(
    connection: asyncpg.Connection, shadow: Shadow, chunks: Chunks, partition: int, end: int
) -> None:
    """After a refusal goes from the last checkpoint to before the event, by halves, and past it.

    Where the view takes failures so, that parks the event, and the rest up to `end` is for the caller; the strict way
    is `EventRefusedByViewError`, with all stored that stands before the event. Returns too where the refusal does not
    come again. Raises what `Shadow` and the source raise.
    """
    step = end - shadow.position(partition)
    refused = None
    singles = 0
    settled = False
    while not settled and shadow.position(partition) < end:
        begun = shadow.position(partition)
        reached = begun + step
        shadow.begin_again()
        try:
            async with aclosing(chunks(partition, begun, reached, _CHUNK_EVENTS)) as source:
                async for chunk in source:
                    await shadow.take(connection, chunk)
            await shadow.checkpoint(connection, partition, reached)
        except RowsRefusedError as error:
            if refused == begun:
                raise
            if step == 1:
                refused = begun
                shadow.refuse(partition, begun, error)
        else:
            singles += step == 1
            settled = refused is not None or singles == _MOST_SINGLES
        step = max(1, min((step + 1) // 2, end - shadow.position(partition)))
