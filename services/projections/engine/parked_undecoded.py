"""Redriving records that could not be decoded, which no view has seen: with today's code they may be events after all.

Such a record takes its own place in the journal, so that every rebuild finds it there; it is given to every generation
that has passed that place, exactly once, repeats dropped. Rows that need no order take it as it comes. In an ordered
view later events of its key may have been applied already: there the key's rows are folded anew from the journal, so
that they are what the log's order makes them, and the next rebuild too.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, Literal, NamedTuple

import asyncpg

from services.projections.control import EVERY_VIEW, journal
from services.projections.engine.batch import JOURNAL_COLUMNS, Decode, Entry, entry_of
from services.projections.engine.folding import BehindParkedError, Contribution, Failure
from services.projections.engine.operating import held_views
from services.projections.engine.parked_attempts import begin_attempts, take_back_attempts
from services.projections.engine.parked_generations import (
    GenerationInTheWayError,
    PassedGeneration,
    passed_generations,
)
from services.projections.engine.parked_partition import despite_conflicts, held_partition
from services.projections.engine.parked_redrive import (
    EVERYTHING,
    WAITING,
    Redriven,
    Report,
    Wanted,
    unreported,
)
from services.projections.engine.parked_refolding import FailedAnew, StreamPlace, refold
from services.projections.engine.parked_settling import settle
from services.projections.engine.parking import Parked, park, parked_event
from services.projections.engine.refreshing import refresh
from services.projections.engine.view_update import update_view
from services.projections.engine.writing import RowsRefusedError, add_rows
from services.projections.read_models.declaration import Ledger, Ordered, ReadModel
from services.projections.sight.parked_counting import MOST_UNANSWERED
from shared.codec import UndecodableRecordError
from shared.envelope import RecordedEvent
from shared.erasures import ERASURES
from shared.log.port import StoredRecord


class _Outcome(NamedTuple):
    """What became of one record, and for how many views it, and what came after it, was parked instead of applied."""

    became: Literal["applied", "repeated", "failed"]
    parked: int = 0


async def redrive_undecoded(
    connection: asyncpg.Connection,
    read_models: Sequence[ReadModel],
    decode: Decode,
    wanted: Wanted = EVERYTHING,
    report: Report = unreported,
) -> Redriven:
    """Redrives the records that are parked for all views, one after the other; workers go on meanwhile.

    `wanted.key` is the stream key that a record was parked with, which only those have that were decoded and could not
    be stored. `read_models` are all that the program has. May be killed at any moment and repeated. Raises as `redrive`
    does.
    """
    async with held_views(connection, [EVERY_VIEW, *(each.name for each in read_models)]):
        await _refuse_unknown_views(connection, read_models)
        redriving = _UndecodedRedrive(connection, read_models, decode)
        outcomes: list[_Outcome] = []
        left_out = failed = 0
        place = (-1, -1)
        while (row := await connection.fetchrow(_NEXT, EVERY_VIEW, *place, *wanted[:2])) is not None:
            stored = StoredRecord(*row[:4])
            place = (stored.partition, stored.offset)
            if row["unanswered"] >= MOST_UNANSWERED and not wanted.again:
                left_out += 1
                continue
            outcomes.append(await redriving.attempt(stored))
            failed += outcomes[-1].became == "failed"
            await report(len(outcomes) - failed, failed)
        became = [each.became for each in outcomes]
        waiting = await connection.fetchval(WAITING, EVERY_VIEW)
    return Redriven(
        EVERY_VIEW,
        applied=became.count("applied"),
        repeated=became.count("repeated"),
        failed=became.count("failed"),
        left_out=left_out,
        waiting=waiting,
        parked=sum(each.parked for each in outcomes),
    )


class _UndecodedRedrive:
    def __init__(
        self, connection: asyncpg.Connection, read_models: Sequence[ReadModel], decode: Decode
    ) -> None:
        self._connection = connection
        self._read_models = read_models
        self._decode = decode

    async def attempt(self, stored: StoredRecord) -> _Outcome:
        """One record, in one transaction, counted before."""
        place = (self._connection, EVERY_VIEW, stored.partition, [stored.offset])
        await begin_attempts(*place)
        try:
            return await despite_conflicts(lambda: self._apply(stored))
        except RowsRefusedError as error:
            await settle(*place[:3], (), {stored.offset: error})
            return _Outcome("failed")
        except (Exception, asyncio.CancelledError):
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await take_back_attempts(*place)
            raise

    async def _apply(self, stored: StoredRecord) -> _Outcome:
        connection, partition, offset = self._connection, stored.partition, stored.offset
        async with held_partition(connection, partition):
            try:
                event = self._decode(stored)
            except UndecodableRecordError as error:
                await settle(connection, EVERY_VIEW, partition, (), {offset: error})
                return _Outcome("failed")
            repeated = await connection.fetchval(_IS_APPLIED, partition, event.event_hash)
            parked = [] if repeated else await self._give(stored, event)
            await park(connection, parked)
            await settle(connection, EVERY_VIEW, partition, [offset], {})
        return _Outcome("repeated" if repeated else "applied", len(parked))

    async def _give(self, stored: StoredRecord, event: RecordedEvent[Any]) -> list[Parked]:
        """Journals the event and gives it to all generations that have passed it; answers what is to be parked."""
        connection, partition = self._connection, stored.partition
        passed = await passed_generations(connection, self._read_models, partition, stored.offset)
        await refresh(connection, [each.view.read_model for each in passed])
        entry = entry_of(stored, self._decode, [each.view for each in passed])
        if entry.journal is not None:
            await add_rows(connection, journal, JOURNAL_COLUMNS, [entry.journal])
        await connection.execute(_BEGIN_BEFORE, partition, stored.offset)
        parked: list[Parked] = []
        given = sorted(zip(passed, entry.contributions, strict=True), key=lambda each: each[0].name)
        for name, of_view in groupby(given, key=lambda each: each[0].name):
            generations = [(each, contribution) for each, contribution in of_view if contribution is not None]
            if not generations:
                continue
            if await connection.fetchval(_PARKED_BEFORE, name, partition, event.stream_key, stored.offset):
                behind = BehindParkedError()
                parked.append(parked_event(name, stored, event, behind, attempts=0))
                continue
            for failed in await self._give_view(generations, entry):
                contribution, error = failed.failure
                attempts = 0 if isinstance(error, BehindParkedError) else 1
                parked.append(parked_event(name, failed.stored, contribution.event, error, attempts=attempts))
        return parked

    async def _give_view(
        self, generations: Sequence[tuple[PassedGeneration, Contribution]], entry: Entry
    ) -> list[FailedAnew]:
        """Gives it to a view's generations, those farthest on first; answers what the first could not take."""
        failures: list[FailedAnew] = []
        for number, (passed, contribution) in enumerate(generations):
            failed = await self._give_generation(passed, contribution, entry)
            if number == 0:
                failures = failed
            offsets = {each.stored.offset for each in failures if each.stored.offset < passed.position}
            if offsets != {each.stored.offset for each in failed}:
                raise GenerationInTheWayError(
                    f"generation {passed.generation} of view {passed.name} does not take the same events as the one "
                    f"that readers see: `rapport drop {passed.name} {passed.generation}`, then redrive again"
                )
        return failures

    async def _give_generation(
        self, passed: PassedGeneration, contribution: Contribution, entry: Entry
    ) -> list[FailedAnew]:
        event = contribution.event
        late = StreamPlace(event.partition, event.stream_key, event.offset)
        if isinstance(passed.view.read_model.kind, Ordered | Ledger) and await self._connection.fetchval(
            _LATER, *late, passed.position
        ):
            return await refold(self._connection, passed, self._decode, late)
        if passed.view.read_model.erased is not None and await self._connection.fetchval(
            _ERASED_LATER, *late, passed.position, ERASURES
        ):
            return []
        try:
            async with self._connection.transaction():
                failures = await update_view(self._connection, passed.view, [contribution])
        except RowsRefusedError as error:
            failures = [Failure(contribution, error)]
        return [FailedAnew(entry.stored, failure) for failure in failures]


