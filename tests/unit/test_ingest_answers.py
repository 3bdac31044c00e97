from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest
from starlette.types import Message
from structlog.testing import capture_logs

from services.ingest.answer import answer_of
from services.ingest.credentials import Told
from services.ingest.limits import BodyMemory
from services.ingest.writing import Batch
from shared.acceptance import AcceptableEvent
from shared.http.problems import Problem
from shared.log.partitioning import partition_of
from shared.log.port import AppendOutcome, LogUnavailableError, LogWriter, NewRecord, RecordTooLargeError
from shared.position import Position
from shared.refusal import Refusal
from shared.senders import SourceRegistration
from tests.fakes.memory_log import MemoryLog
from tests.ingest_door import PARTY_IDS, Door, error_of, open_door, purchase, service_over


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


def of_member(event_id: str, member: str) -> dict[str, object]:
    return purchase(event_id, data={"customer": [{"type": "member", "value": member}]})


async def test_the_position_includes_every_accepted_event(door: Door) -> None:
    answer = await door.post([of_member(f"e{n}", f"M{n}") for n in range(20)])
    written = Position.of_written((record.partition, record.offset) for record in door.log.records())
    assert len(written.offsets) > 1
    assert Position.parse(answer.json()["position"]) == written


async def test_a_repeat_within_a_request_is_a_duplicate_and_written_once(door: Door) -> None:
    other_source = purchase("a1", source="/web")
    answer = await door.post([purchase("a1"), purchase("a1"), other_source, purchase("a1")])
    assert answer.status_code == 202
    assert [each["status"] for each in answer.json()["results"]] == [
        "accepted",
        "duplicate",
        "accepted",
        "duplicate",
    ]
    assert len(door.values()) == 2


async def test_a_repeat_of_a_rejected_event_is_judged_by_itself(door: Door) -> None:
    answer = await door.post([purchase("a1", type="nonsense"), purchase("a1"), purchase("a1")])
    assert [each["status"] for each in answer.json()["results"]] == ["rejected", "accepted", "duplicate"]


async def test_a_bad_repeat_is_rejected_although_the_first_is_accepted(door: Door) -> None:
    answer = await door.post([purchase("a1"), purchase("a1", channel="pigeon")])
    assert [each["status"] for each in answer.json()["results"]] == ["accepted", "rejected"]


async def test_all_rejected_is_422_with_a_result_each(door: Door) -> None:
    answer = await door.post([purchase("a1", type="x"), {}])
    assert answer.status_code == 422
    assert [each["id"] for each in answer.json()["results"]] == ["a1", None]
    assert answer.json()["position"] == "0"


