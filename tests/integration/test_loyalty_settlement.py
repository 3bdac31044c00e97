"""L14: the settlement between partners adds up, and says what books worked through by hand say."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import pytest

from services.projections.declared_views import declared_views
from services.projections.loyalty.programme_file import parse
from services.projections.rules import default_rules
from shared.log.port import NewRecord
from tests import loyalty_histories
from tests.api_reader import Reader, migrated_reader
from tests.fakes.memory_log import MemoryLog
from tests.integration.test_api_loyalty import earned, event, held
from tests.loyalty_histories import History, programmes_file, random_history
from tests.loyalty_oracle.book import Book
from tests.loyalty_oracle.reading import book_at
from tests.projecting import end_of, projection, purchase, reached, worker

HISTORIES = 60
MONTHS = ["2015-12", "2016-03", "2016-04", "2016-12", "2017-01", "2018-01"]
SETTLEMENT = "/v1/loyalty/settlement"
INSTANT = timedelta(microseconds=1)


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


async def settled(reader: Reader, month: str, programme: str = "circle") -> dict[str | None, Any]:
    answer = await reader.get(SETTLEMENT, programme=programme, month=month)
    assert answer.status_code == 200, answer.text
    return {each["issuing_partner"]: each for each in answer.json()["items"]}


def redemption(number: int, time: str, points: int, partner: str | None = None) -> Any:
    return event(
        number, "redemption_requested", time, redemption_id="r", points=points, reward="mug", partner=partner
    )


async def test_l14_points_are_settled_by_who_issued_and_who_took_them(reader: Reader) -> None:
    await reader.given(
        earned(1, "2024-01-05T00:00:00Z", 100, partner="bakery", expires_at="2024-03-10T00:00:00Z"),
        earned(2, "2024-01-06T00:00:00Z", 50, partner="cinema", expires_at=None),
        redemption(3, "2024-02-01T00:00:00Z", 120, "cinema"),
        event(4, "redemption_cancelled", "2024-04-02T00:00:00Z", redemption_id="r", reason="broken"),
    )
    january, february, march, april = [await settled(reader, f"2024-0{month}") for month in range(1, 5)]
    assert (january["bakery"]["issued"], january["bakery"]["outstanding"]) == (100, 100)
    assert february["bakery"] == {
        "issuing_partner": "bakery",
        "outstanding_before": 100,
        "issued": 0,
        "repaid": 0,
        "redeemed": 100,
        "given_back": 0,
        "clawed_back": 0,
        "expired": 0,
        "outstanding": 0,
        "by_redeeming_partner": [{"redeeming_partner": "cinema", "redeemed": 100, "given_back": 0}],
    }
    assert (february["cinema"]["redeemed"], february["cinema"]["outstanding"]) == (20, 30)
    assert (march["bakery"]["expired"], march["bakery"]["outstanding"]) == (0, 0)
    assert (april["bakery"]["given_back"], april["bakery"]["expired"], april["bakery"]["outstanding"]) == (
        100,
        100,
        0,
    )
    assert (april["cinema"]["given_back"], april["cinema"]["outstanding"]) == (20, 50)


async def test_l14_the_month_is_that_of_the_programmes_time_zone(reader: Reader) -> None:
    zone = default_rules().programmes.default.zone
    first = datetime(2024, 2, 1, tzinfo=zone).astimezone(UTC)
    before = (first - INSTANT).isoformat()
    await reader.given(earned(1, before, 1), earned(2, first.isoformat(), 20))
    answer = (await reader.get(SETTLEMENT, programme="circle", month="2024-02")).json()
    assert datetime.fromisoformat(answer["from"]) == first
    assert datetime.fromisoformat(answer["until"]) == datetime(2024, 3, 1, tzinfo=zone)
    assert (answer["items"][0]["outstanding_before"], answer["items"][0]["issued"]) == (1, 20)


async def test_l14_points_of_a_hold_that_ran_out_lapse_though_no_event_says_so(reader: Reader) -> None:
    await reader.given(
        earned(1, "2024-01-05T00:00:00Z", 100, expires_at="2024-03-10T00:00:00Z"),
        held(2, "2024-01-06T00:00:00Z", 30, "2024-04-10T00:00:00Z"),
    )
    march, april = (await settled(reader, "2024-03"))[None], (await settled(reader, "2024-04"))[None]
    assert (march["expired"], march["outstanding"]) == (70, 30)
    assert (april["expired"], april["outstanding"]) == (30, 0)


async def test_l14_the_month_that_runs_is_told_until_now(reader: Reader) -> None:
    zone = default_rules().programmes.default.zone
    now = datetime.now(UTC).replace(microsecond=0)
    await reader.given(earned(1, (now - timedelta(minutes=1)).isoformat(), 5), purchase(2))
    answer = (await reader.get(SETTLEMENT, programme="circle", month=f"{now.astimezone(zone):%Y-%m}")).json()
    assert datetime.fromisoformat(answer["until"]) >= now
    account = (await reader.get("/v1/loyalty/accounts/M1")).json()
    assert sum(each["outstanding"] for each in answer["items"]) == account["balance"]


@pytest.mark.parametrize(
    "query",
    [
        {}, {"programme": "circle"}, {"month": "2024-01"}, {"programme": "square", "month": "2024-01"},
        {"programme": "circle", "month": "2024-13"}, {"programme": "circle", "month": "2024-1"},
        {"programme": "circle", "month": "2024-01-01"}, {"programme": "circle", "month": "9999-12"},
        {"programme": "circle", "month": "0000-01"}, {"programme": "circle", "month": "2024-01", "limit": 1},
    ],
)  # fmt: skip
async def test_a_malformed_request_is_refused(reader: Reader, query: dict[str, Any]) -> None:
    answer = await reader.get(SETTLEMENT, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")


def histories_of_accounts(seed: str, monkeypatch: pytest.MonkeyPatch) -> list[History]:
    """Random histories, each of an account of its own, in which every event has an id of its own."""
    made = []
    make: Callable[..., Any] = loyalty_histories.event
    for number in range(HISTORIES):

        def further(
            kind: str, data: Any, time: datetime, _: str, offset: int, first: int = 1000 * number
        ) -> Any:
            return make(kind, data, time, f"e{first + offset}", first + offset)

        monkeypatch.setattr(loyalty_histories, "ACCOUNT", f"a-{number}")
        monkeypatch.setattr(loyalty_histories, "MEMBER", {"type": "member", "value": f"A {number}"})
        monkeypatch.setattr(loyalty_histories, "event", further)
        made.append(random_history(Random(f"{seed} {number}"), max_size=60))
    return made


async def project(database_url: str, toml: str, histories: Sequence[History]) -> None:
    log = MemoryLog()
    async with log.writer() as writer:
        await writer.append(
            [
                NewRecord(each.stream_key.encode(), msgspec.json.encode(each.record))
                for history in histories
                for each in history.events
            ]
        )
    read_models = declared_views(replace(default_rules(), programmes=parse(toml, "programmes.toml")))
    connection = await asyncpg.connect(database_url)
    async with worker(projection(database_url, log, read_models=read_models)):
        await reached(connection, end_of(log))
    await connection.close()


Figures = Counter[tuple[Any, ...]]


def by_hand(book: Book) -> Figures:
    """Points by what became of them and whose they are, of all time until the book was read."""
    partner_of = {lot.event_id: lot.partner for lot in book.lots}
    figures: Figures = Counter()
    for entry in book.entries:
        kind, partner = entry["kind"], entry["partner"]
        if kind in ("earned", "adjusted") and entry["points"] > 0:
            figures["issued", partner] += entry["points"]
        for each in entry["allocations"]:
            issuing, points = partner_of[each["lot"]], each["points"]
            if kind in ("redeemed", "hold_captured"):
                figures["redeemed", issuing] += points
                figures["redeemed at", issuing, partner] += points
            elif kind == "redemption_cancelled":
                figures["given_back", issuing] += points
                figures["given back at", issuing, partner] += points
            elif kind in ("clawed_back", "adjusted"):
                figures["clawed_back", issuing] += points
    return figures


def left_by_hand(book: Book, at: datetime) -> Figures:
    left: Figures = Counter()
    for lot in book.lots:
        left["outstanding" if lot.usable(at) else "expired", lot.partner] += lot.remaining
    for hold in book.holds.values():
        for each in hold.allocations if hold.state == "open" else ():
            left["outstanding", each.lot.partner] += each.points
    return left


def cut_by_hand(histories: Sequence[History], toml: str, programme: str, at: datetime) -> Figures:
    figures: Figures = Counter()
    for history in histories:
        whole = book_at(toml, history.events, max(each.time for each in history.events))
        book = book_at(toml, history.events, at)
        if whole is not None and book is not None and whole.enrolled_in().name == programme:
            figures.update(by_hand(book))
            figures.update(left_by_hand(book, at))
    return figures


def in_the_order_of_time(history: History, toml: str) -> History | None:
    """The history as it is told on time; None where refunds wait, which count for a time before they apply."""
    sorted_ = replace(history, events=tuple(sorted(history.events, key=lambda each: each.time)))
    book = book_at(toml, sorted_.events, sorted_.events[-1].time)
    times = [entry["time"] for entry in book.entries] if book else []
    return sorted_ if times == sorted(times) else None


@pytest.mark.parametrize("seed", ["one", "two"])
async def test_l14_the_settlement_is_what_the_books_say_at_both_ends_of_a_month(
    seed: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = programmes_file(Random(seed))
    (tmp_path / "programmes.toml").write_text(toml)
    drawn = histories_of_accounts(seed, monkeypatch)
    histories = [told for each in drawn if (told := in_the_order_of_time(each, toml)) is not None]
    assert len(histories) > HISTORIES / 3
    programmes = parse(toml, "programmes.toml").by_name
    async with migrated_reader(database_url, programmes=tmp_path / "programmes.toml") as reader:
        await project(database_url, toml, histories)
        for programme in programmes:
            for month in MONTHS:
                begins, ends = ends_of(month, programmes[programme].zone)
                before = cut_by_hand(histories, toml, programme, begins - INSTANT)
                until = cut_by_hand(histories, toml, programme, ends - INSTANT)
                await assert_settled(reader, programme, month, before, until)


async def assert_settled(reader: Reader, programme: str, month: str, before: Figures, until: Figures) -> None:
    found = await settled(reader, month, programme)
    partners = {name[1] for figures in (before, until) for name in figures}
    assert partners <= found.keys()
    for partner, item in found.items():
        told = f"{programme} {month} {partner}"
        assert item["outstanding_before"] == before["outstanding", partner], told
        assert item["outstanding"] == until["outstanding", partner], told
        for name in ("issued", "redeemed", "given_back", "clawed_back", "expired"):
            assert item[name] == until[name, partner] - before[name, partner], f"{told} {name}"
        assert item["repaid"] >= 0
        for each in item["by_redeeming_partner"]:
            at = each["redeeming_partner"]
            for name, of in (("redeemed", "redeemed at"), ("given_back", "given back at")):
                assert each[name] == until[of, partner, at] - before[of, partner, at], f"{told} {at} {name}"
        assert sum(each["redeemed"] for each in item["by_redeeming_partner"]) == item["redeemed"]
        assert adds_up(item), told


def adds_up(item: dict[str, Any]) -> bool:
    came = item["outstanding_before"] + item["issued"] + item["given_back"]
    went = item["repaid"] + item["redeemed"] + item["clawed_back"] + item["expired"]
    return bool(came - went == item["outstanding"])


def ends_of(month: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    year, number = int(month[:4]), int(month[5:])
    begins = datetime(year, number, 1, tzinfo=zone)
    ends = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    return begins.astimezone(UTC), ends.astimezone(UTC)


async def test_l14_figures_add_up_whatever_came_late_and_end_at_what_accounts_have(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = programmes_file(Random("late"))
    (tmp_path / "programmes.toml").write_text(toml)
    histories = histories_of_accounts("late", monkeypatch)
    programmes = parse(toml, "programmes.toml").by_name
    async with migrated_reader(database_url, programmes=tmp_path / "programmes.toml") as reader:
        await project(database_url, toml, histories)
        has: Counter[str] = Counter()
        for number in range(HISTORIES):
            answer = await reader.get(f"/v1/loyalty/accounts/a{number}")
            if answer.status_code == 200:
                account = answer.json()
                has[account["programme"]] += account["available"] + account["held"]
        for programme in programmes:
            outstanding: dict[str | None, int] = {}
            for month in ["2016-01", "2016-02", "2016-03", "2016-04", "2016-05"]:
                found = await settled(reader, month, programme)
                assert all(adds_up(each) for each in found.values())
                for partner, before in outstanding.items():
                    assert found[partner]["outstanding_before"] == before
                outstanding = {partner: each["outstanding"] for partner, each in found.items()}
            last = await settled(reader, f"{datetime.now(UTC) - timedelta(days=2):%Y-%m}", programme)
            assert sum(each["outstanding"] for each in last.values()) == has[programme]
