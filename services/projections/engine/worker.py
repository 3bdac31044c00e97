"""A projection worker: registers itself, follows the log, and begins again after whatever passes."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg

from services.projections.engine.attempts import Attempts
from services.projections.engine.batch import Decode
from services.projections.engine.leases import APPLICATION_NAME, EXPIRY_SECONDS, beat, leave
from services.projections.engine.outage import Outage
from services.projections.engine.projector import Projector
from services.projections.read_models.declaration import ReadModel
from shared.log.port import EventLog, LogUnavailableError
from shared.metrics import Metrics

_WRITE_SECONDS = 60.0
_LEAVE_SECONDS = 2.0
_PASSING = (
    LogUnavailableError,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a server that ended the session just as a command began
    asyncpg.PostgresConnectionError,
    asyncpg.InternalServerError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedTableError,
)
"""PostgreSQL or the log being away, overloaded, restarted, handed over to a read-only server, or not migrated yet."""


class StrayCancellationError(Exception):
    """Something below the worker was cancelled that nobody asked to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What a worker projects, from where, into where, and at which pace.

    `prepare` is called in each session before anything is projected; what it raises ends the worker, unless it says
    that PostgreSQL is away.
    """

    database_url: str
    log: EventLog
    decode: Decode
    read_models: tuple[ReadModel, ...]
    metrics: Metrics
    batch_events: int = 5000
    database_timeout_seconds: float = 2.0
    heartbeat_seconds: float = 0.5
    expiry_seconds: float = EXPIRY_SECONDS
    prepare: Callable[[asyncpg.Connection], Awaitable[None]] | None = None


async def run_worker(projection: Projection, stop: asyncio.Event) -> None:
    """Projects until `stop`, then finishes the batch in hand and gives its partitions back.

    Waits with growing pauses while PostgreSQL or the log is away. Raises `LogReplacedError`,
    `PositionNotInLogError` and `ProgramOutdatedError`, which need a person. Cancelling it is safe: what was not
    committed is applied again later.
    """
    outage, attempts = Outage(projection.metrics), Attempts()
    while not stop.is_set():
        try:
            await _session(projection, outage, attempts, stop)
        except _PASSING as error:
            await outage.wait(error, stop)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled this worker: a library let go of a cancellation of its own, and silence would follow.
            await outage.wait(
                StrayCancellationError("a cancellation that nobody asked for ended the session"), stop
            )


async def _session(projection: Projection, outage: Outage, attempts: Attempts, stop: asyncio.Event) -> None:
    """One life of a worker: two connections, one reader. Ends by `stop`, or raises what ended it."""
    worker = uuid.uuid4().hex
    async with (
        _connection(projection, worker, projection.database_timeout_seconds) as beating,
        _connection(projection, worker, _WRITE_SECONDS) as writing,
        projection.log.reader() as reader,
    ):
        if projection.prepare is not None:
            await projection.prepare(writing)
        await beat(beating, worker, projection.expiry_seconds)
        projector = Projector(
            worker, writing, reader, projection.read_models, projection.decode,
            batch_events=projection.batch_events, metrics=projection.metrics, outage=outage,
            attempts=attempts,
        )  # fmt: skip
        heart = asyncio.create_task(_keep_beating(projection, worker, beating, writing, projector))
        try:
            await projector.run(stop)
        except _PASSING:
            if heart.done():
                heart.result()
            raise
        finally:
            heart.cancel()
            await asyncio.gather(heart, return_exceptions=True)
            projection.metrics.projection_partitions.set(0)
            projection.metrics.projection_position.clear()
        async with asyncio.timeout(_LEAVE_SECONDS):
            await leave(writing, worker)


async def _keep_beating(
    projection: Projection,
    worker: str,
    beating: asyncpg.Connection,
    writing: asyncpg.Connection,
    projector: Projector,
) -> None:
    """Heartbeats until cancelled. When one fails the worker may be taken for dead, so its writing ends with it."""
    try:
        while True:
            if await beat(beating, worker, projection.expiry_seconds):
                projector.sharing_due.set()
            await asyncio.sleep(projection.heartbeat_seconds)
    except Exception:
        writing.terminate()
        projector.sharing_due.set()
        raise


@asynccontextmanager
async def _connection(
    projection: Projection, worker: str, command_seconds: float
) -> AsyncIterator[asyncpg.Connection]:
    """A connection others can recognise as this worker's, and that PostgreSQL ends soon after this process.

    Its commits do not wait for the disk: rows and positions are lost together or not at all, and the log, which is the
    truth, holds every event that would be applied again.
    """
    connection = await asyncpg.connect(
        projection.database_url,
        timeout=projection.database_timeout_seconds,
        command_timeout=command_seconds,
        server_settings={
            "application_name": APPLICATION_NAME.format(worker),
            "client_connection_check_interval": "250ms",
            "synchronous_commit": "off",
            "timezone": "UTC",
        },
    )
    try:
        yield connection
    except AttributeError as error:
        if not connection.is_closed():
            raise
        # What asyncpg comes to where a connection is terminated between preparing a statement and executing it.
        raise asyncpg.InterfaceError("the connection was closed as a command began") from error
    finally:
        with suppress(*_PASSING):
            await connection.close(timeout=_LEAVE_SECONDS)
