"""What every event log keeps to, whichever adapter stands behind the port."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence

import pytest

from shared.log.partitioning import partition_of
from shared.log.port import (
    Appended,
    Bounds,
    LogReader,
    LogTruncatedError,
    LogUnavailableError,
    LogWriter,
    NewRecord,
    RecordTooLargeError,
    StoredRecord,
)
from tests.contract.logs_under_test import BUFFER_RECORDS, PARTITIONS, LogUnderTest

START = dict.fromkeys(range(PARTITIONS), 0)
WAIT_SECONDS = 20


def numbered(key: str, count: int, first: int = 0) -> list[NewRecord]:
    return [NewRecord(key.encode(), f"{key}:{number}".encode()) for number in range(first, first + count)]


async def append_surely(writer: LogWriter, records: Sequence[NewRecord]) -> list[Appended]:
    """Appends, trying again while the log is away; for records that surely were not written."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            outcomes = await writer.append(records)
            appended = [outcome for outcome in outcomes if isinstance(outcome, Appended)]
            if len(appended) == len(records):
                return appended
            assert not appended, outcomes
            await asyncio.sleep(0.05)


async def read(reader: LogReader, count: int, at_once: int = 1000) -> list[StoredRecord]:
    found: list[StoredRecord] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while len(found) < count:
            found += await reader.poll(at_once, 0.5)
    return found


async def test_records_are_read_back_where_the_appends_said(under_test: LogUnderTest) -> None:
    records = [record for key in ("ann", "bob", "cy", "dee") for record in numbered(key, 5)]
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        appended = await append_surely(writer, records)
        await reader.seek(START)
        found = await read(reader, len(records))
    assert {
        (place.partition, place.offset): record for place, record in zip(appended, records, strict=True)
    } == {
        (stored.partition, stored.offset): NewRecord(stored.key or b"", stored.value or b"")
        for stored in found
    }


async def test_equal_keys_share_a_partition_that_every_adapter_agrees_on(under_test: LogUnderTest) -> None:
    records = [NewRecord(f"key-{number}".encode(), b"{}") for number in range(50)]
    async with under_test.log.writer() as writer:
        appended = await append_surely(writer, records)
    assert [place.partition for place in appended] == [
        partition_of(record.key, PARTITIONS) for record in records
    ]


async def test_concurrent_appends_keep_the_order_of_each_key_and_leave_no_gap(
    under_test: LogUnderTest,
) -> None:
    async def one_after_the_other(writer: LogWriter, key: str) -> None:
        for record in numbered(key, 10):
            await append_surely(writer, [record])

    keys = [f"key-{number}" for number in range(20)]
    async with (
        under_test.log.writer() as one,
        under_test.log.writer() as other,
        under_test.log.reader() as reader,
    ):
        await reader.seek(START)
        async with asyncio.TaskGroup() as tasks:
            for number, key in enumerate(keys):
                tasks.create_task(one_after_the_other((one, other)[number % 2], key))
            reading = tasks.create_task(read(reader, len(keys) * 10))
    values: dict[bytes, list[bytes]] = defaultdict(list)
    offsets: dict[int, list[int]] = defaultdict(list)
    for record in reading.result():
        values[record.key or b""].append(record.value or b"")
        offsets[record.partition].append(record.offset)
    assert values == {key.encode(): [record.value for record in numbered(key, 10)] for key in keys}
    assert all(found == list(range(len(found))) for found in offsets.values())


