"""The Kafka broker of a run: RAPPORT_TEST_KAFKA where set, else one started for it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.kafka.broker import BrokerError, KafkaBroker, free_loopback_port


@asynccontextmanager
async def kafka_broker(directory: Path, say: Callable[[str], None]) -> AsyncIterator[str | None]:
    """The address of a broker for as long as the context lasts; None, and said why, where none can start."""
    if given := os.environ.get("RAPPORT_TEST_KAFKA"):
        yield given
        return
    broker = KafkaBroker(directory / "kafka", free_loopback_port())
    try:
        try:
            await asyncio.to_thread(broker.start)
        except BrokerError as error:
            say(f"no Kafka broker: {error}")
            yield None
        else:
            yield broker.bootstrap
    finally:
        await asyncio.to_thread(broker.stop)
