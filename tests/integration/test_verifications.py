"""What comparing a view with the log came to is kept, told over HTTP and on its page, and ordered there."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.projections.engine.operator_jobs import work_off
from services.projections.engine.rebuild import Rebuild, RebuildRefusedError, rebuild
from services.projections.engine.verification_record import Origin, recorded
from services.projections.engine.verify import verify
from services.projections.read_models.timeline import TIMELINE
from services.projections.sight.verifications import KEPT, verifications
from tests.api_reader import Reader, reader
from tests.credentials import access, key
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.projecting import decode, purchase
from tests.rebuilding import ordering, rebuilding

OPERATOR = key("reader", roles=("operator",))
OWN = {"origin": "http://api", "sec-fetch-site": "same-origin"}
VIEW, JOBS = "/v1/operations/views/timeline", "/v1/operations/jobs"


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Reader]:
    """An API whose views have three purchases."""
    await empty_views(database_url, partitions=4)
    async with reader(database_url, access=access(OPERATOR)) as made:
        await made.given(purchase(1), purchase(2), purchase(3))
        yield made


@pytest.fixture
async def connection(room: Reader) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(room.database_url)
    yield opened
    await opened.close()


def order_of(room: Reader, **changed: Any) -> Rebuild:
    return rebuilding(room.database_url, room.log, **{"read_models": (TIMELINE,), "by": "kim", **changed})


async def asked(room: Reader, path: str = VIEW) -> dict[str, Any]:
    answer = await room.get(path, headers=OPERATOR.header)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def told(room: Reader) -> Any:
    """The newest verification, as the API tells it."""
    return (await asked(room))["verification"]


async def page(room: Reader, path: str = "/console/ops/views/timeline") -> str:
    signed_in = await room.client.post("/console/sign-in", data={"credential": OPERATOR.token}, headers=OWN)
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    answer = await room.client.get(path, headers={**OWN, "cookie": cookie})
    return answer.text


async def test_a_result_is_kept_with_where_when_of_what_and_by_whom(
    room: Reader, connection: asyncpg.Connection
) -> None:
    assert await told(room) is None
    assert "This view was never compared with the log" in await page(room)
    await verify(order_of(room))
    found = await told(room)
    assert {name: found[name] for name in ("state", "generation", "occasion", "begun_by", "rows", "differing")} == {
        "state": "equal", "generation": 1, "occasion": "verification", "begun_by": "kim", "rows": 3, "differing": 0,
    }  # fmt: skip
    assert found["begun_at"] < found["ended_at"]
    positions = (await asked(room))["view"]["positions"]
    assert found["position"] == ",".join(f"{each}:{at}" for each, at in positions.items() if at)
    shown = await page(room)
    assert "3 rows of generation 1" in shown
    assert "Verify again" in shown

    await connection.execute("update live.timeline set channel = 'fax' where log_offset = 0")
    await connection.execute("delete from live.timeline where log_offset = 1")
    await verify(order_of(room))
    found = await told(room)
    assert (found["state"], found["differing"]) == ("differing", len(found["keys"]))
    assert {each["how"] for each in found["keys"]} == {"changed", "missing"}
    assert set(found["keys"][0]["key"]) == {"subject", "time", "partition", "log_offset"}
    shown = await page(room)
    assert "<code>rapport rebuild timeline</code> makes them right" in shown
    assert "missing in timeline: subject pty_" in shown


async def test_a_rebuild_keeps_what_it_found_and_a_result_of_an_older_generation_says_so(
    room: Reader,
) -> None:
    await rebuild(order_of(room))
    found = await told(room)
    assert (found["generation"], found["recomputed"], found["occasion"]) == (1, 2, "rebuild")
    assert "readers see generation 2 since, which it was compared with" in await page(room)
    await rebuild(order_of(room))
    await verify(order_of(room))
    assert (await told(room))["generation"] == 3
    assert [each["generation"] for each in (await asked(room))["verifications"]] == [3, 2, 1]
    await rebuild(order_of(room, switch=False))
    assert (
        "readers see generation" not in (await page(room)).partition("<dt>Verified")[2].partition("</dd>")[0]
    )


async def test_one_that_fails_or_is_stopped_says_that_it_was_cut_off_and_the_result_before_stays(
    room: Reader,
) -> None:
    await verify(order_of(room))

    async def fails(*_: object) -> None:
        raise RebuildRefusedError("the disk is full")

    with pytest.raises(RebuildRefusedError):
        await verify(order_of(room, run_workers=fails))
    found = await told(room)
    assert (found["state"], found["reason"]) == ("cut_off", "RebuildRefusedError: the disk is full")
    assert (found["rows"], found["differing"], found["position"]) == (None, None, None)
    shown = await page(room)
    assert "RebuildRefusedError: the disk is full; it tells nothing" in shown
    assert "<br>Before: " in shown

    begun = asyncio.Event()

    async def stands(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    stopped = asyncio.create_task(verify(order_of(room, run_workers=stands)))
    await begun.wait()
    assert (await told(room))["state"] == "running"
    shown = await page(room)
    assert "under way" in shown
    assert "to compare with what readers see" in shown
    assert "Verify again" not in shown
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)
    assert (await told(room))["reason"] == "CancelledError"


async def test_one_whose_process_was_killed_counts_as_cut_off_at_once_and_the_next_one_notes_it(
    room: Reader, connection: asyncpg.Connection
) -> None:
    killed = await connection.fetchval(
        "insert into control.verifications (view, generation, occasion, backend_pid) "
        "values ('timeline', 1, 'verification', pg_backend_pid()) returning number"
    )
    found = await told(room)
    assert (found["state"], found["reason"], found["ended_at"]) == ("cut_off", None, None)
    assert "its process was ended; it tells nothing" in await page(room)
    await verify(order_of(room))
    [newest, before] = await verifications(connection, "timeline")
    assert (newest.state, before.number, before.state) == ("equal", killed, "cut_off")
    assert before.reason == "the process that compared ended in the midst of it"


async def test_only_the_last_ones_of_a_view_are_kept(connection: asyncpg.Connection) -> None:
    for number in range(KEPT + 2):
        async with recorded(connection, {"timeline": number, "tasks": 1}, Origin("verification", None, None)):
            pass
    kept = await connection.fetch(
        "select generation from control.verifications where view = 'timeline' order by number"
    )
    assert [row["generation"] for row in kept] == list(range(2, KEPT + 2))


async def test_one_is_ordered_on_the_screen_by_typing_the_views_name_and_tells_how_far_it_is(
    room: Reader, connection: asyncpg.Connection
) -> None:
    signed_in = await room.client.post(
        "/console/sign-in", data={"credential": OPERATOR.token, "staff": "kim"}, headers=OWN
    )
    browser = {**OWN, "cookie": signed_in.headers["set-cookie"].partition(";")[0]}
    form = {"kind": "verify", "view": "timeline"}
    assert "kind=verify&amp;view=timeline" in await page(room)
    shown = await room.client.get("/console/ops/order", params=form, headers=browser)
    assert "All events are folded again" in shown.text
    wrong = await room.client.post("/console/ops/order", data={**form, "typed": "tasks"}, headers=browser)
    assert (wrong.status_code, "you were to type timeline" in wrong.text) == (422, True)
    right = await room.client.post("/console/ops/order", data={**form, "typed": "timeline"}, headers=browser)
    assert right.status_code == 303, right.text
    order = ordering(room.database_url, room.log)
    [number] = await work_off(connection, READ_MODELS, decode, order)
    job = await asked(room, f"{JOBS}/{number}")
    assert (job["state"], job["folded"], job["to_fold"], job["staff"]) == ("done", 3, 3, "kim")
    assert job["outcome"] == "all 3 rows of generation 1 equal what the log says"
    assert "3 of 3 events folded" in await page(room, f"/console/ops/jobs/{number}")
    found = await told(room)
    assert (found["begun_by"], found["job"]) == ("kim", number)
    assert f'<a href="/console/ops/jobs/{number}">job {number}</a>' in await page(room)


async def test_one_of_a_view_that_is_not_live_is_refused_when_ordered_and_when_it_comes_to_it(
    room: Reader, connection: asyncpg.Connection
) -> None:
    body = {"kind": "verify", "view": "timeline"}
    taken = await room.client.post(JOBS, json=body, headers=OPERATOR.header)
    await connection.execute("update control.generations set state = 'paused' where view = 'timeline'")
    await work_off(connection, READ_MODELS, decode, ordering(room.database_url, room.log))
    job = await asked(room, taken.headers["location"])
    assert (job["state"], "view timeline is paused" in job["outcome"]) == ("refused", True)
    answer = await room.client.post(JOBS, json=body, headers=OPERATOR.header)
    assert (answer.status_code, answer.json()["code"]) == (409, "verification_refused")
    assert "view timeline is paused in version" in answer.json()["detail"]
    shown = await page(room)
    assert "kind=verify" not in shown
    assert "View timeline is paused in version" in shown


async def test_one_that_lost_its_jobs_connection_is_begun_again_by_another_process(
    room: Reader, connection: asyncpg.Connection
) -> None:
    taken = await room.client.post(JOBS, json={"kind": "verify", "view": "timeline"}, headers=OPERATOR.header)
    begun = asyncio.Event()

    async def stands(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    lost = await asyncpg.connect(room.database_url)
    pid = lost.get_server_pid()
    working = asyncio.create_task(
        work_off(
            lost, READ_MODELS, decode, lambda wanted: order_of(room, read_models=wanted, run_workers=stands)
        )
    )
    await begun.wait()
    await connection.execute("select pg_terminate_backend($1, 5000)", pid)
    [ended] = await asyncio.gather(working, return_exceptions=True)
    assert isinstance(ended, asyncpg.PostgresError | asyncpg.InterfaceError | OSError)
    assert (await told(room))["state"] == "cut_off"
    await work_off(connection, READ_MODELS, decode, ordering(room.database_url, room.log))
    job = await asked(room, taken.headers["location"])
    assert (job["state"], job["taken_up"]) == ("done", 2)
    assert (await told(room))["state"] == "equal"
