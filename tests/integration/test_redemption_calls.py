"""Redemptions over HTTP: one call is appended, decided by the ledger, and answered from it (L8)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, projection, worker
from tests.redeeming import ACCOUNTS, Desk, Hand, desk, grant, ledger, memory_log, open_desk


@pytest.fixture
async def open_one(database_url: str) -> AsyncIterator[tuple[Desk, MemoryLog]]:
    async with open_desk(database_url, grant(100), clock=Hand()) as opened:
        yield opened


async def test_l8_a_redemption_is_answered_with_what_the_ledger_decided(
    open_one: tuple[Desk, MemoryLog],
) -> None:
    desk, _ = open_one
    answer = await desk.redeem(30, account="m-1", redemption_id="r 1/ü", partner="bakery")
    assert answer.status_code == 201
    assert answer.json() == {
        "redemption_id": "r 1/ü",
        "status": "accepted",
        "points": 30,
        "available": 70,
        "entries": [
            {
                "event_id": answer.json()["entries"][0]["event_id"],
                "time": "2026-03-01T12:00:00Z",
                "kind": "redeemed",
                "points": -30,
                "balance_after": 70,
                "reason": "mug",
                "order_id": None,
                "partner": "bakery",
                "allocations": [{"lot": "grant-M1-0", "points": 30}],
                "shortfall": 0,
            }
        ],
    }
    assert answer.headers["location"] == f"{ACCOUNTS}/M1/redemptions/r%201%2F%C3%BC"
    assert answer.headers["preference-applied"] == "wait=10"
    read = await desk.get(answer.headers["location"], rapport_at_least=answer.headers["rapport-position"])
    assert (read.status_code, read.json()) == (200, answer.json())


async def test_l8_more_than_there_is_is_refused_with_what_there_is(open_one: tuple[Desk, MemoryLog]) -> None:
    desk, _ = open_one
    answer = await desk.redeem(101, redemption_id="r1")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["outcome"]) == (
        409,
        "insufficient_points",
        "rejected",
    )
    assert (problem["redemption_id"], problem["available"]) == ("r1", 100)
    assert [(each["kind"], each["points"]) for each in problem["entries"]] == [("redemption_rejected", 0)]
    assert (await desk.get("M1/redemptions/r1")).json()["status"] == "rejected"


async def test_l8_a_retry_gets_the_first_outcome_and_appends_nothing(
    open_one: tuple[Desk, MemoryLog],
) -> None:
    desk, log = open_one
    first = await desk.redeem(60, key="k")
    refused = await desk.redeem(60, key="l")
    records = len(log.records())
    again, refused_again = await desk.redeem(60, key="k"), await desk.redeem(60, key="l")
    assert (again.status_code, again.json()) == (201, first.json())
    assert refused_again.status_code == refused.status_code == 409
    assert refused_again.json()["entries"] == refused.json()["entries"]
    assert len(log.records()) == records


async def test_a_retry_after_the_cancellation_still_gets_the_first_outcome(
    open_one: tuple[Desk, MemoryLog],
) -> None:
    desk, log = open_one
    first = await desk.redeem(60, key="k", redemption_id="r1")
    await _cancel(log, "r1")
    await desk.redeem(100)  # so the ledger is past the cancellation
    assert (await desk.redeem(60, key="k", redemption_id="r1")).json() == first.json()
    now = (await desk.get("M1/redemptions/r1")).json()
    assert (now["status"], now["available"]) == ("cancelled", 100)
    assert [each["kind"] for each in now["entries"]] == ["redeemed", "redemption_cancelled"]


async def test_an_idempotency_key_stands_for_one_body(open_one: tuple[Desk, MemoryLog]) -> None:
    desk, log = open_one
    await desk.redeem(10, key="k")
    records = len(log.records())
    for other in ({"points": 11}, {"reward": "cup"}, {"partner": "bakery"}, {"redemption_id": "r2"}):
        answer = await desk.post("M1/redemptions", {"points": 10, "reward": "mug", **other}, key="k")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert len(log.records()) == records
    assert (
        await desk.redeem(10, key="k", account="M2")
    ).status_code == 409  # another account's keys are its own


async def test_a_redemption_id_stands_for_one_redemption(open_one: tuple[Desk, MemoryLog]) -> None:
    desk, _ = open_one
    first = await desk.redeem(10, key="k1", redemption_id="r1", partner="bakery")
    assert (await desk.redeem(10, key="k2", redemption_id="r1", partner="bakery")).json() == first.json()
    for members in ({"points": 11, "partner": "bakery"}, {"points": 10, "partner": "cinema"}, {"points": 10}):
        answer = await desk.redeem(redemption_id="r1", **members)
        assert (answer.status_code, answer.json()["code"]) == (409, "redemption_conflict")
    assert (await desk.redeem(1000)).json()["available"] == 90


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"points": 0, "reward": "mug"}, "/points"),
        ({"points": -1, "reward": "mug"}, "/points"),
        ({"points": 10**12, "reward": "mug"}, "/points"),
        ({"points": 10**30, "reward": "mug"}, "/points"),
        ({"points": 1.5, "reward": "mug"}, "/points"),
        ({"points": "1", "reward": "mug"}, "/points"),
        ({"reward": "mug"}, "/points"),
        ({"points": 1}, "/reward"),
        ({"points": 1, "reward": ""}, "/reward"),
        ({"points": 1, "reward": "m" * 513}, "/reward"),
        ({"points": 1, "reward": "m\0"}, "/reward"),
        ({"points": 1, "reward": "mug", "redemption_id": ""}, "/redemption_id"),
        ({"points": 1, "reward": "mug", "redemption_id": "r" * 129}, "/redemption_id"),
        ({"points": 1, "reward": "mug", "channel": "smoke"}, "/channel"),
        ({"points": 1, "reward": "mug", "location": "/a"}, "/location"),
        ({"points": 1, "reward": "mug", "surprise": 1}, "/surprise"),
        ([], ""),
        (b"null", ""),
    ],
)
async def test_a_wrong_body_is_refused_by_name_before_anything_is_appended(
    open_one: tuple[Desk, MemoryLog], body: object, pointer: str
) -> None:
    desk, log = open_one
    answer = await desk.post("M1/redemptions", body)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["pointer"]) == (422, "schema_violation", pointer)
    assert problem["detail"].startswith(f"{pointer[1:] or 'body'}: ")
    assert len(log.records()) == 1


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({"Idempotency-Key": ""}, b"{}", 400, "idempotency_key_required"),
        ({"Idempotency-Key": "k" * 201}, b"{}", 400, "idempotency_key_required"),
        ({"Idempotency-Key": "two words"}, b"{}", 400, "idempotency_key_required"),
        ({}, b"{", 400, "invalid_json"),
        ({}, b'{"points": 1, "reward": "\xff"}', 400, "invalid_json"),
        ({"Content-Type": "text/plain"}, b"{}", 415, "unsupported_media_type"),
        ({}, b" " * 70_000, 413, "too_large"),
    ],
)
async def test_a_request_that_cannot_be_read_is_refused(
    open_one: tuple[Desk, MemoryLog], headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    desk, _ = open_one
    answer = await desk.post("M1/redemptions", body, headers={"Content-Type": "application/json", **headers})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_without_an_idempotency_key_nothing_is_asked(open_one: tuple[Desk, MemoryLog]) -> None:
    desk, log = open_one
    answer = await desk.client.post(f"{ACCOUNTS}/M1/redemptions", json={"points": 1, "reward": "mug"})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert len(log.records()) == 1


@pytest.mark.parametrize("account", ["-", "unknown", "0000", "%00", "m" * 129])
async def test_a_number_that_is_no_account_is_refused(open_one: tuple[Desk, MemoryLog], account: str) -> None:
    desk, log = open_one
    answer = await desk.redeem(1, account=account)
    assert answer.status_code == 422
    assert answer.json()["pointer"] == "/account_id"
    assert len(log.records()) == 1
    assert (await desk.get(f"{account}/redemptions/r1")).json()["code"] == "unknown_redemption"


async def test_the_entry_stands_where_and_by_whom_it_was_asked_for(open_one: tuple[Desk, MemoryLog]) -> None:
    desk, _ = open_one
    answer = await desk.redeem(10, channel="store", staff="s-17", location="hq/bkk-01")
    customer = (await desk.client.post("/v1/customers/lookup", json={"type": "member", "value": "M1"})).json()
    timeline = await desk.client.get(f"/v1/customers/{customer['customer_id']}/timeline", params={"limit": 1})
    item = timeline.json()["items"][0]
    assert item["event_id"] == answer.json()["entries"][0]["event_id"]
    assert (item["channel"], item["staff"], item["location"]) == ("store", "s-17", "hq/bkk-01")
    assert item["source"] == "/rapport/api"


async def test_a_slow_ledger_is_answered_202_and_the_address_tells_the_outcome_later(
    database_url: str,
) -> None:
    log = memory_log()
    async with ledger(database_url, log, grant(100)):
        pass
    async with log.writer() as writer, desk(database_url, writer, Hand()) as made:
        answers = [
            await made.post(
                "M1/redemptions", {"points": 60, "reward": "mug"}, key=key, headers={"Prefer": "wait=0"}
            )
            for key in ("a", "b", "a")
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()["status"]) == (202, "pending")
            assert answer.headers["retry-after"] == "1"
            assert (await made.get(answer.headers["location"])).json()["status"] == "pending"
        async with worker(projection(database_url, log)):
            last = answers[-1].headers["rapport-position"]
            outcomes = [
                (await made.get(each.headers["location"], rapport_at_least=last)).json()["status"]
                for each in answers
            ]
        assert outcomes == ["accepted", "rejected", "accepted"]
        assert (await made.redeem(60, key="a")).status_code == 201
        assert (await made.redeem(60, key="b")).status_code == 409


async def test_without_the_log_a_redemption_is_answered_503_and_reads_go_on(
    open_one: tuple[Desk, MemoryLog],
) -> None:
    desk, log = open_one
    done = await desk.redeem(10, key="before", redemption_id="r1")
    log.go_away()
    answer = await desk.redeem(10, key="k")
    assert (answer.status_code, answer.json()["code"]) == (503, "log_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert (await desk.client.get("/readyz")).status_code == 200
    assert (await desk.get("M1/redemptions/r1")).json() == done.json()
    assert (await desk.redeem(10, key="before", redemption_id="r1")).json() == done.json()
    log.come_back()
    answers = await asyncio.gather(*(desk.redeem(10, key="k") for _ in range(3)))
    assert [answer.status_code for answer in answers] == [201] * 3
    assert answers[0].json()["available"] == 80


async def test_an_unknown_redemption_is_not_found(open_one: tuple[Desk, MemoryLog]) -> None:
    desk, _ = open_one
    for path in ("M1/redemptions/r9", "M9/redemptions/r1", "M1/redemptions/", "M1/redemptions/%00"):
        answer = await desk.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_redemption")


async def _cancel(log: MemoryLog, redemption_id: str) -> None:
    data = {"account_id": "M1", "redemption_id": redemption_id, "reason": "changed their mind"}
    event = {
        **grant(1, 9),
        "id": "c-1",
        "type": "loyalty.redemption_cancelled",
        "data": data,
        "time": "2026-03-01T12:00:00Z",
    }
    await append(log, [event])
