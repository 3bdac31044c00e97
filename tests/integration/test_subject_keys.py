"""The key store on a real PostgreSQL: keys made once, destroyed for all, wrapped anew, and away for a while."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from shared.field_cipher import KeyMissingError, Sealing
from shared.metrics import Metrics
from shared.personal_data.key_store import KeyStoreUnavailableError, PostgresKeyStore
from shared.personal_data.key_table import destroy_keys
from shared.personal_data.master_keys import MasterKeys
from shared.personal_data.opener import Opener, SealedValue
from shared.personal_data.rotation import rotate_master_key
from shared.personal_data.subject_keys import SubjectKeys, followed_keys
from tests.contract.logs_under_test import postgres_proxy_target, through
from tests.databases import empty_views
from tests.fakes.tcp_proxy import tcp_proxy
from tests.ingest_door import contact, error_of, open_door, purchase

OLD, NEW = bytes(32), bytes([1] * 32)
NOTE = Sealing("pty_a", "free_text", "e1")
METRICS = Metrics(CollectorRegistry()).personal_data


def store(url: str, masters: MasterKeys | None = None, timeout_seconds: float = 2.0) -> PostgresKeyStore:
    return PostgresKeyStore(url, timeout_seconds, masters or MasterKeys(OLD), os.urandom, METRICS)


@pytest.fixture
async def migrated(database_url: str) -> str:
    await empty_views(database_url, partitions=1)
    return database_url


@asynccontextmanager
async def two_services(url: str) -> AsyncIterator[tuple[SubjectKeys, SubjectKeys]]:
    async with followed_keys(store(url)) as one, followed_keys(store(url)) as other:
        yield one, other


async def destroy(url: str, *subjects: str) -> int:
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        destroyed = await destroy_keys(connection, subjects)
    await connection.close()
    return destroyed


async def until_dropped(keys: SubjectKeys) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                keys.cipher.seal("x", NOTE)
            except KeyMissingError:
                return
            await asyncio.sleep(0.01)


async def test_services_that_race_for_subjects_keys_get_the_same(migrated: str) -> None:
    subjects = [f"pty_{n}" for n in range(300)]
    for some in (subjects, subjects[::-1]):  # the second round finds them all there
        async with two_services(migrated) as (one, other):
            first, second = await asyncio.gather(one.cipher_of(some), other.cipher_of(some[::-1]))
            for subject in subjects:
                sealing = NOTE._replace(subject=subject)
                value = SealedValue(first.seal(subject, sealing), sealing)
                assert await Opener(other, METRICS).open([value]) == [subject]
                assert second._keys[subject] == first._keys[subject]
    connection = await asyncpg.connect(migrated)
    assert await connection.fetchval("select count(*) from control.subject_keys") == 300
    await connection.close()


async def test_a_destroyed_key_leaves_every_service_and_a_later_event_of_its_subject_begins_anew(
    migrated: str,
) -> None:
    async with two_services(migrated) as (sealing, reading):
        cipher = await sealing.cipher_of(["pty_a", "pty_b"])
        values = [
            SealedValue(cipher.seal("before", each), each) for each in (NOTE, NOTE._replace(subject="pty_b"))
        ]
        opener = Opener(reading, METRICS)
        assert await opener.open(values) == ["before", "before"]
        assert sealing.cipher.seal("x", NOTE)

        assert (await destroy(migrated, "pty_a"), await destroy(migrated, "pty_a")) == (1, 0)

        await until_dropped(sealing)
        await until_dropped(reading)
        assert await opener.open(values) == [None, "before"]
        anew = SealedValue((await sealing.cipher_of(["pty_a"])).seal("after", NOTE), NOTE)
        assert await opener.open([*values, anew]) == [None, "before", "after"]


@pytest.mark.parametrize("silent", [True, False])
async def test_ingest_takes_known_subjects_while_postgresql_is_away_and_all_once_it_is_back(
    migrated: str, *, silent: bool
) -> None:
    async with tcp_proxy(postgres_proxy_target(migrated)) as proxy:
        behind = store(through(proxy, migrated), timeout_seconds=0.5)
        async with open_door(key_store=behind) as door:
            assert (await door.post(contact("c-1", "M-1"))).status_code == 202
            if silent:
                proxy.black_hole()
            else:
                proxy.cut()
            answer = await door.post([contact("c-2", "M-1"), contact("c-3", "M-2"), purchase()])
            assert [each["status"] for each in answer.json()["results"]] == [
                "accepted",
                "rejected",
                "accepted",
            ]
            assert error_of(answer, 1)["code"] == "key_store_unavailable"
            assert (await door.post(contact("c-3", "M-2"))).status_code == 503
            proxy.heal()
            async with asyncio.timeout(20):
                while (await door.post(contact("c-3", "M-2"))).status_code != 202:
                    await asyncio.sleep(0.05)


async def test_a_master_key_is_rotated_in_batches_while_services_run_and_again_without_harm(
    migrated: str,
) -> None:
    async with followed_keys(store(migrated)) as old:
        cipher = await old.cipher_of([f"pty_{n}" for n in range(25)] + ["pty_a"])
        value = SealedValue(cipher.seal("kept", NOTE), NOTE)
    both = MasterKeys(NEW, [OLD])
    connection = await asyncpg.connect(migrated)
    refused = await rotate_master_key(connection, MasterKeys(NEW), os.urandom)
    assert (refused.keys, refused.left) == (0, 26)
    assert "RAPPORT_PREVIOUS_MASTER_KEY" in refused.reason
    told: list[int] = []
    rotated = await rotate_master_key(connection, both, os.urandom, told.append, batch_keys=10)
    assert (rotated.keys, rotated.left, rotated.reason, told) == (26, 0, "", [10, 20, 26])
    assert (await rotate_master_key(connection, both, os.urandom)).keys == 0
    await connection.close()
    async with followed_keys(store(migrated, MasterKeys(NEW))) as new:
        assert await Opener(new, METRICS).open([value]) == ["kept"]
    async with followed_keys(store(migrated)) as old:  # it lacks the new one
        assert await Opener(old, METRICS).open([value]) == [None]
        with pytest.raises(KeyMissingError):
            (await old.cipher_of(["pty_a"])).seal("x", NOTE)


async def test_a_store_without_tables_says_how_to_make_them(database_url: str) -> None:
    async with followed_keys(store(database_url)) as keys:
        with pytest.raises(KeyStoreUnavailableError, match="rapport migrate"):
            await keys.cipher_of(["pty_a"])
