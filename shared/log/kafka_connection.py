"""How to reach the Kafka cluster and topic that hold the event log."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from aiokafka.helpers import create_ssl_context

from shared.settings import Settings

REQUEST_TIMEOUT_SECONDS = 3.0
"""How long one request may stay unanswered before its connection is replaced: so long acks stay away at most
once a silent network heals."""


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """The address, the topic, and what the brokers want to know of a client."""

    bootstrap: str
    topic: str
    security: str = "PLAINTEXT"
    ca_file: Path | None = None
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """What `RAPPORT_LOG` (kafka://HOST:PORT[,HOST:PORT]/TOPIC) and `RAPPORT_KAFKA_*` say."""
        bootstrap, _, topic = settings.log.removeprefix("kafka://").rpartition("/")
        password = settings.kafka_password
        return cls(
            bootstrap=bootstrap,
            topic=topic,
            security=settings.kafka_security,
            ca_file=settings.kafka_ca_file,
            sasl_mechanism=settings.kafka_sasl_mechanism,
            username=settings.kafka_username,
            password=None if password is None else password.get_secret_value(),
        )

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments of every aiokafka client. Reads the authority's file, where one is named."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "request_timeout_ms": int(REQUEST_TIMEOUT_SECONDS * 1000),
            "retry_backoff_ms": 100,
            "security_protocol": self.security,
        }
        if self.security.endswith("SSL"):
            options["ssl_context"] = create_ssl_context(
                cafile=None if self.ca_file is None else str(self.ca_file)
            )
        if self.security.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options
