"""An inspection says what became of each event in each view, and whether readers see what the events come to."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from services.projections.engine.generations import make_first_generation
from services.projections.engine.history import Inspection, Subject, UnknownHistoryError, inspect
from services.projections.engine.history_view import ViewHistory
from services.projections.engine.pause import pause
from services.projections.history.reading import EVERYTHING, Horizon
from services.projections.read_models.declaration import ReadModel
from shared.log.port import NewRecord
from tests.case_ledger import CASE_LEDGER
from tests.channel_totals import CHANNEL_TOTALS
from tests.complaint_trails import COMPLAINT_TRAILS, POISON
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, decode, end_of, projection, purchase, reached, worker
from tests.strategies import PARTY_IDS, JsonObject

EVERY = (*READ_MODELS, COMPLAINT_TRAILS, CHANNEL_TOTALS, CASE_LEDGER)
M1 = PARTY_IDS.of("member", "M1")


class Views:
    """A database whose views follow a log in memory."""

    def __init__(self, connection: asyncpg.Connection, database_url: str) -> None:
        self.connection = connection
        self.database_url = database_url
        self.log = MemoryLog(partitions=4)

    async def project(self, *events: JsonObject) -> None:
        await append(self.log, events)
        async with worker(projection(self.database_url, self.log, read_models=EVERY, batch_events=3)):
            await reached(self.connection, end_of(self.log))

    async def inspect(
        self, key: str, horizon: Horizon = EVERYTHING, read_models: tuple[ReadModel, ...] = EVERY
    ) -> Inspection:
        subject = Subject(f"stream key {key}", stream_key=key)
        return await inspect(self.connection, read_models, subject, horizon, decode, most=100)


@pytest.fixture
async def views(database_url: str) -> AsyncIterator[Views]:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        for read_model in (COMPLAINT_TRAILS, CHANNEL_TOTALS, CASE_LEDGER):
            await make_first_generation(connection, read_model)
    yield Views(connection, database_url)
    await connection.close()


def step(number: int, complaint: str = "a", **changed: Any) -> JsonObject:
    return purchase(
        number,
        **{
            "id": f"step-{number}",
            "type": "complaint.reopened",
            "data": {"complaint_id": complaint},
            **changed,
        },
    )


def view(found: Inspection, name: str) -> ViewHistory:
    [only] = [each for each in found.views if each.view == name]
    return only


def treated(found: Inspection, name: str) -> list[str | None]:
    return [each.views.get(name) for each in sorted(found.events, key=lambda each: each.event.offset)]


def differences(found: Inspection, name: str) -> list[tuple[str, list[Any]]]:
    agreement = view(found, name).agreement
    assert agreement is not None
    assert agreement.differing == len(agreement.keys)
    return [(each.how, list(each.key.values())) for each in agreement.keys]


async def test_views_that_were_folded_from_the_same_events_agree(views: Views) -> None:
    await views.project(*(step(number, "ab"[number % 2]) for number in range(8)))
    found = await views.inspect("complaint:a")
    for name, compared, shared in (
        ("timeline", 4, 0),
        ("customer_summary", 1, 0),
        ("complaint_trails", 1, 0),
        ("channel_totals", 0, 1),
        ("case_ledger", 6, 0),
    ):
        agreement = view(found, name).agreement
        assert agreement == (compared, 0, [], shared)
        assert treated(found, name) == ["applied"] * 4
    assert view(found, "complaint_trails").rows == [
        ({"complaint_id": "a"}, {"steps": 4, "trail": ["step-0", "step-2", "step-4", "step-6"]})
    ]
    assert view(found, "timeline").entry_count == 4
    assert view(found, "timeline").entries == []
    assert [each["step"] for each in view(found, "case_ledger").entries] == [1, 2, 3, 4]
    assert found.position.includes(end_of(views.log))


async def test_rows_that_were_changed_removed_or_added_by_hand_are_named(views: Views) -> None:
    await views.project(step(0, "a"), step(1, "a"), step(2, "gone"), step(3, "gone", type="complaint.closed"))
    await views.connection.execute("update live.complaint_trails set steps = 7")
    await views.connection.execute("delete from live.timeline where type = 'complaint.closed'")
    await views.connection.execute("insert into live.complaint_trails values ('gone', 1, '[]')")
    await views.connection.execute(
        "update live.case_steps set step = 7 where complaint_id = 'a' and step = 2"
    )
    found = await views.inspect("complaint:a")
    assert differences(found, "complaint_trails") == [("changed", ["a"])]
    assert differences(found, "customer_summary") == []
    ledger = view(found, "case_ledger").agreement
    assert ledger is not None
    assert [(each.table, each.how) for each in ledger.keys] == [("case_steps", "changed")]
    gone = await views.inspect("complaint:gone")
    assert differences(gone, "complaint_trails") == [("extra", ["gone"])]
    [(how, key)] = differences(gone, "timeline")
    assert (how, key[0]) == ("missing", "complaint:gone")


async def test_parked_and_discarded_events_are_said_and_the_live_view_agrees_without_them(
    views: Views,
) -> None:
    await views.project(step(0), step(1, source=POISON), step(2))
    found = await views.inspect("complaint:a")
    assert treated(found, "complaint_trails") == ["applied", "parked", "parked"]
    assert treated(found, "timeline") == ["applied"] * 3
    assert differences(found, "complaint_trails") == []
    await views.connection.execute("update control.parked_events set discarded_at = now() where attempts = 1")
    assert treated(await views.inspect("complaint:a"), "complaint_trails") == [
        "applied",
        "discarded",
        "parked",
    ]


async def test_an_event_that_the_fold_cannot_take_now_is_named_with_its_error(views: Views) -> None:
    await views.project(step(0), step(1, source=POISON), step(2))
    await views.connection.execute("delete from control.parked_events")
    found = await views.inspect("complaint:a")
    assert treated(found, "complaint_trails") == ["applied", "failed", "failed"]
    [failed] = view(found, "complaint_trails").failed
    assert (failed.event.id, str(failed.error)) == ("step-1", "cannot take step-1")


async def test_a_paused_view_is_compared_where_it_stands(views: Views) -> None:
    await views.project(step(0))
    await pause(views.connection, "complaint_trails")
    await views.project(step(1))
    found = await views.inspect("complaint:a")
    assert treated(found, "complaint_trails") == ["applied", "waiting"]
    assert view(found, "complaint_trails").state == "paused"
    assert differences(found, "complaint_trails") == []
    assert view(found, "complaint_trails").rows[0][1]["steps"] == 1


async def test_what_cannot_be_compared_is_folded_and_said_to_be(views: Views) -> None:
    await views.project(step(0), step(1))
    newer = replace(COMPLAINT_TRAILS, version=2)
    unbuilt = replace(COMPLAINT_TRAILS, name="unbuilt")
    found = await views.inspect("complaint:a", read_models=(newer, unbuilt))
    assert [(each.agreement, each.note) for each in found.views] == [
        (None, "readers see version 1, this program folds version 2"),
        (None, "readers have no such view yet: it is being built, or `rapport rebuild` builds it"),
    ]
    early = await views.inspect("complaint:a", Horizon(found.events[-1].event.time))
    assert view(early, "complaint_trails").rows[0][1]["trail"] == ["step-0"]
    assert view(early, "complaint_trails").agreement is None
    assert early.event_count == 1


async def test_records_under_the_key_that_could_not_be_decoded_are_told(views: Views) -> None:
    async with views.log.writer() as writer:
        await writer.append([NewRecord(b"complaint:a", b"no event"), NewRecord(b"complaint:b", b"nor this")])
    await views.project()
    found = await views.inspect("complaint:a")
    assert [each.error for each in found.undecodable] == ["UndecodableRecordError"]
    assert found.event_count == 0


async def test_an_unknown_key_is_said_to_be(views: Views) -> None:
    await views.project(step(0))
    with pytest.raises(UnknownHistoryError, match="no event of stream key complaint:b was applied"):
        await views.inspect("complaint:b")


async def test_views_always_agree_while_events_keep_coming(views: Views) -> None:
    await append(views.log, [step(number, "ab"[number % 2]) for number in range(300)])
    rounds = 0
    async with (
        asyncio.timeout(30),
        worker(projection(views.database_url, views.log, read_models=EVERY, batch_events=3)),
    ):
        while True:
            try:
                found = await views.inspect("complaint:a")
            except UnknownHistoryError:
                continue
            rounds += 1
            for each in found.views:
                assert each.agreement is not None
                assert each.agreement.differing == 0
            if found.position.includes(end_of(views.log)):
                break
    assert rounds > 1
    assert found.event_count == 150


async def test_a_party_has_only_its_own_rows_compared(views: Views) -> None:
    await views.project(*(purchase(number, f"M{number % 2}") for number in range(6)))
    found = await views.inspect(M1)
    agreement = view(found, "customer_summary").agreement
    assert agreement == (1, 0, [], 0)
    assert view(found, "customer_summary").rows[0][1]["spend"] == {"EUR": "37.50"}
