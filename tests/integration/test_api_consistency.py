"""Read your writes over HTTP (G6)."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.position import Position
from tests.api_reader import Reader, migrated_reader
from tests.projecting import append, projection, purchase, worker


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


def at_least(position: Position, wait: str | None = None) -> dict[str, str]:
    return {"rapport-at-least": position.token()} | ({"prefer": f"wait={wait}"} if wait else {})


async def test_g6_a_read_that_names_a_writes_position_sees_the_write(reader: Reader) -> None:
    async with worker(projection(reader.database_url, reader.log)):
        for number in range(30):
            written = await append(reader.log, [purchase(number)])
            answer = await reader.get(headers=at_least(written, "20"), limit=1)
            assert answer.status_code == 200, answer.text
            assert answer.json()["items"][0]["event_id"] == f"purchase-{number}"
            assert answer.headers["preference-applied"] == "wait=20"
            assert Position.parse(answer.headers["rapport-position"]).includes(written)


async def test_a_position_not_reached_in_time_is_a_503_that_says_when_to_ask_again(reader: Reader) -> None:
    reached = await reader.given(purchase(1))
    beyond = Position({partition: offset + 1 for partition, offset in reached.offsets.items()})
    answer = await reader.get(headers=at_least(beyond, "0"))
    assert (answer.status_code, answer.json()["code"]) == (503, "position_not_reached")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["rapport-position"] == reached.token()
    exposed = (await reader.get("/metrics")).text
    assert 'rapport_api_position_waits_total{outcome="not_reached"} 1.0' in exposed


async def test_a_position_that_is_none_is_refused(reader: Reader) -> None:
    answer = await reader.get(headers={"rapport-at-least": "yesterday"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_position")


async def test_waiting_holds_no_connection(database_url: str) -> None:
    async with migrated_reader(database_url, database_connections=1) as reader:
        reached = await reader.given(purchase(1))
        beyond = Position({partition: offset + 1 for partition, offset in reached.offsets.items()})
        waits = [asyncio.create_task(reader.get(headers=at_least(beyond, "25"))) for _ in range(50)]
        assert await reader.ids() == ["purchase-1"]
        control = await asyncpg.connect(database_url)
        async with control.transaction():
            await control.execute("update control.positions set position = position + 1")
            await control.execute("select pg_notify('rapport_positions', '')")
        await control.close()
        answers = await asyncio.gather(*waits)
        assert {answer.status_code for answer in answers} == {200}
