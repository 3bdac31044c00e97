"""`rapport topics create` and `rapport up --kafka` on a real broker."""

import uuid
from pathlib import Path

import pytest

from services.ops.topic import ensure_topic, make_topic
from shared.log.kafka_topic import TopicExistsError, TopicUnusableError
from shared.settings import Settings
from tests.e2e.running import Sender, run, up


def settings(bootstrap: str, topic: str) -> Settings:
    return Settings.model_validate(
        {
            "database_url": "postgresql://",
            "identifier_pepper": "a-pepper-for-tests-only",
            "log": f"kafka://{bootstrap}/{topic}",
            "partitions": 3,
        }
    )


@pytest.mark.kafka
async def test_a_topic_is_made_once_with_as_many_copies_as_there_are_brokers(kafka_bootstrap: str) -> None:
    wanted = settings(kafka_bootstrap, f"made-{uuid.uuid4().hex[:8]}")

    made, copies = await make_topic(wanted, None)

    assert (made.partitions, copies, made.min_in_sync) == (3, 1, 1)
    with pytest.raises(TopicExistsError):
        await make_topic(wanted, None)
    await ensure_topic(wanted)


async def test_an_absent_broker_is_named(free_port: int) -> None:
    with pytest.raises(TopicUnusableError, match=f"127.0.0.1:{free_port} does not answer"):
        await make_topic(settings(f"127.0.0.1:{free_port}", "events"), None)


@pytest.mark.kafka
def test_the_command_says_what_it_made_and_may_be_repeated(kafka_bootstrap: str) -> None:
    log = f"kafka://{kafka_bootstrap}/told-{uuid.uuid4().hex[:8]}"

    first = run("topics", "create", RAPPORT_LOG=log)
    again = run("topics", "create", RAPPORT_LOG=log)

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert "12 partitions" in first.stdout
    assert "exists already" in again.stdout


@pytest.mark.kafka
async def test_up_on_kafka_makes_its_topic_and_shows_what_was_posted(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    sender = Sender("kafka")
    with up(tmp_path / "data", "--kafka", f"{kafka_bootstrap}/up-{uuid.uuid4().hex[:8]}") as running:
        await sender.post_until(running.url, lambda: len(sender.acknowledged) >= 100)

        assert await sender.missing_or_repeated(running.url) == (set(), set())
        assert running.interrupt() == 0
