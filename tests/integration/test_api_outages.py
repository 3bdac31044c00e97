"""The database away, silent, restarted: every request answers in time, and the API heals without a restart."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from services.ops.embedded_postgres import EmbeddedPostgres
from services.projections.migrate import migrate
from tests.api_reader import Reader, migrated_reader, reader
from tests.fakes.tcp_proxy import TcpProxy, tcp_proxy
from tests.projecting import eventually, purchase

LONGEST_ANSWER_SECONDS = 5


def by_tcp(url: str, port: int) -> str:
    """The same database over a port of the loopback interface."""
    parts = urlsplit(url)
    return f"postgresql://{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}{parts.path}"


def target_of(url: str) -> tuple[str, int] | Path:
    parts = urlsplit(url)
    if parts.hostname:
        return parts.hostname, parts.port or 5432
    return Path(parse_qs(parts.query)["host"][0]) / ".s.PGSQL.5432"


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy(target_of(database_url)) as made:
        yield made


@pytest.fixture
async def behind_proxy(database_url: str, proxy: TcpProxy) -> AsyncIterator[Reader]:
    """A reader that has read one purchase through the proxy, on several connections."""
    async with migrated_reader(database_url) as direct:
        await direct.given(purchase(1))
    async with reader(by_tcp(database_url, proxy.port)) as made:
        assert {answer.status_code for answer in await many(made, 8)} == {200}
        yield made


async def many(
    asked: Reader, count: int, *, within_seconds: float = LONGEST_ANSWER_SECONDS, **headers: str
) -> list[httpx.Response]:
    """The answers to reads at once, each within the longest time an answer may take unless told otherwise."""

    async def one() -> httpx.Response:
        async with asyncio.timeout(within_seconds):
            return await asked.get(headers={name.replace("_", "-"): value for name, value in headers.items()})

    return await asyncio.gather(*(one() for _ in range(count)))


def assert_unavailable(answers: list[httpx.Response]) -> None:
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert int(answer.headers["retry-after"]) >= 1


async def serves_again(asked: Reader) -> bool:
    return {answer.status_code for answer in await many(asked, 8)} == {200}


async def test_a_silent_database_is_a_503_in_time_and_reads_heal(
    behind_proxy: Reader, proxy: TcpProxy
) -> None:
    proxy.black_hole()
    assert_unavailable(await many(behind_proxy, 40))
    assert_unavailable(await many(behind_proxy, 3, rapport_at_least="0:999999", prefer="wait=30"))
    async with asyncio.timeout(LONGEST_ANSWER_SECONDS):
        assert (await behind_proxy.get("/readyz")).status_code == 503
    assert (await behind_proxy.get("/healthz")).status_code == 200
    proxy.heal()
    await eventually(lambda: serves_again(behind_proxy))


async def test_a_database_that_cuts_connections_is_a_503_and_reads_heal(
    behind_proxy: Reader, proxy: TcpProxy
) -> None:
    proxy.cut()
    assert_unavailable(await many(behind_proxy, 40))
    proxy.heal()
    await eventually(lambda: serves_again(behind_proxy))


async def test_connections_that_died_meanwhile_fail_no_read(behind_proxy: Reader, proxy: TcpProxy) -> None:
    proxy.cut()
    proxy.heal()
    assert {answer.status_code for answer in await many(behind_proxy, 40)} == {200}


async def test_the_api_starts_before_the_database_and_follows_it_through_a_restart(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    async with reader(server.url) as asked:
        assert_unavailable(await many(asked, 3))
        not_ready = await asked.get("/readyz")
        assert (not_ready.status_code, not_ready.json()["code"]) == (503, "not_ready")

        await server.start()
        not_migrated = await asked.get("/readyz")
        assert not_migrated.json()["checks"]["database"] == "ok"
        assert "rapport migrate" in not_migrated.json()["checks"]["views"]
        assert_unavailable(await many(asked, 3))

        await migrate(server.url, partitions=4)
        assert (await asked.get("/readyz")).json()["status"] == "ready"
        written = await asked.given(purchase(1))
        await server.stop()
        assert_unavailable(await many(asked, 3))
        await server.start()
        await eventually(lambda: serves_again(asked))
        answer = await asked.get(headers={"rapport-at-least": written.token()})
        assert answer.status_code == 200
    await server.stop()


async def test_more_reads_than_the_bound_are_refused_at_once(database_url: str) -> None:
    async with migrated_reader(database_url) as asked:
        await asked.given(purchase(1))
        answers = await many(
            asked, 1100, within_seconds=60
        )  # so many clients need that themselves on a busy machine
        codes = {answer.json().get("code") for answer in answers if answer.status_code != 200}
        assert codes <= {"database_unavailable"}
