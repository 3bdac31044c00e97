"""Every read of personal data is on record before it is answered, sealed values are opened, and the record is read."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from services.api.access.record_retention import RecordRetention
from services.api.access.recorded_reads import NotRecordedError, ReadOfPersonalData, recorded_reads
from shared.log.port import NewRecord
from shared.metrics import Metrics
from shared.personal_data.key_table import destroy_keys
from shared.personal_data.subject_keys import open_subject_keys
from tests.api_reader import CUSTOMER, M1, TIMELINE, Reader, migrated_reader, settings
from tests.api_reader import reader as reader_of
from tests.complaining import created, opened
from tests.credentials import access, key
from tests.databases import empty_views
from tests.ingest_door import NOW
from tests.projecting import eventually, purchase
from tests.redeeming import Hand
from tests.strategies import JsonObject, record_of

RECORDS = "/v1/access-records"
DESK = key("reader", roles=("front_line", "case_handler"))
OFFICER = key("reader", roles=("privacy_officer",))


def described(number: int, member: str = "M1", **attributes: Any) -> JsonObject:
    data = {"customer": [{"type": "member", "value": member}], "attributes": attributes}
    return purchase(number, id=f"d-{number}", type="customer.described", data=data)


@pytest.fixture
def hand() -> Hand:
    return Hand(NOW)


@pytest.fixture
async def reader(database_url: str, hand: Hand) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url, access=access(DESK, OFFICER), clock=hand) as made:
        await made.given(described(1, name="Ada"), opened("09:00"), created("10:00"), purchase(2, "M2"))
        yield made


async def records(asked: Reader, /, **query: Any) -> Any:
    answer = await asked.get(RECORDS, OFFICER.header, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_read_is_recorded_with_reader_customer_purpose_and_what_was_shown(reader: Reader) -> None:
    assert "Ada" in (await reader.get(TIMELINE, DESK.header, purpose="greeting")).text
    assert (
        "cold soup"
        in (await reader.get("/v1/complaints/C-1", DESK.header, purpose="complaint_handling")).text
    )
    assert "call back" in (await reader.get("/v1/tasks", DESK.header, purpose="complaint_handling")).text
    name = f"key:{DESK.stored.key_id}"
    time = "2026-03-01T12:00:00Z"
    assert sorted((await records(reader))["items"], key=lambda each: each["call"]) == [
        {
            "time": time, "reader": name, "customer": CUSTOMER, "purpose": "complaint_handling",
            "categories": ["free_text"], "call": "/v1/complaints/{complaint_id}",
        },
        {
            "time": time, "reader": name, "customer": CUSTOMER, "purpose": "greeting",
            "categories": ["identity"], "call": "/v1/customers/{id}/timeline",
        },
        {
            "time": time, "reader": name, "customer": "task:T-1", "purpose": "complaint_handling",
            "categories": ["free_text"], "call": "/v1/tasks",
        },
    ]  # fmt: skip


async def test_a_read_that_shows_nothing_personal_leaves_no_record(reader: Reader) -> None:
    await reader.get(TIMELINE, DESK.header)
    await reader.get(TIMELINE.replace(CUSTOMER, "cus_" + "a" * 26), DESK.header, purpose="greeting")
    await reader.get(TIMELINE, DESK.header, purpose="greeting", type="purchase.completed")
    await reader.get("/v1/tasks", DESK.header, purpose="greeting")
    assert (await records(reader))["items"] == []


async def test_a_read_that_cannot_be_recorded_shows_nothing(reader: Reader) -> None:
    connection = await asyncpg.connect(reader.database_url)
    await connection.execute("alter table control.access_records rename to elsewhere")
    refused = await reader.get(TIMELINE, DESK.header, purpose="greeting")
    assert (refused.status_code, refused.json()["code"]) == (503, "access_not_recorded")
    assert int(refused.headers["retry-after"]) >= 1
    assert "Ada" not in refused.text
    assert (await reader.get(TIMELINE, DESK.header)).status_code == 200, "what shows nothing needs no record"
    await connection.execute("alter table control.elsewhere rename to access_records")
    await connection.close()
    assert "Ada" in (await reader.get(TIMELINE, DESK.header, purpose="greeting")).text
    assert len((await records(reader))["items"]) == 1


async def test_the_record_is_paged_newest_first_and_filtered(reader: Reader, hand: Hand) -> None:
    times = []
    for seconds in range(5):
        hand.now = NOW.replace(second=seconds)
        await reader.get(TIMELINE, DESK.header, purpose="greeting")
        times.append(f"2026-03-01T12:00:{seconds:02}Z")
    first = await records(reader, limit=2)
    second = await records(reader, limit=2, cursor=first["next_cursor"])
    last = await records(reader, limit=2, cursor=second["next_cursor"])
    told = [each["time"] for page in (first, second, last) for each in page["items"]]
    assert (told, last["next_cursor"]) == (times[::-1], None)
    name = f"key:{DESK.stored.key_id}"
    for query, count in (
        ({"customer": CUSTOMER}, 5),
        ({"customer": M1}, 5),
        ({"customer": "task:T-1"}, 0),
        ({"reader": name}, 5),
        ({"reader": "subject:kim"}, 0),
        ({"from_": times[1], "to": times[3]}, 2),
        ({"customer": CUSTOMER, "reader": name, "from_": times[4]}, 1),
    ):
        assert len((await records(reader, **query))["items"]) == count, query
    for query in ({"customer": "kim"}, {"from_": times[3], "to": times[1]}, {"cursor": first["next_cursor"]}):
        given = {"reader": name, **query} if "cursor" in query else query
        assert (await reader.get(RECORDS, OFFICER.header, **given)).status_code == 422, query
    assert (await reader.get(RECORDS, DESK.header)).status_code == 403


async def test_sealed_values_are_opened_and_left_out_once_their_key_is_destroyed(database_url: str) -> None:
    async with migrated_reader(database_url, access=access(DESK)) as asked:
        metrics = Metrics(CollectorRegistry())
        async with open_subject_keys(settings(database_url), metrics) as keys:
            cipher = await keys.cipher_of([M1])
        sealed = record_of(described(1, name="Ada", language="th"), cipher=cipher)
        assert sealed.key is not None
        assert sealed.value is not None
        assert b"Ada" not in sealed.value
        async with asked.log.writer() as writer:
            await writer.append([NewRecord(sealed.key, sealed.value)])
        await asked.given(purchase(2))
        shown = (await asked.get(TIMELINE, DESK.header, purpose="greeting", type="customer.described")).json()
        [item] = shown["items"]
        assert item["data"] == {"attributes": {"language": "th", "name": "Ada"}}
        closed = (await asked.get(TIMELINE, DESK.header, type="customer.described")).json()
        assert closed["items"][0]["data"] == {"attributes": {"language": "th"}}
        assert "sealed:" not in str(shown) + str(closed)

        connection = await asyncpg.connect(database_url)
        async with connection.transaction():
            await destroy_keys(connection, [M1])
        await connection.close()

        async def is_gone() -> bool:
            answer = await asked.get(TIMELINE, DESK.header, purpose="greeting", type="customer.described")
            return bool(answer.json()["items"][0]["data"] == {"attributes": {"language": "th"}})

        await eventually(is_gone)


async def test_reads_at_once_are_recorded_together_and_what_waits_is_written_at_the_end(
    database_url: str,
) -> None:
    await empty_views(database_url, partitions=4)
    read = ReadOfPersonalData(NOW, "key:a", CUSTOMER, "greeting", ("identity", "contact"), "/v1/x")
    async with recorded_reads(database_url, 2.0) as kept:
        await kept.record([read, read._replace(subject="task:T-1")])
        await kept.record([])
    with pytest.raises(NotRecordedError):
        await kept.record([read])
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("select subject, categories from control.access_records order by number")
    await connection.close()
    assert [tuple(row) for row in rows] == [
        (CUSTOMER, ["identity", "contact"]), ("task:T-1", ["identity", "contact"]),
    ]  # fmt: skip


async def test_without_postgresql_nothing_counts_as_recorded() -> None:
    read = ReadOfPersonalData(NOW, "key:a", CUSTOMER, "greeting", ("identity",), "/v1/x")
    async with recorded_reads("postgresql://nobody@127.0.0.1:1/none", 1.0) as kept:
        with pytest.raises(NotRecordedError):
            await kept.record([read])


async def test_records_older_than_they_are_to_be_kept_are_forgotten_batch_by_batch(
    reader: Reader, hand: Hand
) -> None:
    for days in range(5):
        hand.now = NOW + timedelta(days=days)
        await reader.get(TIMELINE, DESK.header, purpose="greeting")

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(reader.database_url)

    retention = RecordRetention(connect, days=100, clock=hand)
    assert await retention.look(NOW + timedelta(days=100)) == 0, "what is just so old is kept"
    assert await retention.look(NOW + timedelta(days=102, seconds=1), most_a_batch=2) == 3
    kept = [each["time"] for each in (await records(reader))["items"]]
    assert kept == ["2026-03-05T12:00:00Z", "2026-03-04T12:00:00Z"]


async def test_the_api_forgets_old_records_by_itself(database_url: str, hand: Hand) -> None:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "insert into control.access_records (recorded_at, reader, subject, purpose, categories, call) "
        "select at, 'key:a', 'cus_a', 'greeting', '{identity}', '/' from unnest($1::timestamptz[]) at",
        [NOW - timedelta(days=8), NOW - timedelta(days=6)],
    )

    async def one_is_left() -> bool:
        times = await connection.fetch("select recorded_at from control.access_records")
        return [each["recorded_at"] for each in times] == [NOW - timedelta(days=6)]

    async with reader_of(database_url, clock=hand, access_record_days=7):
        await eventually(one_is_left)
    await connection.close()
