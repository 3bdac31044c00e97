"""The event log that the settings name."""

from shared.log.append_buffer import AppendBounds
from shared.log.embedded import EmbeddedLog
from shared.log.kafka import KafkaLog
from shared.log.kafka_connection import KafkaConnection
from shared.log.port import EventLog
from shared.metrics import Metrics
from shared.settings import Settings


def event_log(settings: Settings, metrics: Metrics) -> EventLog:
    """`EmbeddedLog` or `KafkaLog`, connected to nothing yet."""
    bounds = AppendBounds(timeout_seconds=settings.append_timeout_seconds)
    if settings.log == "embedded":
        return EmbeddedLog(
            settings.database_url.get_secret_value(),
            metrics,
            bounds=bounds,
            database_timeout_seconds=settings.database_timeout_seconds,
        )
    return KafkaLog(KafkaConnection.of_settings(settings), metrics, bounds=bounds)
