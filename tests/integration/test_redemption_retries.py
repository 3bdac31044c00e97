"""A redemption that broke off anywhere is sent again, and has one outcome (L8): crashes, lost answers, parking."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from services.api import ledger_writes
from services.api.database import DatabaseUnavailableError
from services.projections.engine.parked_redrive import EVERYTHING, redrive
from services.projections.engine.pause import pause, resume
from services.projections.loyalty.outcomes import outcome
from services.projections.read_models.declaration import ReadModel
from shared.log.port import AppendOutcome, LogUnavailableError, LogWriter, NewRecord
from tests.declared import READ_MODELS
from tests.failing_views import failing_on
from tests.fakes.memory_log import MemoryLog
from tests.parked import discard
from tests.projecting import decode, end_of, eventually, projection, reached, record, worker
from tests.redeeming import Desk, Hand, desk, grant, ledger, memory_log

LOYALTY = next(each for each in READ_MODELS if each.name == "loyalty")


class Crashing:
    """A writer whose process ends right after the log has taken the records, or loses the log's answer."""

    def __init__(self, writer: LogWriter, *, answers: bool) -> None:
        self._writer = writer
        self._answers = answers
        self.appended = asyncio.Event()

    async def append(self, records: Sequence[NewRecord]) -> list[AppendOutcome]:
        await self._writer.append(records)
        self.appended.set()
        if not self._answers:
            await asyncio.Event().wait()
        reason = "the answer was lost"
        return [LogUnavailableError(reason, retry_after_seconds=1, maybe_written=True) for _ in records]

    async def check_writable(self) -> None:
        await self._writer.check_writable()


@asynccontextmanager
async def two_desks(
    database_url: str, log: MemoryLog, first_writer: LogWriter
) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two API processes, the first of which appends with a writer of its own."""
    async with (
        log.writer() as writer,
        desk(database_url, first_writer, Hand()) as first,
        desk(database_url, writer, Hand()) as second,
    ):
        yield first, second


async def outcomes(database_url: str) -> list[tuple[str, int]]:
    """What the ledger decided, each once."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "select kind, points from live.loyalty_entries where kind like 'rede%' order by partition, log_offset"
        )
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


async def test_l8_a_retry_after_a_crash_between_append_and_answer_gets_the_first_outcome(
    database_url: str,
) -> None:
    log = memory_log()
    async with ledger(database_url, log, grant(100)), log.writer() as writer:
        crashing = Crashing(writer, answers=False)
        async with two_desks(database_url, log, crashing) as (crashed, other):
            request = asyncio.create_task(crashed.redeem(60, key="k"))
            await crashing.appended.wait()
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
            assert (await other.redeem(60, key="l")).json()["available"] == 40  # the first one was first
            retried = await other.redeem(60, key="k")
    assert (retried.status_code, retried.json()["available"]) == (201, 40)
    assert await outcomes(database_url) == [("redeemed", -60), ("redemption_rejected", 0)]


async def test_a_retry_after_a_lost_acknowledgement_spends_once(database_url: str) -> None:
    log = memory_log()
    async with (
        ledger(database_url, log, grant(100)),
        log.writer() as writer,
        two_desks(database_url, log, Crashing(writer, answers=True)) as (first, second),
    ):
        assert (await first.redeem(60, key="k")).json()["code"] == "log_unavailable"
        assert (await second.redeem(60, key="k")).json()["available"] == 40
        assert (await first.redeem(60, key="k")).json()["available"] == 40
    assert await outcomes(database_url) == [("redeemed", -60)]


async def test_twins_at_two_processes_are_one_request(database_url: str) -> None:
    log = memory_log()
    async with ledger(database_url, log, grant(100)):
        pass
    async with log.writer() as writer, two_desks(database_url, log, writer) as desks:
        twins = [asyncio.create_task(each.redeem(60, key="k")) for each in desks for _ in range(3)]
        await appended(log, 1 + len(twins))  # the grant, and every one: none found another in the journal
        other = asyncio.create_task(desks[1].redeem(50, key="k"))
        await appended(log, 2 + len(twins))
        async with worker(projection(database_url, log)):
            told, refused = [await each for each in twins], await other
    assert {(each.status_code, each.json()["available"]) for each in told} == {(201, 40)}
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert await outcomes(database_url) == [("redeemed", -60)]


