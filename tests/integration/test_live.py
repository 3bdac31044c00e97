"""Hints over a real database: who listens hears of what they asked for, once it can be read, and of nothing else."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.projections.engine.rebuild import rebuild
from services.projections.read_models.timeline import TIMELINE
from shared.position import Position
from tests.api_reader import CUSTOMER, Reader
from tests.complaining import assigned, at, complaint_desk, created, opened, task
from tests.credentials import access, key
from tests.identifying import linked
from tests.listening import listening, on_a_port
from tests.projecting import purchase
from tests.rebuilding import rebuilding
from tests.strategies import JsonObject

TOPIC = f"customer:{CUSTOMER}"


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with complaint_desk(database_url) as (desk, _):
        yield desk


def at_location(number: int, location: str) -> JsonObject:
    made = purchase(number, "M9")
    return {**made, "data": {**made["data"], "location": location}}


async def test_what_a_hint_says_can_be_read_at_once(reader: Reader) -> None:
    await reader.given(purchase(1))
    async with on_a_port(reader) as url, listening(url, TOPIC) as listener:
        begun = await listener.next()
        assert (begun.name, list(begun.data)) == ("begun", ["now"])
        first = await listener.changed(TOPIC)
        position = await reader.given(purchase(2))
        heard = await listener.changed(TOPIC)
        assert Position.parse(heard.data["position"]).includes(position)
        assert heard.data["generation"] == first.data["generation"]
        assert heard.data["behind_seconds"] is not None
        assert heard.id.endswith(heard.data["position"])
        read = await reader.get(headers={"rapport-at-least": heard.data["position"]})
        assert len(read.json()["items"]) == 2


async def test_nobody_hears_of_others_and_no_hint_holds_data(reader: Reader) -> None:
    await reader.given(purchase(1))
    topics = f"{TOPIC},location:hq/bar,complaints:kitchen"
    async with on_a_port(reader) as url, listening(url, topics) as listener:
        for _ in range(4):
            await listener.next()
        await reader.given(
            purchase(2, "M2"),
            at_location(3, "hq/bar-2"),
            opened("09:00", "C-9", "M9"),
            at_location(4, "hq/bar/door"),
        )
        heard = await listener.next()
        topics_told = {heard.data["topic"]}
        await reader.given(purchase(5))
        while (heard := await listener.next()).data["topic"] != TOPIC:
            topics_told.add(heard.data["topic"])
        assert topics_told <= {
            "location:hq/bar",
            "complaints:kitchen",
        }  # a complaint may have left the kitchen
        assert "location:hq/bar" in topics_told
    assert b"M9" not in listener.bytes
    assert b"o-5" not in listener.bytes


async def test_a_case_is_heard_of_by_its_customer_and_by_its_queue_though_its_events_name_neither(
    reader: Reader,
) -> None:
    await reader.given(opened("09:00"))
    async with on_a_port(reader) as url, listening(url, f"{TOPIC},complaints:kitchen") as listener:
        for _ in range(3):
            await listener.next()
        await reader.given(assigned("10:00", department="kitchen"))
        told = {(await listener.next()).data["topic"] for _ in range(2)}
        assert told == {TOPIC, "complaints:kitchen"}


async def test_a_task_is_heard_of_by_whoever_has_or_may_have_had_it_and_by_the_customer_of_its_case(
    reader: Reader,
) -> None:
    topics = {"tasks:lee", "tasks:kitchen", "tasks:all", TOPIC}
    await reader.given(opened("08:00"), created("13:00", complaint_id="C-1"))
    steps = [
        (task("assigned", "09:00", assignee={"department": "kitchen"}), topics),
        (task("rescheduled", "10:00", due_at=at("14:00").isoformat()), topics - {"tasks:lee"}),
        (task("completed", "11:00", outcome="called"), topics - {"tasks:lee"}),
        (created("13:00", "T-2", assignee={"person": "lee"}), {"tasks:lee", "tasks:all"}),
    ]
    async with on_a_port(reader) as url, listening(url, ",".join(sorted(topics))) as listener:
        for _ in range(5):
            await listener.next()
        for step, expected in steps:
            await reader.given(step)
            assert {(await listener.next()).data["topic"] for _ in expected} == expected
    assert b"call back" not in listener.bytes


async def test_a_customer_who_was_joined_by_another_party_is_heard_of_through_that_as_well(
    reader: Reader,
) -> None:
    await reader.given(purchase(1), purchase(2, "M2"))
    async with on_a_port(reader) as url, listening(url, TOPIC) as listener:
        await listener.changed(TOPIC)
        await reader.given(linked(10, ("member", "M1"), ("member", "M2"), "l-1"))
        await listener.changed(TOPIC)
        await reader.given(purchase(3, "M2"))
        await listener.changed(TOPIC)


async def test_who_comes_back_to_where_nothing_changed_is_told_nothing_and_else_everything(
    reader: Reader,
) -> None:
    await reader.given(purchase(1))
    async with on_a_port(reader) as url:
        async with listening(url, TOPIC) as listener:
            left = (await listener.changed(TOPIC)).id
        async with listening(url, TOPIC, headers={"last-event-id": left}) as listener:
            await listener.next()
            await reader.given(purchase(2))
            heard = await listener.next()
            assert heard.id != left
        async with listening(url, TOPIC, since=left) as listener:
            await listener.next()
            assert (await listener.next()).data["topic"] == TOPIC


async def test_a_burst_is_few_hints_and_the_last_of_them_reaches_all_of_it(reader: Reader) -> None:
    async with on_a_port(reader) as url, listening(url, TOPIC) as listener:
        await listener.changed(TOPIC)
        position = await reader.given(*(purchase(number) for number in range(500)))
        hints = 0
        while True:
            hints += 1
            if Position.parse((await listener.changed(TOPIC)).data["position"]).includes(position):
                break
        assert hints < 50


async def test_a_rebuild_is_told_to_everybody_as_another_generation(reader: Reader) -> None:
    await reader.given(purchase(1))
    async with on_a_port(reader) as url, listening(url, f"{TOPIC},view:timeline") as listener:
        for _ in range(3):
            await listener.next()
        await rebuild(rebuilding(reader.database_url, reader.log, read_models=(TIMELINE,)))
        generations = {TOPIC: 1, "view:timeline": 1}
        while set(generations.values()) != {2}:
            told = (await listener.next()).data
            generations[told["topic"]] = told["generation"]


async def test_streams_end_at_once_when_the_service_stops(reader: Reader) -> None:
    async with on_a_port(reader) as url, listening(url, TOPIC) as listener:
        await listener.changed(TOPIC)
        reader.service.on_stop()
        with pytest.raises(EOFError):
            await listener.next()
        async with listening(url, TOPIC) as later:
            await later.next()
            with pytest.raises(EOFError):
                await later.next()


@pytest.mark.parametrize(
    "topics",
    ["weather:today", "tasks:", "customer:nobody", ",".join(f"view:v{number}" for number in range(51)), ""],
)
async def test_topics_that_there_are_not_are_refused(reader: Reader, topics: str) -> None:
    answer = await reader.get("/v1/live", topics=topics)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")


async def test_topics_of_calls_that_a_role_does_not_have_are_refused_by_name(database_url: str) -> None:
    desk = key("reader", roles=("loyalty_desk",))
    async with complaint_desk(database_url, access=access(desk)) as (reader, _):
        for kind in ("tasks", "complaints"):
            answer = await reader.get("/v1/live", headers=desk.header, topics=f"{TOPIC},{kind}:all")
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_call")
            assert f"do not include {kind} topics" in answer.json()["detail"]


async def test_a_view_is_heard_of_at_every_step_of_its_rebuild_though_no_event_comes(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.live.hub._LOOK_SECONDS", 0.1)
    await reader.given(*(purchase(number) for number in range(40)))
    connection = await asyncpg.connect(reader.database_url)
    topics = ("view:timeline", "view:all", "view:tasks")
    async with on_a_port(reader) as url, listening(url, ",".join(topics)) as listener:
        for _ in ("begun", *topics):
            await listener.next()
        slow = rebuilding(
            reader.database_url, reader.log, read_models=(TIMELINE,), events_per_second=4, switch=False
        )
        making = asyncio.create_task(rebuild(slow))
        for _ in range(2):
            told = {(await listener.next()).data["topic"] for _ in range(2)}
            assert told == {"view:timeline", "view:all"}
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        await connection.execute(
            "insert into control.operator_jobs (kind, view, ordered_by) values ('verify', 'tasks', 'kim')"
        )
        await listener.changed("view:tasks")
    await connection.close()
