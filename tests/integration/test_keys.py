"""Keys in a real database: made, taken up, revoked, and followed through outages."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from services.ops.main import app
from shared.credentials.exposure import ExposedError
from shared.credentials.following import following_access
from shared.credentials.stored_keys import listed_keys, revoke_key
from tests.api_reader import Reader, reader, settings
from tests.credentials import Issuer, Key, bearer, key_set, stored_key
from tests.databases import empty_views
from tests.fakes.tcp_proxy import tcp_proxy
from tests.http_server import served
from tests.ingest_door import NOW
from tests.integration.test_api_outages import by_tcp, target_of
from tests.projecting import eventually, purchase

ANYWHERE = "0.0.0.0"  # noqa: S104 - asked about, never served


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=4)
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


def status_of(asked: Reader, key: Key | None) -> Any:
    async def ask() -> int:
        return (await asked.get(headers=key.header if key else None)).status_code

    return ask


@asynccontextmanager
async def within_a_second() -> AsyncIterator[None]:
    """What the documents promise, and room for a busy machine."""
    async with asyncio.timeout(5):
        yield


async def test_keys_close_the_door_are_taken_up_and_refused_again_while_the_service_runs(
    database_url: str, connection: asyncpg.Connection
) -> None:
    async with reader(database_url) as asked, within_a_second():
        await asked.given(purchase(1))
        assert await status_of(asked, None)() == 200
        front_line = await stored_key(connection, "reader", roles=("front_line",))
        await eventually(lambda: is_now(status_of(asked, None), 401))
        assert await status_of(asked, front_line)() == 200
        sender = await stored_key(connection, "source", prefixes=("/store",))
        await eventually(lambda: is_now(status_of(asked, sender), 403))
        assert await revoke_key(connection, front_line.stored.key_id)
        assert not await revoke_key(connection, front_line.stored.key_id)
        await eventually(lambda: is_now(status_of(asked, front_line), 401))
        await revoke_key(connection, sender.stored.key_id)
        await eventually(lambda: is_now(status_of(asked, sender), 401))
        assert await status_of(asked, None)() == 401


async def is_now(asking: Any, status: int) -> bool:
    return bool(await asking() == status)


async def test_a_revocation_is_seen_though_nothing_announced_it(
    database_url: str, connection: asyncpg.Connection
) -> None:
    made = await stored_key(connection, "reader", roles=("front_line",))
    async with reader(database_url) as asked, within_a_second():
        assert await status_of(asked, made)() == 404
        await connection.execute("update control.credentials set revoked_at = now()")
        await eventually(lambda: is_now(status_of(asked, made), 401))


async def test_known_keys_hold_while_postgresql_is_away_and_revocations_count_when_it_is_back(
    database_url: str, connection: asyncpg.Connection
) -> None:
    made = await stored_key(connection, "reader", roles=("front_line",))
    async with tcp_proxy(target_of(database_url)) as proxy, reader(by_tcp(database_url, proxy.port)) as asked:
        assert await status_of(asked, made)() == 404
        proxy.cut()
        for _ in range(5):
            assert await status_of(asked, made)() == 503
            assert await status_of(asked, None)() == 401
        await revoke_key(connection, made.stored.key_id)
        proxy.heal()
        await eventually(lambda: is_now(status_of(asked, made), 401))


async def test_only_a_hash_of_the_secret_is_kept(connection: asyncpg.Connection) -> None:
    made = await stored_key(connection, "source", prefixes=("/store",))
    row = await connection.fetchval("select to_jsonb(credentials)::text from control.credentials")
    secret = made.token.split("_", 3)[3]
    assert secret not in row
    [listed] = await listed_keys(connection, revoked=False, most=10)
    assert listed.secret_hash == made.stored.secret_hash


async def test_others_than_this_machine_are_served_only_once_somebody_could_come_in(
    database_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    exposed = settings(database_url, host=ANYWHERE)
    with pytest.raises(ExposedError, match="rapport keys create"):
        async with following_access(exposed, lambda: NOW):
            pass
    keys = tmp_path / "keys.json"
    keys.write_bytes(key_set(Issuer()))
    issued = settings(database_url, host=ANYWHERE, oidc_issuer="i", oidc_audience="a", oidc_jwks=str(keys))
    async with following_access(issued, lambda: NOW) as access:
        assert not access.open
    made = await stored_key(connection, "source", prefixes=("/store",))
    await revoke_key(connection, made.stored.key_id)
    async with following_access(exposed, lambda: NOW) as access:
        assert not access.open


async def test_tokens_are_checked_by_the_keys_at_an_address(database_url: str) -> None:
    await empty_views(database_url, partitions=4)
    issuer = Issuer()

    async def publish(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": key_set(issuer)})

    async with served(publish) as server:
        published = f"http://127.0.0.1:{server.port}/keys"
        given: dict[str, Any] = {
            "oidc_issuer": "https://login.example.org/",
            "oidc_audience": "rapport",
            "oidc_jwks": published,
        }
        async with reader(database_url, clock=lambda: NOW, **given) as asked:
            care = bearer(issuer.token({"roles": ["care"]}))
            assert (await asked.get(headers=care)).status_code == 404
            assert (await asked.get("/v1/complaints", headers=care)).status_code == 403
            assert (await asked.get()).status_code == 401


def test_the_command_makes_lists_and_revokes_keys_and_shows_a_secret_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(empty_views(database_url, partitions=4))
    monkeypatch.setenv("RAPPORT_DATABASE_URL", database_url)

    def rapport(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, ["keys", *words, "--json"])
        assert done.exit_code == 0, done.output
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    sender = rapport(
        "create", "--name", "till 3", "--source", "/store/1/", "--source", "/store/2", "--channel", "store",
        "--phone-region", "TH", "--rate", "600",
    )  # fmt: skip
    reading = rapport(
        "create", "--name", "desk", "--role", "front_line", "--role", "care", "--purpose", "greeting"
    )
    assert (sender["kind"], reading["kind"]) == ("source", "reader")
    listed = rapport("list")["keys"]
    assert sender["key"] not in json.dumps(listed)
    bound = {each["key_id"]: each for each in listed}
    assert bound[sender["key_id"]]["sources"] == ["/store/1", "/store/2"]
    assert bound[sender["key_id"]]["requests_per_minute"] == 600
    assert (bound[reading["key_id"]]["roles"], bound[reading["key_id"]]["purposes"]) == (
        ["front_line", "care"], ["greeting"],
    )  # fmt: skip
    assert rapport("revoke", sender["key"]) == {"key_id": sender["key_id"], "revoked": True, "changed": True}
    assert rapport("revoke", sender["key_id"])["changed"] is False
    assert [each["key_id"] for each in rapport("list")["keys"]] == [reading["key_id"]]
    assert len(rapport("list", "--revoked")["keys"]) == 2
    table = CliRunner().invoke(app, ["keys", "list", "--revoked"], env={"COLUMNS": "160"}).stdout
    assert all(word in table for word in (sender["key_id"], "till 3", "/store/1", "front_line"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["create", "--name", "x"], "--source"),
        (["create", "--name", "x", "--source", "/a", "--role", "care"], "either --source"),
        (["create", "--name", "x", "--source", "/rapport/api"], "Rapport's own"),
        (["create", "--name", "x", "--source", "/a b"], "--source"),
        (["create", "--name", "x", "--source", "/a", "--channel", "pigeon"], "pigeon"),
        (["create", "--name", "x", "--source", "/a", "--phone-region", "Thailand"], "Thailand"),
        (["create", "--name", "x", "--source", "/a", "--purpose", "care"], "--role"),
        (["create", "--name", "x", "--role", "king"], "front_line"),
        (["create", "--name", "x", "--role", "care", "--purpose", "gossip"], "greeting"),
        (["create", "--name", "x", "--role", "care", "--channel", "web"], "--channel"),
        (["create", "--name", " ", "--role", "care"], "--name"),
    ],
)
def test_a_key_that_could_not_be_meant_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.setenv("RAPPORT_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    done = CliRunner().invoke(app, ["keys", *words])
    assert done.exit_code == 2, done.output
    assert told in done.stderr


def test_revoking_a_key_that_never_was_says_where_to_look(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(empty_views(database_url, partitions=4))
    monkeypatch.setenv("RAPPORT_DATABASE_URL", database_url)
    done = CliRunner().invoke(app, ["keys", "revoke", "nosuchkey"])
    assert (done.exit_code, "rapport keys list" in done.stderr) == (1, True)