async def appended(log: MemoryLog, records: int) -> None:
    """Waits until the log holds so many records."""

    async def there() -> bool:
        return len(log.records()) == records

    await eventually(there)


async def test_a_database_that_goes_away_after_the_append_leaves_the_request_pending(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = memory_log()
    read = outcome

    async def gone_once_appended(*arguments: Any, **named: Any) -> Any:
        if len(log.records()) > 1:
            raise DatabaseUnavailableError("PostgreSQL did not answer in time")
        return await read(*arguments, **named)

    async with (
        ledger(database_url, log, grant(100)),
        log.writer() as writer,
        desk(database_url, writer) as made,
    ):
        with monkeypatch.context() as patched:
            patched.setattr(ledger_writes, "outcome", gone_once_appended)
            answer = await made.redeem(60, key="k")
            refused = await made.redeem(60, key="l")
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert (await made.get(answer.headers["location"])).json()["status"] == "accepted"
        assert (await made.redeem(60, key="k")).json()["available"] == 40
        assert (await made.redeem(60, key="l")).json()["available"] == 40


async def test_a_ledger_that_stands_still_decides_nothing_and_nothing_is_guessed(database_url: str) -> None:
    log = memory_log()
    async with (
        ledger(database_url, log, grant(100)),
        log.writer() as writer,
        desk(database_url, writer) as made,
    ):
        connection = await asyncpg.connect(database_url)
        await reached(connection, end_of(log))
        assert await pause(connection, "loyalty")
        answers = [await made.redeem(60, key=key) for key in ("k", "k", "l")]
        assert {each.status_code for each in answers} == {202}
        assert (await made.redeem(50, key="k")).json()["code"] == "idempotency_key_reused"
        assert len(log.records()) == 3  # the retry found the request where the other views have it
        assert (await made.get(answers[0].headers["location"])).json()["status"] == "pending"
        assert await resume(connection, LOYALTY, decode)
        assert [(await made.redeem(60, key=key)).status_code for key in ("k", "l")] == [201, 409]
    await connection.close()


async def parked(database_url: str, log: MemoryLog, made: Desk) -> None:
    """The ledger cannot take up the grant of 100, nor, therefore, what follows it."""
    faulty: tuple[ReadModel, ...] = tuple(
        failing_on(each, ["grant-M1-0"]) if each is LOYALTY else each for each in READ_MODELS
    )
    async with worker(projection(database_url, log, read_models=faulty)):
        answer = await made.redeem(60, key="k", redemption_id="r1")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert "rapport parked" in answer.json()["detail"]
    for path in (answer.headers["location"], "M1/redemptions/r1"):
        assert (await made.get(path)).json()["status"] == "pending"


async def test_a_request_that_is_parked_is_pending_until_it_is_redriven(database_url: str) -> None:
    log = memory_log()
    async with ledger(database_url, log):
        pass
    connection = await asyncpg.connect(database_url)
    async with log.writer() as writer, desk(database_url, writer) as made:
        await writer.append([record(grant(100))])
        await parked(database_url, log, made)
        await redrive(connection, LOYALTY, decode, EVERYTHING)
        answer = await made.redeem(60, key="k", redemption_id="r1")
        assert (answer.status_code, answer.json()["available"]) == (201, 40)
        assert (await made.get("M1/redemptions/r1")).json() == answer.json()
    await connection.close()


async def test_a_request_that_operators_discarded_is_refused_for_good(database_url: str) -> None:
    log = memory_log()
    async with ledger(database_url, log):
        pass
    connection = await asyncpg.connect(database_url)
    async with log.writer() as writer, desk(database_url, writer) as made:
        await writer.append([record(grant(100))])
        await parked(database_url, log, made)
        event_id = await connection.fetchval(
            "select event_id from control.journal where source = '/rapport/api'"
        )
        await discard(connection, event_id, "loyalty")
        await redrive(connection, LOYALTY, decode, EVERYTHING)
        answer = await made.redeem(60, key="k", redemption_id="r1")
        assert (answer.status_code, answer.json()["code"]) == (409, "request_discarded")
        assert (await made.get("M1/redemptions/r1")).json()["code"] == "unknown_redemption"
    await connection.close()
