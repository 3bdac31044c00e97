"""One complaint over HTTP: its state, clocks, history and anomalies, now and at any time."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.projections.complaints import past_case, pause_queries, queries
from tests.api_reader import CUSTOMER, M1, Reader
from tests.complaining import acknowledged, assigned, at, complaint_desk, happened, opened, resolved
from tests.projecting import purchase
from tests.redeeming import Hand
from tests.strategies import JsonObject

C1 = "/v1/complaints/C-1"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[tuple[Reader, Hand]]:
    async with complaint_desk(database_url) as made:
        yield made


@pytest.fixture
def reader(desk: tuple[Reader, Hand]) -> Reader:
    return desk[0]


@pytest.fixture
def hand(desk: tuple[Reader, Hand]) -> Hand:
    return desk[1]


async def complaint(reader: Reader, path: str = C1, **query: Any) -> Any:
    answer = await reader.get(path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def clock(reader: Reader, name: str, as_of: str | None = None, number: int = 1) -> Any:
    """A clock now, or at a time."""
    query = {} if as_of is None else {"as_of": at(as_of).isoformat()}
    found = await complaint(reader, **query)
    return next(each for each in found["clocks"] if (each["name"], each["round"]) == (name, number))


async def test_a_complaint_shows_how_it_stands_now(reader: Reader) -> None:
    position = await reader.given(
        opened("09:00", description="and late", claim={"amount": "5.00", "currency": "EUR"}, location="hq/a"),
        assigned("09:30", person="kim", department="kitchen"),
        acknowledged("10:00"),
        happened("compensated", "11:00", kind="points", points=100),
    )
    answer = await reader.get(C1, purpose="complaint_handling")
    found = answer.json()
    assert answer.headers["rapport-position"] == position.token()
    clocks, history, version = found.pop("clocks"), found.pop("history"), found.pop("policy_version")
    assert version
    assert found == {
        "complaint_id": "C-1",
        "customer_id": CUSTOMER,
        "party_id": M1,
        "as_of": "2024-01-08T12:00:00Z",
        "summary": "cold soup",
        "description": "and late",
        "desired_outcome": None,
        "withheld": [],
        "state": "acknowledged",
        "cause": "quality_below_expectation",
        "severity": "normal",
        "level": "store",
        "channel": "store",
        "location": "hq/a",
        "order_id": None,
        "claim": {"amount": "5.00", "currency": "EUR"},
        "caused_by": None,
        "policy": "default",
        "round": 1,
        "reopened": 0,
        "resolution": None,
        "handling_fault": None,
        "on_time": None,
        "compensation": [{"kind": "points", "points": 100}],
        "assignee": {"person": "kim", "department": "kitchen"},
        "opened_at": "2024-01-08T09:00:00Z",
        "resolved_at": None,
        "next_due_at": "2024-01-08T17:00:00Z",
        "history_count": 4,
        "anomalies": [],
        "granted_points": [],
    }
    assert [(each["name"], each["status"], each["elapsed_seconds"]) for each in clocks] == [
        ("first_response", "met", 3600),
        ("resolution", "running", 3 * 3600),
        ("final_response", "running", 3 * 3600),
    ]
    assert [(each["type"], each["state_after"], each["anomaly"]) for each in history] == [
        ("complaint.opened", "open", None),
        ("complaint.assigned", "open", None),
        ("complaint.acknowledged", "acknowledged", None),
        ("complaint.compensated", "acknowledged", None),
    ]


@pytest.mark.parametrize(
    ("as_of", "status", "elapsed"),
    [
        ("09:00", "running", 0),
        ("11:59", "running", 10740),
        ("12:00", "at_risk", 3 * 3600),
        ("13:00", "at_risk", 4 * 3600),
        ("13:01", "breached", 4 * 3600 + 60),
        ("2024-01-09T08:00", "breached", 8 * 3600),
    ],
)
async def test_a_clock_of_working_time_follows_from_the_time_asked_about(
    reader: Reader, as_of: str, status: str, elapsed: int
) -> None:
    await reader.given(opened("09:00"))
    found = await clock(reader, "first_response", as_of)
    assert (found["status"], found["elapsed_seconds"], found["due_at"]) == (
        status,
        elapsed,
        "2024-01-08T13:00:00Z",
    )


async def test_clocks_go_on_with_the_time_of_the_api(reader: Reader, hand: Hand) -> None:
    await reader.given(opened("09:00"))
    assert (await clock(reader, "first_response"))["status"] == "at_risk"
    hand.move(hours=2)
    assert (await clock(reader, "first_response"))["status"] == "breached"


async def test_the_past_is_shown_as_it_was(reader: Reader) -> None:
    await reader.given(
        opened("09:00"),
        happened("escalated", "09:30", to_level="province", reason="staff_decision"),
        acknowledged("10:00"),
        resolved("11:00", handling_fault="lying"),
    )
    past = await complaint(reader, as_of="2024-01-08T09:45:00Z", purpose="complaint_handling")
    assert (past["state"], past["level"], past["as_of"], past["resolution"]) == (
        "open",
        "province",
        "2024-01-08T09:45:00Z",
        None,
    )
    assert past["history_count"] == len(past["history"]) == 2
    assert past["summary"] == "cold soup"
    assert {each["status"] for each in past["clocks"]} == {"running"}
    now = await complaint(reader, as_of="2024-01-08T11:00:00Z")
    assert now["state"] == "resolved"


async def test_every_past_moment_shows_what_was_shown_then(reader: Reader, hand: Hand) -> None:
    steps: list[JsonObject] = [
        opened("09:00"),
        acknowledged("09:10"),
        happened("customer_awaited", "09:20"),
        happened("customer_replied", "09:50"),
        resolved("10:00"),
        happened("reopened", "10:30", reason="it was a lie"),
        resolved("10:40", handling_fault="lying"),
        happened("accepted", "10:50"),
    ]
    shown = []
    for step in steps:
        await reader.given(step)
        hand.now = at(step["time"][11:16])
        shown.append(await complaint(reader))
    hand.move(hours=5)
    assert [await complaint(reader, as_of=step["time"]) for step in steps] == shown


async def test_an_event_that_changed_nothing_later_is_not_shown_before_it(reader: Reader) -> None:
    await reader.given(opened("09:00"), resolved("09:30"), acknowledged("11:00"))
    assert (await complaint(reader, as_of="2024-01-08T10:00:00Z"))["history_count"] == 2
    found = await complaint(reader)
    assert (found["state"], found["history_count"]) == ("resolved", 3)
    assert [each["code"] for each in found["anomalies"]] == ["not_allowed_in_resolved"]
    assert not found["history"][-1]["applied"]


async def test_while_the_customer_is_awaited_resolution_has_no_due_time(reader: Reader) -> None:
    await reader.given(opened("09:00"), happened("customer_awaited", "10:00"))
    waiting = await clock(reader, "resolution", "16:00")
    assert (waiting["status"], waiting["due_at"], waiting["elapsed_seconds"]) == ("paused", None, 3600)
    assert (await clock(reader, "first_response", "16:00"))["status"] == "breached"
    await reader.given(happened("customer_replied", "2024-01-09T09:00"))
    # Of the pause, 10:00 to 17:00 was working time; the night was none.
    assert (await clock(reader, "resolution", "2024-01-09T09:00"))["due_at"] == "2024-01-09T16:00:00Z"


async def test_pauses_are_told_as_stretches_of_time_the_one_that_goes_on_in_lists_too(
    reader: Reader, hand: Hand
) -> None:
    hand.now = at("2024-01-09T12:00")
    await reader.given(
        opened("09:00"),
        happened("customer_awaited", "10:00"),
        happened("customer_replied", "11:00"),
        happened("note_added", "16:30"),
        happened("customer_awaited", "16:00"),  # counts from 16:30 on
        happened("note_added", "2024-01-09T10:00"),
    )
    found = await clock(reader, "resolution")
    going_on = {
        "started_at": "2024-01-08T16:30:00Z",
        "ended_at": None,
        "reason": "waiting_for_customer",
        "working_seconds": 3 * 3600 + 1800,
    }
    assert (found["status"], found["elapsed_seconds"]) == ("paused", 6 * 3600 + 1800)
    assert found["pauses"] == [
        {
            "started_at": "2024-01-08T10:00:00Z",
            "ended_at": "2024-01-08T11:00:00Z",
            "reason": "waiting_for_customer",
            "working_seconds": 3600,
        },
        going_on,
    ]
    assert (found["open_pause"], found["pauses_left_out"]) == (going_on, 0)
    folded = await clock(reader, "resolution", "2024-01-09T09:00")
    assert folded["pauses"] == [found["pauses"][0], {**going_on, "working_seconds": 1800}]
    for path in ("/v1/complaints", f"/v1/customers/{CUSTOMER}/complaints"):
        [listed] = (await reader.get(path)).json()["items"]
        assert [each["open_pause"] for each in listed["clocks"]] == [None, going_on, None]


async def test_pauses_found_by_the_database_are_those_of_the_whole_history(reader: Reader) -> None:
    steps = []
    for minute in range(0, 50, 10):
        steps += [
            happened("customer_awaited", f"09:{minute + 3:02}"),
            happened("note_added", f"09:{minute + 5:02}"),
            happened("customer_replied", f"09:{minute + 1:02}"),
            happened("customer_replied", f"09:{minute + 6:02}"),
            resolved(f"09:{minute + 7:02}"),
            happened("reopened", f"09:{minute + 8:02}"),
            happened("customer_awaited", f"09:{minute + 2:02}"),
            resolved(f"09:{minute + 9:02}"),
            acknowledged(f"09:{minute + 9:02}"),
            happened("reopened", f"09:{minute + 9:02}"),
        ]
    ids = [{**each, "id": f"step-{number}"} for number, each in enumerate(steps)]
    await reader.given(opened("09:00"), *ids, {**happened("note_added", "11:30"), "id": "last"})
    now = [each["pauses"] for each in (await complaint(reader))["clocks"]]
    assert sum(map(len, now)) == 10
    assert now == [
        each["pauses"] for each in (await complaint(reader, as_of="2024-01-08T11:00:00Z"))["clocks"]
    ]


async def test_a_pause_that_began_before_all_that_is_looked_at_has_no_start(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = {name: getattr(pause_queries, name).replace("- 10000", "- 2") for name in ("_TURNS", "_SINCE")}
    for name, statement in narrow.items():
        monkeypatch.setattr(pause_queries, name, statement)
    notes = [happened("note_added", f"11:0{number}") for number in range(3)]
    await reader.given(opened("09:00"), happened("customer_awaited", "10:00"), *notes)
    found = await clock(reader, "resolution")
    [listed] = (await reader.get("/v1/complaints")).json()["items"]
    unknown = {
        "started_at": None, "ended_at": None, "reason": "waiting_for_customer", "working_seconds": None,
    }  # fmt: skip
    assert (found["pauses"], found["open_pause"]) == ([], unknown)
    assert listed["clocks"][1]["open_pause"] == unknown


async def test_a_reopened_complaint_shows_the_clocks_of_each_round(reader: Reader) -> None:
    await reader.given(
        opened("09:00", severity="critical"),
        resolved("15:00"),  # 6 hours of 4
        happened("reopened", "16:00"),
        resolved("16:30"),
    )
    found = await complaint(reader)
    assert [
        (each["round"], each["status"], each["elapsed_seconds"])
        for each in found["clocks"]
        if each["name"] == "resolution"
    ] == [(1, "missed", 6 * 3600), (2, "met", 1800)]
    assert (found["on_time"], found["reopened"], found["round"]) == (False, 1, 2)


async def test_points_granted_for_a_complaint_are_linked_by_their_cause(reader: Reader) -> None:
    def adjusted(number: int, cause: str) -> JsonObject:
        data = {"account_id": "M1", "points": number, "reason": "sorry", "actor": "kim"}
        time = f"2024-01-08T10:0{number}:00Z"
        return purchase(
            number, id=f"a-{number}", type="loyalty.points_adjusted", time=time, causeid=cause, data=data
        )

    await reader.given(opened("09:00"), adjusted(1, "C-1"), adjusted(2, "C-2"), adjusted(3, "C-1"))
    assert [
        (each["event_id"], each["account_id"], each["points"])
        for each in (await complaint(reader))["granted_points"]
    ] == [("a-1", "M1", 1), ("a-3", "M1", 3)]
    assert len((await complaint(reader, as_of="2024-01-08T10:02:00Z"))["granted_points"]) == 1


async def test_an_event_that_goes_back_in_time_is_marked(reader: Reader) -> None:
    await reader.given(opened("09:00"), acknowledged("08:30"))
    found = await complaint(reader)
    assert [each["code"] for each in found["anomalies"]] == ["time_went_back"]
    assert found["history"][-1]["applied"]
    assert (await clock(reader, "first_response"))["elapsed_seconds"] == 0


async def test_a_complaint_is_there_once_it_was_opened(reader: Reader) -> None:
    await reader.given(acknowledged("09:00"), acknowledged("09:05"))
    answer = await reader.get(C1)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_complaint")
    assert "2 events wait" in answer.json()["detail"]
    await reader.given(opened("08:00"))
    assert (await complaint(reader))["state"] == "acknowledged"
    too_early = await reader.get(C1, as_of="2024-01-08T07:59:00Z")
    assert too_early.json()["code"] == "unknown_complaint"


async def test_a_long_history_is_shown_in_part_and_paged_in_full(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = [happened("note_added", f"10:0{number}") for number in range(8)]
    await reader.given(opened("09:00"), acknowledged("08:00"), *notes)
    for order in ("asc", "desc"):
        numbers: list[str] = []
        cursor: dict[str, Any] = {}
        while True:
            page = await complaint(reader, f"{C1}/history", order=order, limit=3, **cursor)
            numbers += [each["event_id"] for each in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        whole = (await complaint(reader))["history"]
        assert numbers == [each["event_id"] for each in (whole if order == "asc" else reversed(whole))]
    monkeypatch.setattr(queries, "MOST_HISTORY", 4)
    found = await complaint(reader)
    assert (len(found["history"]), found["history_count"]) == (4, 10)
    assert found["history"][-1]["event_id"] == notes[-1]["id"]


async def test_a_past_too_long_to_fold_is_refused(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_case, "MOST_PAST_EVENTS", 2)
    await reader.given(opened("09:00"), *(happened("note_added", f"10:0{number}") for number in range(3)))
    answer = await reader.get(C1, as_of="2024-01-08T10:01:00Z")
    assert (answer.status_code, answer.json()["code"]) == (422, "history_too_large")
    assert (await complaint(reader, as_of="2024-01-08T09:30:00Z"))["history_count"] == 1


async def test_an_id_may_hold_slashes_and_what_an_address_gives_meaning(reader: Reader) -> None:
    await reader.given(opened("09:00", "desk/7?x=ü"), opened("09:00", "a/history"))
    assert (await complaint(reader, "/v1/complaints/desk%2F7%3Fx=%C3%BC"))["complaint_id"] == "desk/7?x=ü"
    assert (await complaint(reader, "/v1/complaints/desk%2F7%3Fx=%C3%BC/history"))["items"]
    metrics = (await reader.get("/metrics")).text
    assert 'route="/v1/complaints/{complaint_id}"' in metrics
    assert 'route="/v1/complaints/{complaint_id}/history"' in metrics


async def test_an_answer_that_is_held_already_is_not_sent_again(reader: Reader, hand: Hand) -> None:
    await reader.given(opened("09:00"))
    first = await reader.get(C1)
    assert (await reader.get(C1, {"if-none-match": first.headers["etag"]})).status_code == 304
    hand.move(seconds=1)
    assert (await reader.get(C1, {"if-none-match": first.headers["etag"]})).status_code == 200
    head = await reader.client.head(C1)
    assert (head.status_code, head.content) == (200, b"")


async def test_what_was_written_is_waited_for(reader: Reader) -> None:
    position = await reader.given(opened("09:00"))
    assert (await reader.get(C1, {"rapport-at-least": position.token()})).status_code == 200
    ahead = "0:999,1:999,2:999,3:999"
    answer = await reader.get(C1, {"rapport-at-least": ahead, "prefer": "wait=0"})
    assert (answer.status_code, answer.json()["code"]) == (503, "position_not_reached")


async def test_what_the_customer_said_is_shown_to_those_who_handle_it_alone(reader: Reader) -> None:
    await reader.given(opened("09:00", description="and late"))
    for purpose in (None, "greeting"):
        found = await complaint(reader, **({} if purpose is None else {"purpose": purpose}))
        assert (found["summary"], found["description"], found["withheld"]) == (None, None, ["free_text"])
    found = await complaint(reader, purpose="complaint_handling")
    assert (found["summary"], found["description"], found["withheld"]) == ("cold soup", "and late", [])


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        (C1, {"as_of": "yesterday"}, 422, "invalid_parameter"),
        (C1, {"as_of": "2024-01-08T09:00:00"}, 422, "invalid_parameter"),
        (C1, {"at": "2024-01-08T09:00:00Z"}, 422, "invalid_parameter"),
        (C1, {"as_of": "0001-01-01T00:00:00Z"}, 404, "unknown_complaint"),
        (f"{C1}/history", {"limit": "201"}, 422, "invalid_parameter"),
        (f"{C1}/history", {"order": "up"}, 422, "invalid_parameter"),
        (f"{C1}/history", {"cursor": "AAAA"}, 422, "invalid_cursor"),
        ("/v1/complaints/C-2", {}, 404, "unknown_complaint"),
        ("/v1/complaints/C-2/history", {}, 404, "unknown_complaint"),
        (f"/v1/complaints/{'x' * 129}", {}, 404, "unknown_complaint"),
        ("/v1/complaints/%00", {}, 404, "unknown_complaint"),
        ("/v1/complaints/", {}, 404, "unknown_complaint"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_a_code(
    reader: Reader, path: str, query: dict[str, Any], status: int, code: str
) -> None:
    await reader.given(opened("09:00"))
    answer = await reader.get(path, **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_far_future_is_answered_too(reader: Reader) -> None:
    await reader.given(opened("09:00"))
    found = await complaint(reader, as_of="9999-12-31T23:59:59Z")
    assert {each["status"] for each in found["clocks"]} == {"breached"}