async def test_a_request_of_many_records_keeps_their_order(under_test: LogUnderTest) -> None:
    records = [
        record for number in range(90) for record in numbered(f"key-{number % 3}", 10, 10 * (number // 3))
    ]
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        appended = await append_surely(writer, records)
        await reader.seek(START)
        found = await read(reader, len(records))
    places = {(each.partition, each.offset): each.value for each in found}
    assert [places[place] for place in appended] == [record.value for record in records]


async def test_a_record_too_large_fails_alone(under_test: LogUnderTest) -> None:
    large = NewRecord(b"large", bytes(under_test.record_bytes + 1))
    async with under_test.log.writer() as writer:
        await append_surely(writer, numbered("first", 1))
        before, refused, after = await writer.append([NewRecord(b"a", b"1"), large, NewRecord(b"b", b"2")])
    assert isinstance(before, Appended)
    assert isinstance(refused, RecordTooLargeError)
    assert isinstance(after, Appended)


async def test_appending_nothing_answers_nothing(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer:
        assert await writer.append([]) == []


async def test_poll_gives_at_most_what_was_asked_for_and_goes_on_from_there(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        await append_surely(writer, [record for key in "abcdefgh" for record in numbered(key, 5)])
        await reader.seek(START)
        found: list[StoredRecord] = []
        async with asyncio.timeout(WAIT_SECONDS):
            while len(found) < 40:
                polled = await reader.poll(7, 0.5)
                assert len(polled) <= 7
                found += polled
        assert await reader.poll(7, 0.01) == []
    assert len({(record.partition, record.offset) for record in found}) == 40


async def test_poll_wakes_for_a_record_that_comes_while_it_waits(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        await append_surely(writer, numbered("early", 1))
        end = {
            partition: bounds.end for partition, bounds in (await reader.bounds(range(PARTITIONS))).items()
        }
        await reader.seek(end)
        polling = asyncio.create_task(read(reader, 1))
        [place] = await append_surely(writer, numbered("late", 1))
        [found] = await polling
    assert found == StoredRecord(place.partition, place.offset, b"late", b"late:0")


async def test_seek_reads_from_any_position_and_these_partitions_only(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        appended = await append_surely(writer, [record for key in "abcdefgh" for record in numbered(key, 5)])
        partition = appended[0].partition
        await reader.seek({partition: 3})
        end = (await reader.bounds([partition]))[partition].end
        found = await read(reader, end - 3)
        assert [(record.partition, record.offset) for record in found] == [
            (partition, n) for n in range(3, end)
        ]
        await reader.seek({partition: 1})
        [again, *_] = await read(reader, 1)
    assert again.offset == 1


async def test_bounds_are_what_a_partition_holds(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        [*_, last] = await append_surely(writer, numbered("ann", 5))
        held = await reader.bounds([last.partition, (last.partition + 1) % PARTITIONS])
    assert held == {last.partition: Bounds(0, 5), (last.partition + 1) % PARTITIONS: Bounds(0, 0)}


async def test_seeking_past_the_end_names_the_truncation(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        [*_, last] = await append_surely(writer, numbered("ann", 5))
        await reader.seek({last.partition: 5})
        with pytest.raises(LogTruncatedError) as raised:
            await reader.seek({last.partition: 6})
    assert (raised.value.partition, raised.value.position, raised.value.bounds) == (
        last.partition,
        6,
        Bounds(0, 5),
    )


async def test_records_lost_to_retention_are_named_not_skipped(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        [*_, last] = await append_surely(writer, numbered("ann", 5))
        await reader.seek({last.partition: 0})
        await under_test.truncate_before(last.partition, 2)
        try:
            found = await read(reader, 5)
        except LogTruncatedError:
            found = []
        assert [record.offset for record in found] in ([], [0, 1, 2, 3, 4]), "fetched before, or named"
        with pytest.raises(LogTruncatedError):
            await reader.seek({last.partition: 1})
        await reader.seek({last.partition: 2})
        assert [record.offset for record in await read(reader, 3)] == [2, 3, 4]


async def test_the_identity_stays_until_the_log_is_made_again(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        first = await reader.identity()
        await append_surely(writer, numbered("ann", 5))
        assert await reader.identity() == first
        await under_test.recreate()
        assert (await reader.identity()).log_id != first.log_id
    assert first.partitions == PARTITIONS


async def test_a_log_made_again_behind_the_reader_is_named(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        [*_, last] = await append_surely(writer, numbered("ann", 5))
        await reader.seek({last.partition: 5})
        await under_test.recreate()
        with pytest.raises(LogTruncatedError):
            await read(reader, 1)


async def test_a_log_that_is_away_answers_in_time_and_takes_appends_again_by_itself(
    under_test: LogUnderTest,
) -> None:
    async with under_test.log.writer() as writer:
        await append_surely(writer, numbered("before", 1))
        under_test.go_away()
        started = time.monotonic()
        outcomes = await writer.append(numbered("during", 3))
        assert time.monotonic() - started < 5
        assert all(isinstance(outcome, LogUnavailableError) for outcome in outcomes)
        with pytest.raises(LogUnavailableError):
            await writer.check_writable()
        under_test.come_back()
        await append_surely(writer, numbered("after", 1))
        await writer.check_writable()


async def test_a_log_away_from_the_start_is_found_when_it_comes(under_test: LogUnderTest) -> None:
    under_test.go_away()
    async with under_test.log.writer() as writer:
        [outcome] = await writer.append(numbered("early", 1))
        assert isinstance(outcome, LogUnavailableError)
        assert not outcome.maybe_written
        under_test.come_back()
        await append_surely(writer, numbered("late", 1))


async def test_a_reader_says_that_the_log_is_away_and_goes_on_afterwards(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        await append_surely(writer, numbered("ann", 1))
        await reader.seek(START)
        await read(reader, 1)
        under_test.go_away()
        with pytest.raises(LogUnavailableError):
            await read(reader, 1)
        with pytest.raises(LogUnavailableError):
            await reader.identity()
        under_test.come_back()
        await append_surely(writer, numbered("bob", 1))
        found: list[StoredRecord] = []
        async with asyncio.timeout(WAIT_SECONDS):
            while not found:
                try:
                    found = await reader.poll(10, 0.5)
                except LogUnavailableError:
                    await asyncio.sleep(0.05)
    assert [record.key for record in found] == [b"bob"]


async def test_a_reader_cannot_be_opened_while_the_log_is_away(under_test: LogUnderTest) -> None:
    under_test.go_away()
    with pytest.raises(LogUnavailableError):
        async with under_test.log.reader():
            pass


async def test_beyond_the_buffer_appends_are_turned_away_at_once(under_test: LogUnderTest) -> None:
    under_test.go_away()
    async with under_test.log.writer() as writer:
        waiting = asyncio.create_task(writer.append(numbered("ann", BUFFER_RECORDS)))
        await asyncio.sleep(0)
        outcomes = await writer.append(numbered("bob", 2))
        assert not waiting.done()
        for outcome in outcomes:
            assert isinstance(outcome, LogUnavailableError)
            assert not outcome.maybe_written
            assert outcome.retry_after_seconds > 0
        await waiting
        under_test.come_back()
        await append_surely(writer, numbered("bob", 2))


async def test_a_cancelled_append_is_withdrawn_when_it_was_not_handed_over(under_test: LogUnderTest) -> None:
    under_test.go_away()
    async with under_test.log.writer() as writer, asyncio.timeout(WAIT_SECONDS):
        cancelled = asyncio.create_task(writer.append(numbered("cancelled", 1)))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        under_test.come_back()
        await append_surely(writer, numbered("kept", 1))
        async with under_test.log.reader() as reader:
            await reader.seek(START)
            assert [record.key for record in await read(reader, 1)] == [b"kept"]
            assert await reader.poll(10, 0.01) == []


async def test_closing_a_writer_drains_it(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer:
        await append_surely(writer, numbered("ann", 1))
        appending = asyncio.create_task(writer.append(numbered("bob", 500)))
        await asyncio.sleep(0)
    assert all(isinstance(outcome, Appended) for outcome in await appending)


async def test_closing_while_the_log_is_away_takes_no_longer_than_5_seconds(under_test: LogUnderTest) -> None:
    async with under_test.log.writer() as writer, under_test.log.reader() as reader:
        await append_surely(writer, numbered("ann", 1))
        await reader.seek(START)
        under_test.go_away()
        appending = asyncio.create_task(writer.append(numbered("bob", 5)))
        await asyncio.sleep(0.1)
        started = time.monotonic()
    assert time.monotonic() - started < 10, "5 s each for the writer and the reader"
    assert all(isinstance(outcome, LogUnavailableError) for outcome in await appending)
