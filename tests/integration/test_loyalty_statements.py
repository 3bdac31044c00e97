"""Pages of an account's entries, over the real worker, database and API, beside the second implementation."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest

from services.projections.declared_views import declared_views
from services.projections.loyalty.programme_file import parse
from services.projections.rules import default_rules
from shared.log.port import NewRecord
from tests import loyalty_histories
from tests.api_reader import TIMELINE, Reader, migrated_reader
from tests.fakes.memory_log import MemoryLog
from tests.integration.test_api_loyalty import earned, event, held, redeemed
from tests.loyalty_histories import History, programmes_file, random_history
from tests.loyalty_oracle import account_at, entries_at
from tests.projecting import end_of, projection, reached, worker
from tests.unit.loyalty.test_second_implementation import compared

HISTORIES = 30
LONG_AGO = "2024-01-01T00:00:00Z"
ENTRIES = "/v1/loyalty/accounts/M1/entries"


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


async def statement(
    reader: Reader, path: str = ENTRIES, limits: Sequence[int] = (200,), **query: Any
) -> list[dict[str, Any]]:
    """All pages, of the sizes given in turn."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    for number in range(10_000):
        limit = limits[number % len(limits)]
        answer = await reader.get(path, limit=limit, **cursor, **query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        assert len(page["items"]) == limit
        cursor = {"cursor": page["next_cursor"]}
    pytest.fail("the pages never end")


def histories_of_accounts(seed: str, monkeypatch: pytest.MonkeyPatch) -> list[History]:
    """Random histories, each of an account of its own, in which no event is another's repeat."""
    made = []
    make: Callable[..., Any] = loyalty_histories.event
    for number in range(HISTORIES):

        def further(*given: Any, first: int = 1000 * number) -> Any:
            return make(*given[:-1], first + given[-1])

        monkeypatch.setattr(loyalty_histories, "ACCOUNT", f"a-{number}")
        monkeypatch.setattr(loyalty_histories, "MEMBER", {"type": "member", "value": f"A {number}"})
        monkeypatch.setattr(loyalty_histories, "event", further)
        made.append(random_history(Random(f"{seed} {number}"), max_size=60))
    return made


@pytest.mark.parametrize("seed", ["one", "two"])
async def test_accounts_and_pages_of_entries_show_what_the_rules_say_at_any_time(
    seed: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = programmes_file(Random(seed))
    (tmp_path / "programmes.toml").write_text(toml)
    read_models = declared_views(replace(default_rules(), programmes=parse(toml, "programmes.toml")))
    log = MemoryLog()
    histories = histories_of_accounts(seed, monkeypatch)
    records = [
        NewRecord(each.stream_key.encode(), msgspec.json.encode(each.record))
        for history in histories
        for each in history.events
    ]
    random = Random(seed)
    async with migrated_reader(database_url, programmes=tmp_path / "programmes.toml") as reader:
        async with log.writer() as writer:
            await writer.append(records)
        connection = await asyncpg.connect(database_url)
        async with worker(projection(database_url, log, read_models=read_models)):
            await reached(connection, end_of(log))
        await connection.close()
        for number, history in enumerate(histories):
            for at in (*history.times, max(each.time for each in history.events)):
                limits = random.choices([1, 2, 3, 7, 200], k=3)
                told = replace(history, programmes=toml)
                await assert_shown(reader, f"/v1/loyalty/accounts/a{number}", told, at, limits)


async def assert_shown(reader: Reader, path: str, history: History, at: datetime, limits: list[int]) -> None:
    toml, told = history.programmes, f"{history!r}\nat {at}, {limits} a page"
    answer = await reader.get(path, as_of=at.isoformat())
    wanted = account_at(toml, history.events, at)
    if wanted is None:
        assert answer.status_code == 404, told
        return
    assert compared(answer.json()) == compared(wanted), told
    entries = compared(entries_at(toml, history.events, at))
    for order in ("asc", "desc"):
        found = await statement(reader, f"{path}/entries", limits, as_of=at.isoformat(), order=order)
        assert compared(found) == (entries if order == "asc" else entries[::-1]), f"{told} {order}"


async def test_entries_come_newest_first_with_what_lapsed_among_them(reader: Reader) -> None:
    await reader.given(
        earned(1, LONG_AGO, 100, expires_at="2024-03-01T00:00:00Z"),
        earned(2, LONG_AGO, 50, expires_at=None),
        redeemed(3, "2024-02-01T00:00:00Z", 120),
        event(4, "redemption_cancelled", "2024-03-02T00:00:00Z", redemption_id="r-3", reason="broken"),
        redeemed(5, "2024-04-01T00:00:00Z", 51),
    )
    found = await statement(reader)
    assert [(each["kind"], each["points"], each["balance_after"]) for each in found] == [
        ("redemption_rejected", 0, 50),
        ("redemption_cancelled", 120, 50),
        ("expired", -100, -70),
        ("redeemed", -120, 30),
        ("earned", 50, 150),
        ("earned", 100, 100),
    ]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 3])
