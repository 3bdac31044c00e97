"""Carries out what operators ordered through the API: one process at a time, resumed by another where that one ends.

The order, its progress and its outcome stand in `control.operator_jobs`. Who works on jobs holds a lock of its session,
and writes over that very session: a process whose connection is gone can neither go on nor tell anything any more.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

import asyncpg
import structlog

from services.projections.control import EVERY_VIEW
from services.projections.engine.batch import Decode
from services.projections.engine.kept_generations import roll_back, switch_to
from services.projections.engine.operating import ViewBusyError, operating_connection
from services.projections.engine.outdated_views import Order
from services.projections.engine.parked_generations import GenerationInTheWayError
from services.projections.engine.parked_redrive import Redriven, Wanted, redrive
from services.projections.engine.parked_undecoded import redrive_undecoded
from services.projections.engine.rebuild import RebuildRefusedError
from services.projections.engine.switch import SwitchRefusedError
from services.projections.engine.verification_job import verify_as_ordered
from services.projections.read_models.declaration import ReadModel

_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 60.0
_REPORT_SECONDS: Final = 0.5
_MOST_TAKEN_UP: Final = 5
_LONGEST_OUTCOME: Final = 1_000
_LOCK: Final = 0x52617071
_REFUSALS: Final = (ViewBusyError, SwitchRefusedError, GenerationInTheWayError, RebuildRefusedError)
_LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class _Job(NamedTuple):
    number: int
    kind: str
    view: str
    stream_key: str | None
    error: str | None
    generation: int | None
    taken_up: int
    applied: int
    failed: int
    again: bool
    by: str


class _Ended(NamedTuple):
    """How a job ended, and the sentence for people."""

    state: str
    outcome: str


async def run_operator_jobs(
    database_url: str,
    read_models: Sequence[ReadModel],
    decode: Decode,
    order: Order,
    *,
    pause_seconds: float = _PAUSE_SECONDS,
) -> None:
    """Looks every second, for ever, and carries out what was ordered, unless another process does.

    `order` says how a view is made anew, to be verified. Cancelling it is safe, and so is killing the process: what was
    begun is taken up again, five times at most, and a redrive does whole steps. Trouble is told in the log, and tried
    again after a pause that doubles, up to a minute.
    """
    log = structlog.get_logger("rapport.projections")
    pause = pause_seconds
    while True:
        try:
            async with operating_connection(database_url, "operator jobs") as connection:
                while True:
                    await work_off(connection, read_models, decode, order)
                    pause = pause_seconds
                    await asyncio.sleep(pause_seconds)
        except Exception as error:  # noqa: BLE001 - whatever it is, the live set goes on and a person is told
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            log.warning(
                "operator_jobs_stand", error=type(error).__name__, detail=str(error), again_in_seconds=pause
            )
        await asyncio.sleep(pause)


async def work_off(
    connection: asyncpg.Connection, read_models: Sequence[ReadModel], decode: Decode, order: Order
) -> list[int]:
    """Carries out all open jobs, oldest first; answers their numbers, none where another process has its turn.

    Raises asyncpg's errors where the connection is lost: then the job is open still.
    """
    if not await connection.fetchval("select pg_try_advisory_lock($1, 0)", _LOCK):
        return []
    ended: list[int] = []
    try:
        while (row := await connection.fetchrow(_TAKE_UP)) is not None:
            job = _Job(*row)
            found = await _carried_out(connection, read_models, decode, order, job)
            await connection.execute(_END, job.number, found.state, found.outcome[:_LONGEST_OUTCOME])
            structlog.get_logger("rapport.projections").info(
                "operator_job_ended", job=job.number, kind=job.kind, view=job.view, state=found.state
            )
            ended.append(job.number)
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock($1, 0)", _LOCK)
    return ended


async def _carried_out(
    connection: asyncpg.Connection, read_models: Sequence[ReadModel], decode: Decode, order: Order, job: _Job
) -> _Ended:
    if job.taken_up > _MOST_TAKEN_UP:
        return _Ended(
            "failed",
            f"the process that carried it out ended {_MOST_TAKEN_UP} times; see its log, then order it again",
        )
    try:
        return _Ended("done", await _outcome(connection, read_models, decode, order, job))
    except _REFUSALS as error:
        return _Ended("refused", str(error))
    except _LOST:
        raise
    except Exception as error:  # noqa: BLE001 - the job fails, the next one may not
        return _Ended("failed", f"{type(error).__name__}: {error}")


async def _outcome(
    connection: asyncpg.Connection, read_models: Sequence[ReadModel], decode: Decode, order: Order, job: _Job
) -> str:
    progress = _Progress(connection, job)
    wanted = Wanted(job.stream_key, job.error, job.again)
    if job.kind == "redrive" and job.view == EVERY_VIEW:
        return await progress.end(
            await redrive_undecoded(connection, read_models, decode, wanted, progress.report)
        )
    read_model = next((each for each in read_models if each.name == job.view), None)
    if read_model is None:
        raise SwitchRefusedError(f"the program that works on jobs does not know the view {job.view}")
    if job.kind == "redrive":
        return await progress.end(await redrive(connection, read_model, decode, wanted, progress.report))
    if job.kind == "roll_back":
        generation = await roll_back(connection, read_model, decode)
        return f"readers see generation {generation} again"
    if job.kind == "verify":
        return await verify_as_ordered(connection, order((read_model,)), job.number, job.by)
    if job.kind == "switch" and job.generation is not None:
        await switch_to(connection, read_model, job.generation, decode)
        return f"readers see generation {job.generation}"
    raise SwitchRefusedError(f"the program that works on jobs does not know the kind {job.kind}")


class _Progress:
    """Notes how far a redrive is, twice a second at most, on top of what was done before it was taken up again."""

    def __init__(self, connection: asyncpg.Connection, job: _Job) -> None:
        self._connection = connection
        self._job = job
        self._next = 0.0

    async def report(self, applied: int, failed: int) -> None:
        """Notes it, where the last time is long enough ago."""
        now = asyncio.get_running_loop().time()
        if now >= self._next:
            self._next = now + _REPORT_SECONDS
            await self._note(applied, failed)

    async def end(self, done: Redriven) -> str:
        """Notes what it came to, and says so."""
        applied, failed = await self._note(done.applied + done.repeated, done.failed)
        told = f"{applied} applied, {failed} failed"
        if done.left_out:
            told += f", {done.left_out} left out because they ended the process twice"
        if done.parked:
            told += f", {done.parked} parked for single views"
        waiting = (
            f"{done.waiting} events of the view wait still"
            if done.waiting
            else "nothing of the view waits any more"
        )
        return f"{told}; {waiting}"

    async def _note(self, applied: int, failed: int) -> tuple[int, int]:
        job = self._job
        sums = job.applied + applied, job.failed + failed
        await self._connection.execute(_PROGRESS, job.number, *sums)
        return sums


_TAKE_UP = """
update control.operator_jobs set state = 'running', taken_up = taken_up + 1,
    started_at = coalesce(started_at, clock_timestamp()), progressed_at = clock_timestamp()
where number = (
    select number from control.operator_jobs where state in ('waiting', 'running') order by number limit 1
)
returning number, kind, view, stream_key, error, generation, taken_up, applied, failed, again,
    coalesce(staff, ordered_by)
"""

_PROGRESS = """
update control.operator_jobs set applied = $2, failed = $3, progressed_at = clock_timestamp() where number = $1
"""

_END = """
update control.operator_jobs set state = $2, outcome = $3, ended_at = clock_timestamp() where number = $1
"""
