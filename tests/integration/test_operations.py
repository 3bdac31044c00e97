"""Operators look at projections, over HTTP and on the console's screens, and order what is to be done about them."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from services.projections.engine.operator_jobs import run_operator_jobs, work_off
from services.projections.engine.rebuild import rebuild
from services.projections.read_models.timeline import TIMELINE
from tests.api_reader import Reader, reader
from tests.credentials import Key, access, key
from tests.databases import empty_views, with_database
from tests.declared import READ_MODELS
from tests.failing_views import failing_on
from tests.parked import project
from tests.projecting import append, decode, purchase
from tests.rebuilding import ordering, rebuilding

OWN = {"origin": "http://api", "sec-fetch-site": "same-origin"}
OPERATOR, DESK = key("reader", roles=("operator",)), key("reader", roles=("front_line",))
VIEWS, PARKED, JOBS = "/v1/operations/views", "/v1/operations/parked", "/v1/operations/jobs"
EVENTS, TAIL = "/v1/operations/events", "/v1/operations/tail"
STORE = "/store/bkk-01/pos-3"
FAULT = {"view": "timeline", "error": "FoldFaultError"}


@pytest.fixture(scope="module")
async def database(postgres_server: str) -> AsyncIterator[str]:
    """A database of this module's own, with views."""
    server = await asyncpg.connect(postgres_server)
    await server.execute("create database operations")
    url = with_database(postgres_server, "operations")
    await empty_views(url, partitions=4)
    yield url
    await server.execute("drop database operations with (force)")
    await server.close()


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    """As a projection process has one for jobs."""
    opened = await asyncpg.connect(database)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def room(database: str) -> AsyncIterator[Reader]:
    """An API whose log has three purchases, which the views have."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("services.api.main.PAUSE_SECONDS", 0.1)
        async with reader(database, access=access(OPERATOR, DESK)) as made:
            yield await _with_events(made)


async def _with_events(room: Reader) -> Reader:
    await room.given(purchase(1), purchase(2), purchase(3))
    return room


async def asked(room: Reader, path: str, **query: Any) -> Any:
    answer = await room.get(path, headers=OPERATOR.header, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def signed_in(room: Reader, who: Key = OPERATOR) -> dict[str, str]:
    """The headers of a browser in which somebody has signed in."""
    form = {"credential": who.token, "staff": "kim"}
    answer = await room.client.post("/console/sign-in", data=form, headers=OWN)
    return {**OWN, "cookie": answer.headers["set-cookie"].partition(";")[0]}


async def page(room: Reader, path: str, who: Key = OPERATOR, status: int = 200) -> str:
    answer = await room.client.get(path, headers=await signed_in(room, who))
    assert answer.status_code == status, answer.text
    return answer.text


async def ordered(room: Reader, **body: Any) -> httpx.Response:
    return await room.client.post(JOBS, json=body, headers=OPERATOR.header)


async def worked_off(room: Reader, connection: asyncpg.Connection) -> list[int]:
    """The numbers of the jobs that a projection process has carried out."""
    return await work_off(connection, READ_MODELS, decode, ordering(room.database_url, room.log))


async def parked(room: Reader, database: str, *numbers: int) -> None:
    """Purchases that the timeline fails on: the first of each two, behind which the second waits."""
    firsts = {f"purchase-{number}" for number in numbers}
    models = tuple(failing_on(each, firsts) if each is TIMELINE else each for each in READ_MODELS)
    connection = await asyncpg.connect(database)
    events = [purchase(each, f"N{number}") for number in numbers for each in (number, number + 1)]
    await project(connection, database, room.log, events, models)
    await connection.close()


async def looked(room: Reader, **expected: Any) -> dict[str, Any]:
    """The timeline as the answer tells it, once the process has looked at the log and found it as expected."""
    view: dict[str, Any] = {}
    for _ in range(400):
        [view] = [each for each in (await asked(room, VIEWS))["views"] if each["name"] == "timeline"]
        if all(view[name] == value for name, value in expected.items()):
            return view
        await asyncio.sleep(0.05)
    raise AssertionError(f"{view} is not {expected}")


async def test_views_tell_where_they_stand_and_how_far_behind_they_are(room: Reader) -> None:
    view = await looked(room, lag_events=0)
    assert (view["state"], view["generation"], view["lag_seconds"], view["parked_keys"]) == (
        "live",
        1,
        0.0,
        0,
    )
    assert sum(view["positions"].values()) == 3
    assert view["last_applied"]["type"] == "purchase.completed"
    assert len(view["history"]["lag_events"]) == 60
    assert view["history"]["lag_events"][-1] is not None
    assert view["history"]["lag_events"][0] is None
    await append(room.log, [purchase(4)])
    view = await looked(room, lag_events=1)
    assert view["lag_seconds"] > 0
    found = await asked(room, f"{VIEWS}/timeline")
    assert sum(each["lag_events"] for each in found["partitions"]) == 1
    assert [(each["generation"], each["state"]) for each in found["generations"]] == [(1, "live")]
    await room.given()
    await looked(room, lag_events=0)


async def test_without_a_projection_process_it_is_said_that_views_stand_still(room: Reader) -> None:
    found = await asked(room, VIEWS)
    assert (found["partitions_total"], found["partitions_unheld"]) == (4, 4)
    for path in ("/console/ops/views", "/console/ops/views/timeline"):
        assert "No projection process works, so all views stand still" in await page(room, path)


async def test_what_the_log_does_not_tell_is_unknown_and_never_zero(room: Reader) -> None:
    room.log.go_away()
    try:
        view = await looked(room, lag_events=None)
        assert view["lag_seconds"] is None
        assert (await asked(room, VIEWS))["log_error"]
        shown = await page(room, "/console/ops/views/timeline")
        assert "The event log's end is not known" in shown
        assert re.search(r"<dt>Behind</dt><dd><span class=\"quiet\">not known</span></dd>", shown)
    finally:
        room.log.come_back()
    await looked(room, lag_events=0)


async def test_an_unknown_view_is_told_with_those_that_there_are(room: Reader) -> None:
    answer = await room.get(f"{VIEWS}/nope", headers=OPERATOR.header)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_view")
    assert "timeline" in answer.json()["detail"]
    shown = await page(room, "/console/ops/views/nope", status=404)
    assert "No such view" in shown


async def test_screens_of_operations_are_closed_to_other_roles(room: Reader) -> None:
    shown = await page(room, "/console/ops/views", DESK)
    assert "Your roles do not include operations." in shown
    assert ">Operations<" not in shown
    assert ">Operations<" in await page(room, "/console/ops/views")


async def test_the_page_of_views_draws_each_ones_last_quarter_of_an_hour(room: Reader) -> None:
    await looked(room, lag_events=0)
    shown = await page(room, "/console/ops/views")
    assert shown.count('class="spark"') == len((await asked(room, VIEWS))["views"])
    assert re.search("At most [0-3] events behind in the last 15 min", shown)


async def test_a_redrive_is_counted_first_ordered_once_and_tells_what_came_of_it(
    room: Reader, database: str, connection: asyncpg.Connection
) -> None:
    await parked(room, database, 100, 200)
    found = await asked(room, PARKED, view="timeline")
    assert [(each["error"], each["keys"], each["events"]) for each in found["groups"]] == [
        ("BehindParkedError", 2, 2),
        ("FoldFaultError", 2, 2),
    ]
    first = found["items"][0]
    assert (first["event_id"], first["attempts"], first["state"]) == ("purchase-100", 1, "parked")
    pages = await asked(room, PARKED, limit=3)
    rest = await asked(room, PARKED, limit=3, cursor=pages["next_cursor"])
    assert pages["items"] + rest["items"] == (await asked(room, PARKED))["items"]
    assert await asked(room, f"{PARKED}/count", **FAULT) == {"events": 4, "keys": 2, "left_out": 0}
    assert (await asked(room, f"{PARKED}/count", view="timeline", error="BehindParkedError"))["events"] == 0

    few = await ordered(room, kind="redrive", events=3, **FAULT)
    assert (few.status_code, few.json()["code"], few.json()["events"]) == (409, "count_changed", 4)
    taken = await ordered(room, kind="redrive", events=4, staff="kim", **FAULT)
    assert taken.status_code == 202, taken.text
    again = await ordered(room, kind="redrive", events=4, **FAULT)
    assert (again.status_code, again.json()["code"]) == (409, "view_busy")
    path = taken.headers["location"]
    assert (await asked(room, path))["state"] == "waiting"

    number = taken.json()["number"]
    assert await worked_off(room, connection) == [number]
    job = await asked(room, path)
    assert (job["state"], job["applied"], job["failed"], job["outcome"]) == (
        "done", 4, 0, "4 applied, 0 failed; nothing of the view waits any more",
    )  # fmt: skip
    assert (job["staff"], job["ordered_by"][:4], job["counted"]) == ("kim", "key:", 4)
    assert (await asked(room, PARKED))["items"] == []
    assert (await asked(room, JOBS, view="timeline"))["items"][0] == job
    assert (await ordered(room, kind="redrive", events=4, **FAULT)).json()["code"] == "nothing_parked"


async def test_a_job_is_one_processs_at_a_time_and_another_goes_on_where_that_one_ended(
    room: Reader, database: str, connection: asyncpg.Connection
) -> None:
    await parked(room, database, 300)
    path = (await ordered(room, kind="redrive", events=2, **FAULT)).headers["location"]
    other = await asyncpg.connect(database)
    await other.execute("select pg_advisory_lock(x'52617071'::int, 0)")
    await other.execute(
        "update control.operator_jobs set state = 'running', taken_up = 1, applied = 5 where state = 'waiting'"
    )
    assert await worked_off(room, connection) == []
    assert (await asked(room, path))["state"] == "running"
    await other.close()
    assert len(await worked_off(room, connection)) == 1
    job = await asked(room, path)
    assert (job["state"], job["taken_up"], job["applied"]) == ("done", 2, 7)


async def test_a_job_that_ended_its_process_five_times_has_failed(
    room: Reader, database: str, connection: asyncpg.Connection
) -> None:
    await parked(room, database, 400)
    path = (await ordered(room, kind="redrive", events=2, **FAULT)).headers["location"]
    await connection.execute("update control.operator_jobs set taken_up = 5 where state = 'waiting'")
    await worked_off(room, connection)
    job = await asked(room, path)
    assert (job["state"], "ended 5 times" in job["outcome"]) == ("failed", True)
    assert (await ordered(room, kind="redrive", events=2, **FAULT)).status_code == 202
    await worked_off(room, connection)


async def test_an_order_that_cannot_be_is_refused_with_why(room: Reader) -> None:
    refusals: dict[str, dict[str, Any]] = {
        "there is no such view": {"kind": "redrive", "view": "nope", "events": 1},
        "there is no generation 9; there are 1": {"kind": "switch", "view": "tasks", "generation": 9},
        "readers see generation 1 already": {"kind": "switch", "view": "tasks", "generation": 1},
        "no earlier generation is kept": {"kind": "roll_back", "view": "tasks"},
        "generation: required": {"kind": "switch", "view": "tasks"},
        "events: required": {"kind": "redrive", "view": "tasks"},
        "nothing that waits is chosen": {"kind": "redrive", "view": "undecodable", "events": 1},
    }
    for why, body in refusals.items():
        answer = await ordered(room, **body)
        assert answer.status_code in (404, 409, 422), answer.text
        assert why in answer.json()["detail"]
    assert (await room.get(f"{JOBS}/999999", headers=OPERATOR.header)).json()["code"] == "unknown_job"
    assert "No such job" in await page(room, "/console/ops/jobs/999999", status=404)


async def test_on_the_screens_nothing_is_redriven_until_the_count_was_typed(
    room: Reader, database: str, connection: asyncpg.Connection
) -> None:
    await parked(room, database, 500)
    shown = await page(room, "/console/ops/parked?view=timeline")
    assert "cannot take purchase-500" in shown
    assert "/console/ops/order?kind=redrive&amp;view=timeline&amp;error=FoldFaultError" in shown
    order = await page(room, "/console/ops/order?kind=redrive&view=timeline&error=FoldFaultError")
    assert '<strong class="figure">2</strong> events of 1 key' in order
    browser = await signed_in(room)
    form = {"kind": "redrive", "events": "2", **FAULT}

    async def given(typed: str, headers: dict[str, str] = browser) -> httpx.Response:
        return await room.client.post("/console/ops/order", data={**form, "typed": typed}, headers=headers)

    wrong = await given("3")
    assert (wrong.status_code, "you were to type 2" in wrong.text) == (422, True)
    assert (await given("2", {**browser, "sec-fetch-site": "cross-site"})).status_code == 403
    right = await given("2")
    assert right.status_code == 303, right.text
    path = right.headers["location"]
    assert "It waits for a projection process" in await page(room, path)
    busy = await given("2")
    assert (busy.status_code, "a job on timeline is open already" in busy.text) == (409, True)
    await worked_off(room, connection)
    done = await page(room, path)
    assert "2 applied, 0 failed; nothing of the view waits any more" in done
    assert "by kim" in done
    assert path in await page(room, "/console/ops/jobs")
    assert "Nothing is parked" in await page(room, "/console/ops/parked")


async def test_what_ended_the_process_twice_is_left_out_until_it_is_asked_for(
    room: Reader, database: str, connection: asyncpg.Connection
) -> None:
    await parked(room, database, 520, 540)
    await connection.execute(
        "update control.parked_events set unanswered = 2 where event_id = 'purchase-520'"
    )
    assert await asked(room, f"{PARKED}/count", **FAULT) == {"events": 2, "keys": 1, "left_out": 2}
    assert await asked(room, f"{PARKED}/count", again="true", **FAULT) == {
        "events": 4,
        "keys": 2,
        "left_out": 0,
    }
    assert "ended the process twice" in await page(room, "/console/ops/parked")
    order = await page(room, "/console/ops/order?kind=redrive&view=timeline&error=FoldFaultError")
    assert "2 more are left out: their redrive ended the process twice" in order
    browser = await signed_in(room)
    form = {"kind": "redrive", **FAULT}

    async def outcome(**more: str) -> str:
        given = await room.client.post("/console/ops/order", data={**form, **more}, headers=browser)
        assert given.status_code == 303, given.text
        await worked_off(room, connection)
        return await page(room, given.headers["location"])

    done = await outcome(events="2", typed="2")
    assert "2 applied, 0 failed, 1 left out because they ended the process twice; 2 events" in done
    order = await page(room, "/console/ops/order?kind=redrive&view=timeline&error=FoldFaultError")
    assert "Nothing to redrive" in order
    assert "timeline, FoldFaultError, but 2 that are left out" in order
    [further] = re.findall('href="([^"]*again=true[^"]*)">Count them too', order)
    order = await page(room, further.replace("&amp;", "&"))
    assert '<strong class="figure">2</strong> events of 1 key' in order
    assert "it may end again" in order
    assert '<input type="hidden" name="again" value="true">' in order
    refused = await ordered(room, kind="redrive", events=2, **FAULT)
    assert refused.json()["code"] == "nothing_parked"
    done = await outcome(events="2", typed="2", again="true")
    assert "2 applied, 0 failed; nothing of the view waits any more" in done
    assert "also what ended the process" in done
    assert (await asked(room, JOBS, limit=1))["items"][0]["again"] is True


async def test_records_no_view_could_read_are_counted_without_those_that_ended_the_process(
    room: Reader, connection: asyncpg.Connection
) -> None:
    await connection.execute(
        "insert into control.parked_events (view, partition, log_offset, error, detail, attempts, unanswered) "
        "select '*', 0, 90000 + number, 'UndecodableRecordError', '', 2, number % 3 from generate_series(0, 5) number"
    )
    count = await asked(room, f"{PARKED}/count", view="undecodable")
    assert count == {"events": 4, "keys": 4, "left_out": 2}
    count = await asked(room, f"{PARKED}/count", view="undecodable", again="true")
    assert count == {"events": 6, "keys": 6, "left_out": 0}
    await connection.execute("delete from control.parked_events where view = '*'")


async def test_a_view_is_switched_and_rolled_back_from_its_screen(
    room: Reader, database: str, connection: asyncpg.Connection
) -> None:
    await rebuild(rebuilding(database, room.log, read_models=(TIMELINE,), switch=False))
    shown = await page(room, "/console/ops/views/timeline")
    assert "Switch to 2" in shown
    assert "No rollback: no earlier generation is kept" in shown
    browser = await signed_in(room)
    form = {"kind": "switch", "view": "timeline", "generation": "2", "typed": "timeline"}
    answer = await room.client.post("/console/ops/order", data=form, headers=browser)
    assert answer.status_code == 303, answer.text
    stop = asyncio.create_task(
        run_operator_jobs(database, READ_MODELS, decode, ordering(database, room.log), pause_seconds=0.05)
    )
    for _ in range(400):
        if (await asked(room, f"{VIEWS}/timeline"))["view"]["generation"] == 2:
            break
        await asyncio.sleep(0.05)
    stop.cancel()
    await asyncio.gather(stop, return_exceptions=True)
    shown = await page(room, "/console/ops/views/timeline")
    assert "Roll back to generation 1" in shown
    assert "readers see generation 2 already" in shown
    form = {"kind": "roll_back", "view": "timeline", "typed": "timeline"}
    answer = await room.client.post("/console/ops/order", data=form, headers=browser)
    await worked_off(room, connection)
    assert "readers see generation 1 again" in await page(room, answer.headers["location"])
    assert (await asked(room, f"{VIEWS}/timeline"))["view"]["generation"] == 1


async def test_an_event_is_told_without_personal_data_with_its_cause_and_effects(
    room: Reader, connection: asyncpg.Connection
) -> None:
    said = {
        "customer": [{"type": "member", "value": "E1"}],
        "attributes": {"name": "Ada Secret", "tags": ["vip"]},
    }
    cause = purchase(600, "E1", id="told", type="customer.described", data=said)
    await room.given(cause, *(purchase(601 + each, "E1", causeid="told") for each in range(22)))
    found = await asked(room, EVENTS, source=STORE, id="told")
    assert (found["event"]["id"], found["schema_version"], found["cause"]) == ("told", 1, None)
    assert found["event"]["data"]["attributes"]["name"] == "(personal)"
    assert "Ada" not in str(found)
    assert {each["view"]: each["outcome"] for each in found["views"]}["profile"] == "applied"
    assert "tasks" not in {each["view"] for each in found["views"]}
    path = f"{EVENTS}/{found['partition']}/{found['offset']}"
    assert await asked(room, path) == found
    rest = await asked(room, path, cursor=found["next_cursor"])
    effects = [each["event_id"] for each in found["effects"] + rest["effects"]]
    assert (len(found["effects"]), rest["next_cursor"]) == (20, None)
    assert effects == [f"purchase-{601 + each}" for each in range(22)]
    effect = await asked(room, EVENTS, source=STORE, id="purchase-601")
    assert effect["cause"]["event"]["offset"] == found["offset"]

    shown = await page(room, f"/console/ops/events/{found['partition']}/{found['offset']}")
    assert ("(personal)" in shown, "Ada" in shown, "Further effects" in shown) == (True, False, True)
    looked_up = await room.client.get(
        "/console/ops/events", params={"source": STORE, "id": "told"}, headers=await signed_in(room)
    )
    assert looked_up.headers["location"] == f"/console/ops/events/{found['partition']}/{found['offset']}"
    assert "journal_cause" in await _planned(connection)


async def test_a_cause_is_found_under_another_key_whatever_sent_it_and_a_case_by_its_id(room: Reader) -> None:
    case = {
        "customer": [{"type": "member", "value": "X1"}], "complaint_id": "C-9", "summary": "cold",
        "cause": "quality_below_expectation", "severity": "low",
    }  # fmt: skip
    await room.given(
        purchase(650, "X1", id="same-till"),
        purchase(651, "X1", id="other-till", source="/store/far-7/pos-1"),
        purchase(652, "X1", id="C-9-opened", type="complaint.opened", data=case),
    )
    causes = {"same-till": "same-till", "other-till": "other-till", "C-9": "C-9-opened", "gone": None}
    await room.given(
        *(purchase(660 + each, "X2", causeid=cause) for each, cause in enumerate(causes)),
    )
    for each, (cause, event) in enumerate(causes.items()):
        found = await asked(room, EVENTS, source=STORE, id=f"purchase-{660 + each}")
        assert found["cause"]["event_id"] == cause
        assert (found["cause"]["event"] or {}).get("event_id") == event
        shown = await page(room, f"/console/ops/events/{found['partition']}/{found['offset']}")
        assert ('href="/console/ops/events?id=gone"' in shown) == (event is None)
        assert ("is the id of a case" in shown) == (cause == "C-9")
    form = await page(room, "/console/ops/events?id=gone")
    assert 'value="gone"' in form
    assert 'role="alert"' not in form


async def test_a_cause_is_found_whatever_sent_it_though_many_came_since(
    room: Reader, connection: asyncpg.Connection
) -> None:
    await room.given(*(purchase(3000 + each, "X3", source="/store/old-1/pos-1") for each in range(3)))
    await room.given(*(purchase(3100 + each, "X3") for each in range(250)))
    await room.given(purchase(3400, "X4", causeid="purchase-3001"))
    await connection.execute("analyze control.journal")
    found = await asked(room, EVENTS, source=STORE, id="purchase-3400")
    assert found["cause"]["event"]["source"] == "/store/old-1/pos-1"


async def _planned(connection: asyncpg.Connection) -> str:
    """The plan where PostgreSQL may not read the whole table, small as it is here."""
    async with connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        rows = await connection.fetch(
            "explain select 1 from control.journal where attributes ->> 'causeid' = 'told'"
        )
    return "\n".join(row[0] for row in rows)


async def test_where_there_is_no_event_it_is_said_why(room: Reader) -> None:
    why = {
        f"{EVENTS}/9/0": "there is no partition 9",
        f"{EVENTS}/0/99999": "have not come to 99999 yet",
        f"{EVENTS}/0/x": "this is no place of the log",
        f"{EVENTS}?source=/store&id=nope": "no such event was applied",
    }
    for path, detail in why.items():
        answer = await room.client.get(path, headers=OPERATOR.header)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_event")
        assert detail in answer.json()["detail"]
    assert "No such event" in await page(room, "/console/ops/events/9/0", status=404)
    shown = await page(room, "/console/ops/events?source=/store&id=nope")
    assert "No event nope of /store: no such event was applied" in shown


async def test_a_repeat_has_no_event_and_a_parked_one_says_where(
    room: Reader, database: str, connection: asyncpg.Connection
) -> None:
    await room.given(purchase(700, "R1"))
    place = await asked(room, EVENTS, source=STORE, id="purchase-700")
    await room.given(purchase(700, "R1"))
    repeat = await room.get(f"{EVENTS}/{place['partition']}/{place['offset'] + 1}", headers=OPERATOR.header)
    assert "a repeat of an event" in repeat.json()["detail"]
    await parked(room, database, 710)
    found = await asked(room, EVENTS, source=STORE, id="purchase-710")
    [timeline] = [each for each in found["views"] if each["view"] == "timeline"]
    assert (timeline["outcome"], timeline["error"]) == ("parked", "FoldFaultError")
    await ordered(room, kind="redrive", events=2, **FAULT)
    await worked_off(room, connection)


async def test_the_tail_counts_what_is_new_and_what_found_no_room(room: Reader) -> None:
    named = {"customer": [{"type": "member", "value": "T9"}], "attributes": {"tags": ["vip"]}}
    await room.given(purchase(799, id="noted", type="customer.described", channel="web", data=named))
    start = await asked(room, TAIL)
    await room.given(*(purchase(800 + each, f"T{each % 7}") for each in range(230)))
    page_ = await asked(room, TAIL, since=start["position"])
    assert (len(page_["items"]), page_["new"] + page_["dropped"]) == (200, 230)
    assert page_["dropped"] >= 30
    times = [each["recorded_time"] for each in page_["items"]]
    assert times == sorted(times, reverse=True)
    still = await asked(room, TAIL, until=start["position"])
    assert still["items"] == start["items"]
    narrowed = await asked(room, TAIL, channel="web", type="customer.described", since=start["position"])
    assert [each["event_id"] for each in narrowed["items"]] == ["noted"]
    assert (narrowed["new"], narrowed["dropped"]) == (0, 0)
    assert (await asked(room, TAIL, since=page_["position"]))["dropped"] == 0

    shown = await page(room, f"/console/ops/tail?since={start['position']}")
    assert f"<span>{page_['new']} new</span> <span>{page_['dropped']} dropped</span>" in shown
    assert 'data-live="view:timeline"' in shown
    paused = await page(room, f"/console/ops/tail?until={start['position']}")
    assert (">paused<" in paused, "data-from" in paused) == (True, False)
    assert "No event of nope among the newest" in await page(room, "/console/ops/tail?type=nope")