async def test_hundreds_of_lots_that_lapse_at_once_are_paged_in_order(
    reader: Reader, order: str, limit: int
) -> None:
    await reader.given(
        *(
            earned(number, f"2024-01-01T{number % 2:02}:00:00Z", number, expires_at="2024-03-01T00:00:00Z")
            for number in range(1, 300)
        ),
        earned(300, "2024-02-01T00:00:00Z", 5, expires_at=None),
        earned(301, "2024-04-01T00:00:00Z", 5, expires_at=None),
    )
    whole = await statement(reader, order=order)
    assert await statement(reader, limits=[limit, 50], order=order) == whole
    oldest_first = whole if order == "asc" else whole[::-1]
    expired = [each for each in oldest_first if each["kind"] == "expired"]
    assert len(expired) == 299
    assert expired[-1]["balance_after"] == 5
    assert oldest_first[-1]["balance_after"] == 10 == sum(each["points"] for each in whole)


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_neither_repeat_nor_skip_while_events_arrive(reader: Reader, order: str) -> None:
    """Meanwhile events write down the releases that pages had shown as done by time alone."""
    ran_out = "2024-05-01T00:00:00Z"
    await reader.given(
        earned(1, LONG_AGO, 500, expires_at=None),
        *(earned(number, LONG_AGO, 1, expires_at="2024-04-01T00:00:00Z") for number in range(2, 5)),
        *(held(number, "2024-04-02T00:00:00Z", 10, ran_out) for number in range(10, 14)),
    )
    before = await statement(reader, order=order)
    assert [each["kind"] for each in before].count("hold_released") == 4
    seen: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    number = 20
    while True:
        page = (await reader.get(ENTRIES, limit=1, order=order, **cursor)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        number += 1
        if number < 26:
            late = ("2024-01-02T00:00:00Z", "2024-05-01T00:00:00Z", "2024-06-01T00:00:00Z")[number % 3]
            await reader.given(earned(number, late, 1, expires_at=None))

    def name(each: dict[str, Any]) -> tuple[str, str]:
        return each["kind"], each["event_id"]

    names = [name(each) for each in seen]
    assert len(names) == len(set(names))
    there = {name(each) for each in before}
    assert [each for each in names if each in there] == [name(each) for each in before]


async def test_a_cursor_is_good_for_its_own_list_only(reader: Reader) -> None:
    await reader.given(*(earned(number, f"2024-01-0{number}T00:00:00Z", 1) for number in range(1, 5)))
    other = earned(9, LONG_AGO, 1)
    other["data"]["account_id"] = "M2"
    await reader.given(other)
    cursor = (await reader.get(ENTRIES, limit=1)).json()["next_cursor"]
    lists: list[tuple[str, dict[str, Any]]] = [
        ("/v1/loyalty/accounts/M2/entries", {}),
        (ENTRIES, {"order": "asc"}),
        (ENTRIES, {"as_of": LONG_AGO}),
        (TIMELINE, {}),
    ]
    for path, query in lists:
        answer = await reader.get(path, cursor=cursor, **query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
    for tampered in (cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), "x" * 1024, cursor + "=", "%", "ä"):
        answer = await reader.get(ENTRIES, cursor=tampered)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
    assert (await reader.get("/v1/loyalty/accounts/m-1/entries", cursor=cursor)).status_code == 200


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 201}, {"order": "up"}, {"as_of": "2024"}, {"x": 1}]
)
async def test_a_malformed_request_is_refused(reader: Reader, query: dict[str, Any]) -> None:
    answer = await reader.get(ENTRIES, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")


def test_the_present_of_these_tests_lies_behind_what_they_let_run_out() -> None:
    assert datetime.now(UTC) > datetime(2024, 6, 1, tzinfo=UTC)
