"""Every part of the operators' screens in each of its states: nothing there yet, closed, failed, and kept up with."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.projections.migrate import migrate
from tests.api_reader import Reader, reader
from tests.credentials import Key, access, key
from tests.databases import with_database

OPERATOR, DESK = key("reader", roles=("operator",)), key("reader", roles=("front_line",))
OWN = {"origin": "http://api", "sec-fetch-site": "same-origin"}
NOTHING = {
    "/console/ops/views": ["No event has come yet.", "not known"],
    "/console/ops/views/timeline": [
        "No event has come yet.", "no event yet", "None yet: no event has come.",
        "This view was never compared with the log.", "Nothing was ordered for this view.",
    ],
    "/console/ops/parked": ["Nothing is parked."],
    "/console/ops/parked?view=tasks&error=KeyError": ["Nothing is parked of tasks, KeyError.", "Show all"],
    "/console/ops/parked?discarded=true": ["Nothing was discarded."],
    "/console/ops/jobs": ["Nothing was ordered yet."],
    "/console/ops/order?kind=redrive&view=tasks&error=KeyError": ["Nothing to redrive", "tasks, KeyError"],
    "/console/ops/tail": ["No event yet."],
    "/console/ops/tail?type=purchase.completed&source=/till": [
        "No event of purchase.completed, /till among the newest.", "Show all",
    ],
    "/console/ops/events?source=/till&id=e-1": ["No event e-1 of /till: "],
}  # fmt: skip
READ_BY = {
    "/console/ops/views": "operations", "/console/ops/views/timeline": "operations",
    "/console/ops/parked": "parked events", "/console/ops/jobs": "jobs", "/console/ops/jobs/1": "jobs",
    "/console/ops/order?kind=redrive&view=tasks": "the count", "/console/ops/events/0/0": "operations",
    "/console/ops/events?source=/till&id=e-1": "operations", "/console/ops/tail": "operations",
}  # fmt: skip
FOLLOWED = {
    "/console/ops/views": ("views", "view:all"),
    "/console/ops/views/timeline": ("now", "view:timeline"),
    "/console/ops/parked": ("parked", "view:all"),
    "/console/ops/parked?view=tasks": ("parked", "view:tasks"),
    "/console/ops/jobs": ("jobs", "view:all"),
    "/console/ops/jobs/{job}": ("job", "view:tasks"),
    "/console/ops/tail": ("tail", "view:timeline"),
}


@pytest.fixture(scope="module")
async def room(postgres_server: str) -> AsyncIterator[Reader]:
    """An API whose views have no event yet."""
    server = await asyncpg.connect(postgres_server)
    await server.execute("create database panels")
    url = with_database(postgres_server, "panels")
    await migrate(url, partitions=4)
    async with reader(url, access=access(OPERATOR, DESK)) as made:
        yield made
    await server.execute("drop database panels with (force)")
    await server.close()


@pytest.fixture(scope="module")
async def apart() -> AsyncIterator[Reader]:
    """An API whose database is away, and that anybody may look at."""
    async with reader("postgresql://127.0.0.1:1/nothing", access=access()) as made:
        yield made


async def page(room: Reader, path: str, who: Key = OPERATOR) -> str:
    signed_in = await room.client.post("/console/sign-in", data={"credential": who.token}, headers=OWN)
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    return (await room.client.get(path, headers={**OWN, "cookie": cookie})).text


@pytest.mark.parametrize("path", NOTHING)
async def test_where_nothing_is_yet_it_says_so_and_names_the_filter(room: Reader, path: str) -> None:
    shown = await page(room, path)
    assert [told for told in NOTHING[path] if told not in shown] == []
    assert "could not be read" not in shown


@pytest.mark.parametrize("path", READ_BY)
async def test_to_other_roles_it_is_closed_and_says_so(room: Reader, path: str) -> None:
    assert f"Your roles do not include {READ_BY[path]}." in await page(room, path, DESK)


@pytest.mark.parametrize("path", READ_BY)
async def test_what_could_not_be_read_offers_another_try_and_a_trace(apart: Reader, path: str) -> None:
    answer = await apart.client.get(path)
    assert answer.status_code == 200, answer.text
    assert f"{READ_BY[path].capitalize()} could not be read: " in answer.text
    assert '<a href="">Try again</a>' in answer.text
    assert re.search(">Trace [0-9a-f]{32}<", answer.text)
    assert ">0<" not in answer.text
    assert "data-live=" not in answer.text


@pytest.fixture
async def job(room: Reader) -> AsyncIterator[int]:
    """The number of a job that waits."""
    connection = await asyncpg.connect(room.database_url)
    number = await connection.fetchval(
        "insert into control.operator_jobs (kind, view, ordered_by) values ('verify', 'tasks', 'kim') returning number"
    )
    yield number
    await connection.execute("delete from control.operator_jobs")
    await connection.close()


@pytest.mark.parametrize("path", FOLLOWED)
async def test_what_is_shown_is_read_again_when_it_changes(room: Reader, job: int, path: str) -> None:
    part, topic = FOLLOWED[path]
    path = path.format(job=job)
    assert f'data-part="{part}" data-live="{topic}" data-from="{path.partition("?")[0]}' in await page(
        room, path
    )