async def _refuse_unknown_views(connection: asyncpg.Connection, read_models: Sequence[ReadModel]) -> None:
    known = [each.name for each in read_models]
    unknown = await connection.fetchval(_UNKNOWN, known)
    if unknown is not None:
        raise GenerationInTheWayError(
            f"view {unknown} is live and this program does not know it, so it could not be given these events: redrive "
            f"with the program that projects it, or take it out with `rapport pause {unknown}`"
        )


_ERASED_LATER = """
select true from control.journal
where partition = $1 and stream_key = $2 and log_offset > $3 and log_offset < $4 and source = $5
    and type = 'customer.erasure_requested'
limit 1
"""

_NEXT = """
select partition, log_offset, record_key, record_value, unanswered
from control.parked_events
where view = $1 and discarded_at is null and (partition, log_offset) > ($2::integer, $3::bigint)
    and ($4::text is null or stream_key = $4) and ($5::text is null or error = $5)
order by partition, log_offset limit 1
"""

_IS_APPLIED = "select exists (select from control.journal where partition = $1 and event_hash = $2)"

_BEGIN_BEFORE = """
update control.generation_positions set first = least(first, $2) where partition = $1 and position > $2
"""
"""A rebuild that has written rows stands behind its first event, also where the first one is given to it late."""

_PARKED_BEFORE = """
select exists (
    select from control.parked_events
    where view = $1 and partition = $2 and stream_key = $3 and log_offset < $4 and discarded_at is null
)
"""

_LATER = """
select exists (
    select from control.journal where partition = $1 and stream_key = $2 and log_offset > $3 and log_offset < $4
)
"""

_UNKNOWN = "select view from control.generations where state = 'live' and view <> all($1::text[]) limit 1"
