"""Holds over HTTP (L10): placed, captured, released, run out; refused by the ledger's own reason."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.redeeming import ACCOUNTS, Desk, Hand, grant, open_desk

HOUR = timedelta(hours=1)


class Counter:
    """A desk, its clock, and one hold of 50 of 100 points until an hour from now."""

    def __init__(self, desk: Desk, clock: Hand) -> None:
        self.desk = desk
        self.clock = clock

    async def place(self, points: int = 50, hold_id: str = "h1", **members: Any) -> httpx.Response:
        return await self.desk.hold(points, self.clock.now + HOUR, hold_id=hold_id, **members)

    async def capture(self, points: int, hold_id: str = "h1", key: str | None = None) -> httpx.Response:
        body = {"points": points, "reward": "dinner"}
        return await self.desk.post(f"M1/holds/{hold_id}/capture", body, key=key)

    async def release(self, hold_id: str = "h1", key: str | None = None) -> httpx.Response:
        return await self.desk.post(f"M1/holds/{hold_id}/release", b"", key=key)

    async def status(self, hold_id: str = "h1") -> tuple[str, int, int]:
        hold = (await self.desk.get(f"M1/holds/{hold_id}")).json()
        return hold["status"], hold["captured"], hold["available"]


@pytest.fixture
async def counter(database_url: str) -> AsyncIterator[Counter]:
    clock = Hand()
    async with open_desk(database_url, grant(100), clock=clock) as (desk, _):
        yield Counter(desk, clock)


async def test_l10_a_hold_sets_points_aside(counter: Counter) -> None:
    answer = await counter.place()
    hold = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{ACCOUNTS}/M1/holds/h1"
    assert [(each["kind"], each["points"], each["balance_after"]) for each in hold.pop("entries")] == [
        ("hold_placed", 0, 100)
    ]
    assert hold == {
        "hold_id": "h1",
        "status": "open",
        "points": 50,
        "captured": 0,
        "expires_at": "2026-03-01T13:00:00Z",
        "available": 50,
    }
    assert (await counter.desk.redeem(51)).json()["code"] == "insufficient_points"
    assert await counter.status() == ("open", 0, 50)


async def test_l10_capturing_spends_a_part_and_gives_the_rest_back(counter: Counter) -> None:
    await counter.place()
    answer = await counter.capture(30, key="k")
    captured = answer.json()
    assert (answer.status_code, captured["status"], captured["captured"]) == (201, "captured", 30)
    assert [(each["kind"], each["points"], each["reason"]) for each in captured["entries"]] == [
        ("hold_captured", -30, "dinner")
    ]
    assert captured["available"] == 70
    await counter.desk.redeem(70)
    assert (await counter.capture(30, key="k")).json() == captured
    assert await counter.status() == ("captured", 30, 70)
    entries = (await counter.desk.get("M1/holds/h1")).json()["entries"]
    assert [each["kind"] for each in entries] == ["hold_placed", "hold_captured"]


async def test_l10_releasing_gives_all_back(counter: Counter) -> None:
    await counter.place()
    answer = await counter.release(key="k")
    assert (answer.status_code, answer.json()["status"], answer.json()["available"]) == (201, "released", 100)
    assert (await counter.release(key="k")).json() == answer.json()
    assert await counter.status() == ("released", 0, 100)


async def test_a_retried_hold_gets_the_first_outcome(counter: Counter) -> None:
    expires_at = counter.clock.now + HOUR
    first = await counter.desk.hold(50, expires_at, key="k")
    hold_id = first.json()["hold_id"]
    await counter.release(hold_id)
    assert (await counter.desk.hold(50, expires_at, key="k")).json() == first.json()
    other = await counter.desk.hold(50, expires_at + HOUR, key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_hold_id_stands_for_one_hold(counter: Counter) -> None:
    await counter.place()
    assert (await counter.place()).status_code == 201  # the same once more, by another key
    assert (await counter.place(51)).json()["code"] == "hold_conflict"
    counter.clock.move(minutes=1)
    assert (await counter.place()).json()["code"] == "hold_conflict"


async def test_more_than_there_is_cannot_be_held(counter: Counter) -> None:
    answer = await counter.place(101)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["available"]) == (409, "insufficient_points", 100)
    assert (await counter.status())[0] == "rejected"
    assert (await counter.capture(1)).json()["code"] == "unknown_hold"


async def test_a_hold_that_is_over_before_it_begins_is_refused(counter: Counter) -> None:
    answer = await counter.desk.hold(50, counter.clock.now)
    assert (answer.status_code, answer.json()["code"]) == (409, "hold_expired")


@pytest.mark.parametrize("expires_at", ["2026-03-01T13:00:00", "tomorrow", 17, None, "0001-01-01T00:00:00Z"])
async def test_a_hold_ends_at_a_time_with_an_offset(counter: Counter, expires_at: object) -> None:
    answer = await counter.desk.post("M1/holds", {"points": 1, "expires_at": expires_at})
    assert (answer.status_code, answer.json()["code"]) == (422, "schema_violation")
    assert answer.json()["pointer"] == "/expires_at"


async def test_what_is_not_held_is_neither_captured_nor_released(counter: Counter) -> None:
    for answer in (await counter.capture(1, "h9"), await counter.release("h9")):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_hold")
    await counter.place()
    too_much = await counter.capture(51)
    assert (too_much.status_code, too_much.json()["code"]) == (409, "hold_exceeded")
    assert await counter.status() == ("open", 0, 50)
    await counter.capture(50)
    for answer in (await counter.capture(1), await counter.release()):
        assert (answer.status_code, answer.json()["code"]) == (409, "hold_closed")


async def test_l10_a_hold_runs_out_by_itself(counter: Counter) -> None:
    await counter.place()
    counter.clock.move(hours=1)
    assert (await counter.status())[0] == "expired"
    for answer in (
        await counter.capture(50, key="k"),
        await counter.release(),
        await counter.capture(50, key="k"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "hold_expired")
    assert await counter.status() == ("expired", 0, 100)
    assert (await counter.desk.redeem(100)).status_code == 201


async def test_a_refusal_stays_what_it_was_when_the_hold_changes(counter: Counter) -> None:
    await counter.place()
    assert (await counter.capture(51, key="k")).json()["code"] == "hold_exceeded"
    await counter.release()
    assert (await counter.capture(51, key="k")).json()["code"] == "hold_exceeded"


async def test_a_hold_and_a_redemption_of_one_id_are_two(counter: Counter) -> None:
    await counter.place(101, hold_id="x")
    redemption = await counter.desk.redeem(10, redemption_id="x")
    assert redemption.status_code == 201
    assert [each["kind"] for each in redemption.json()["entries"]] == ["redeemed"]
    assert (await counter.status("x"))[0] == "rejected"
    assert (await counter.desk.redeem(200, redemption_id="y")).status_code == 409
    await counter.place(10, hold_id="y")
    hold = (await counter.desk.get("M1/holds/y")).json()
    assert (hold["status"], [each["kind"] for each in hold["entries"]]) == ("open", ["hold_placed"])


async def test_ids_may_hold_slashes(counter: Counter) -> None:
    answer = await counter.place(hold_id="2026/3/capture")
    assert (await counter.desk.get(answer.headers["location"])).json()["hold_id"] == "2026/3/capture"
    assert (await counter.capture(1, "2026%2F3%2Fcapture")).status_code == 201


async def test_one_key_may_be_used_for_each_operation_but_for_one_hold(counter: Counter) -> None:
    await counter.desk.hold(10, counter.clock.now + HOUR, key="k", hold_id="h1")
    await counter.desk.hold(10, counter.clock.now + HOUR, key="l", hold_id="h2")
    assert (await counter.capture(10, "h1", key="k")).status_code == 201
    assert (await counter.capture(10, "h2", key="k")).json()["code"] == "idempotency_key_reused"