async def test_while_the_log_is_away_posts_are_503_and_afterwards_accepted(door: Door) -> None:
    door.log.go_away()
    refused = await door.post([purchase(), {}])
    assert (refused.status_code, refused.json()["code"]) == (503, "log_unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    assert (await door.client.get("/readyz")).status_code == 503
    assert (await door.client.get("/healthz")).status_code == 200
    door.log.come_back()
    assert (await door.post(purchase())).status_code == 202
    assert (await door.client.get("/readyz")).status_code == 200


async def test_while_the_log_is_away_bad_events_still_learn_why(door: Door) -> None:
    door.log.go_away()
    assert (await door.post([{}])).status_code == 422


class PartlyAwayLog(MemoryLog):
    """A log of which one partition is away, and in which one record is too large."""

    def __init__(self, away: int) -> None:
        super().__init__()
        self.away = away

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[LogWriter]:
        async with super().writer() as writer:
            yield _PartlyAwayWriter(writer, self.away)


class _PartlyAwayWriter:
    def __init__(self, writer: LogWriter, away: int) -> None:
        self._writer = writer
        self._away = away

    async def append(self, records: Sequence[NewRecord]) -> list[AppendOutcome]:
        return [await self._append(record) for record in records]

    async def _append(self, record: NewRecord) -> AppendOutcome:
        if b"too-large" in record.value:
            return RecordTooLargeError(len(record.value), 1)
        if partition_of(record.key, 4) == self._away:
            return LogUnavailableError("its leader is away", retry_after_seconds=3, maybe_written=True)
        return (await self._writer.append([record]))[0]

    async def check_writable(self) -> None:
        await self._writer.check_writable()


async def test_what_one_partition_does_not_take_is_retryable_and_the_rest_accepted() -> None:
    events = [of_member(f"e{n}", f"M{n}") for n in range(20)]
    async with open_door(PartlyAwayLog(away=2)) as door:
        answer = await door.post([*events, *events])
        stored = {value["id"] for value in door.values()}
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert {each["id"] for each in results if each["status"] == "accepted"} == stored
    lost = [each for each in results if each["status"] == "rejected"]
    assert {each["error"]["code"] for each in lost} == {"log_unavailable"}
    assert all(each["error"]["retryable"] for each in lost)
    assert [each["id"] for each in lost[: len(lost) // 2]] == [each["id"] for each in lost[len(lost) // 2 :]]
    assert answer.json()["accepted"] + answer.json()["duplicates"] + answer.json()["rejected"] == 40


async def test_a_record_too_large_for_the_log_is_rejected_for_good() -> None:
    async with open_door(PartlyAwayLog(away=-1)) as door:
        answer = await door.post([purchase("too-large"), purchase("small")])
    error = error_of(answer)
    assert (error["code"], error["retryable"]) == ("event_too_large", False)
    assert answer.json()["accepted"] == 1


def test_the_longest_wait_is_told_when_several_partitions_are_away() -> None:
    batch = Batch()
    for number in range(3):
        batch.add(AcceptableEvent(f"e{number}", "/s", None, NewRecord(b"k", b"v")))
    away = [
        LogUnavailableError("away", retry_after_seconds=seconds, maybe_written=False) for seconds in range(3)
    ]
    with pytest.raises(Problem) as raised:
        batch.outcomes(away)
    assert raised.value.headers["retry-after"] == "2"


def test_an_answer_to_nothing_is_202() -> None:
    assert answer_of([]).status() == 202


def test_rejected_events_name_no_pointer_where_the_whole_event_is_meant() -> None:
    assert b"pointer" not in msgspec.json.encode(answer_of([Refusal("c", "d")]))


async def test_traceparent_comes_from_the_event_or_else_from_the_request(door: Door) -> None:
    own, requests = f"00-{'a' * 32}-{'b' * 16}-01", f"00-{'c' * 32}-{'d' * 16}-01"
    await door.post([purchase("own", traceparent=own), purchase("none")], traceparent=requests)
    assert {value["id"]: value["traceparent"] for value in door.values()} == {"own": own, "none": requests}


async def test_events_are_recorded_at_the_services_time_and_keep_their_own(door: Door) -> None:
    await door.post(purchase())
    (value,) = door.values()
    assert value["recordedtime"] == "2026-03-01T12:00:00Z"
    assert value["time"] == "2026-03-01T18:30:00+07:00"
    assert value["dataschema"] == "urn:rapport:purchase.completed:1"


async def test_a_purchase_and_the_loyalty_of_its_member_share_a_key(door: Door) -> None:
    enrolled = purchase("e-1", type="loyalty.enrolled") | {
        "data": {"account_id": "m 17", "programme": "circle"}
    }
    assert (await door.post([purchase(), enrolled])).json()["accepted"] == 2
    keys = {record.key for record in door.log.records()}
    assert len(keys) == 1
    assert next(iter(keys)).startswith(b"pty_")  # type: ignore[union-attr]


async def test_linked_identifiers_are_lifted_out_of_the_data(door: Door) -> None:
    data = {
        "customer": [{"type": "member", "value": "M1"}],
        "link_id": "l1",
        "reason": "staff",
        "identifiers": [{"type": "member", "value": "m 1"}, {"type": "email", "value": "A@Example.org"}],
    }
    link = purchase("l-1", type="identity.linked") | {"data": data}
    assert (await door.post(link)).status_code == 202
    (value,) = door.values()
    assert [each["party_id"] for each in value["linked"]] == [
        PARTY_IDS.of("member", "M1"),
        PARTY_IDS.of("email", "a@example.org"),
    ]
    data["identifiers"] = [{"type": "member", "value": "m 1"}, {"type": "member", "value": "M1"}]
    assert error_of(await door.post(link))["code"] == "bad_identifier"


async def test_rejected_events_are_logged_with_what_finds_them_again() -> None:
    with capture_logs() as lines:
        async with open_door() as door:
            await door.post([purchase("a1", type="nonsense"), purchase("a2")])
    (line,) = [line for line in lines if line["event"] == "event_rejected"]
    assert (line["log_level"], line["event_id"], line["source"], line["code"]) == (
        "info",
        "a1",
        "/store/bkk-01/pos-3",
        "unknown_type",
    )


async def test_accepted_events_are_logged_with_their_place_only_when_debugging() -> None:
    for level, expected in (("info", 0), ("debug", 1)):
        with capture_logs() as lines:
            async with open_door(log_level=level) as door:
                await door.post(purchase("a1"))
        accepted = [line for line in lines if line["event"] == "event_accepted"]
        assert len(accepted) == expected
        assert all(line["event_id"] == "a1" and line["offset"] == 0 for line in accepted)


async def test_many_rejected_events_cannot_flood_the_log() -> None:
    with capture_logs() as lines:
        async with open_door() as door:
            await door.post([{}] * 1000)
    assert len(lines) < 100
    assert lines[-1]["count"] == 950


async def test_metrics_count_events_by_outcome_and_code(door: Door) -> None:
    await door.post([purchase("a1", sentat="2026-03-01T11:59:00Z"), purchase("a1"), purchase("a2", type="x")])
    text = (await door.client.get("/metrics")).text
    assert 'rapport_ingest_events_total{code="",outcome="accepted"} 1.0' in text
    assert 'rapport_ingest_events_total{code="",outcome="duplicate"} 1.0' in text
    assert 'rapport_ingest_events_total{code="unknown_type",outcome="rejected"} 1.0' in text
    assert 'rapport_ingest_clock_skew_seconds_bucket{le="60.0"} 1.0' in text
    assert 'rapport_ingest_clock_skew_seconds_bucket{le="5.0"} 0.0' in text


class OnlyTheStore:
    """A credential check that knows one token, which may send for one source, whose channel is `store`."""

    async def told(self, headers: Mapping[bytes, bytes]) -> Told:
        if headers.get(b"authorization") != b"Bearer right":
            raise Problem(401, "unauthorized", "send a known bearer token")
        return Told(self)

    def registration(self, source: str) -> SourceRegistration | None:
        return SourceRegistration(channel="store") if source == "/store" else None


async def test_the_credential_check_sees_headers_and_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingest.main.SendersByAccess", lambda _: OnlyTheStore())
    async with open_door() as door:
        assert (await door.post(purchase())).json()["code"] == "unauthorized"
        events = [purchase("a1", source="/store", channel=None), purchase("a2", source="/elsewhere")]
        refused = await door.post(events, authorization="Bearer right")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_source")
        assert door.values() == []
        accepted = await door.post(events[:1], authorization="Bearer right")
        assert accepted.status_code == 202
        assert door.values()[0]["channel"] == "store"


async def test_an_unforeseen_error_is_a_500_that_names_a_trace_and_no_internals() -> None:
    class Broken(MemoryLog):
        @asynccontextmanager
        async def writer(self) -> AsyncIterator[LogWriter]:
            yield _BrokenWriter()

    with capture_logs() as lines:
        async with open_door(Broken()) as door:
            answer = await door.post(purchase())
    assert answer.status_code == 500
    assert "innermost" not in answer.text
    (line,) = [line for line in lines if line["event"] == "request_failed"]
    assert line["trace_id"] == answer.json()["trace_id"]


class _BrokenWriter:
    async def append(self, records: Sequence[NewRecord]) -> list[AppendOutcome]:
        raise RuntimeError(f"innermost secret of {len(records)} records")

    async def check_writable(self) -> None:
        return None


def test_bodies_beyond_the_common_memory_are_turned_away_until_some_are_released() -> None:
    memory = BodyMemory(limit_bytes=100)
    memory.hold(80)
    with pytest.raises(Problem) as raised:
        memory.hold(30)
    assert (raised.value.status, raised.value.code) == (503, "overloaded")
    memory.release(80)
    memory.hold(100)


async def test_every_request_gives_its_memory_back(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = BodyMemory()
    monkeypatch.setattr("services.ingest.posting.BodyMemory", lambda: memory)
    async with open_door() as door:
        bodies: list[object] = [purchase(), [{}], b"{", b" " * 6_000_000, [purchase("x", type="y")]]
        for body in bodies:
            await door.post(body)
        door.log.go_away()
        await door.post(purchase())
        assert memory.held_bytes == 0


async def test_a_client_that_hangs_up_in_mid_body_leaves_nothing_behind() -> None:
    log = MemoryLog()
    sent: list[object] = []
    messages: list[Message] = [
        {"type": "http.request", "body": b"[", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/events",
        "headers": [(b"content-type", b"application/json")],
    }
    async with service_over(log) as (service, _):
        await service(scope, receive, send)
    assert (sent, log.records()) == ([], [])
