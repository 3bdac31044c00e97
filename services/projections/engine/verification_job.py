"""A verification that an operator ordered: made by processes of its own, while its job tells how far it is."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import asyncpg

from services.projections.engine.rebuild import Progress, Rebuild
from services.projections.engine.verify import verify

_REPORT_SECONDS: Final = 0.5


async def verify_as_ordered(connection: asyncpg.Connection, order: Rebuild, job: int, by: str) -> str:
    """Compares the order's view with the log, and says what that came to.

    Notes twice a second in the job how many events of how many are folded, over `connection`, so that it ends where
    that does. Cancelling it ends its workers. Raises what `verify` raises, and asyncpg's errors.
    """
    told: deque[Progress] = deque(maxlen=1)
    wanted = replace(order, by=by, job=job, report=told.append)
    verifying = asyncio.create_task(verify(wanted))
    try:
        while not (await asyncio.wait({verifying}, timeout=_REPORT_SECONDS))[0]:
            await _note(connection, job, told)
        await _note(connection, job, told)
        [compared] = verifying.result()
    finally:
        verifying.cancel()
        await asyncio.gather(verifying, return_exceptions=True)
    if compared.differing:
        return (
            f"{compared.differing:,} of {compared.rows:,} rows of generation {compared.shown} differ from what the log "
            f"says; the view's page names the first of them, and `rapport rebuild {compared.view}` makes them right"
        )
    return f"all {compared.rows:,} rows of generation {compared.shown} equal what the log says"


async def _note(connection: asyncpg.Connection, job: int, told: Iterable[Progress]) -> None:
    partitions = [each for progress in told for view in progress.views.values() for each in view]
    if partitions:
        folded, to_fold = sum(each.done for each in partitions), sum(each.total for each in partitions)
        await connection.execute(_FOLDED, job, folded, to_fold)


_FOLDED = """
update control.operator_jobs set folded = $2, to_fold = $3, progressed_at = clock_timestamp()
where number = $1 and (folded, to_fold) is distinct from ($2::bigint, $3::bigint)
"""
