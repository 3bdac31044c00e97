"""Settings as Kafka clients want them."""

import ssl

import pytest
from pydantic import SecretStr

from shared.log.kafka_connection import KafkaConnection
from shared.settings import Settings


def settings(**given: object) -> Settings:
    base: dict[str, object] = {
        "database_url": SecretStr("postgresql://localhost/rapport"),
        "identifier_pepper": SecretStr("a pepper of sixteen"),
    }
    return Settings.model_validate(base | given)


def test_brokers_and_topic_come_from_one_address() -> None:
    connection = KafkaConnection.of_settings(settings(log="kafka://one:9092,two:9093/events"))
    assert connection.topic == "events"
    assert connection.client_options()["bootstrap_servers"] == ["one:9092", "two:9093"]


def test_a_plain_connection_presents_no_credentials() -> None:
    options = KafkaConnection.of_settings(settings(log="kafka://one:9092/events")).client_options()
    assert options["security_protocol"] == "PLAINTEXT"
    assert not {"ssl_context", "sasl_mechanism", "sasl_plain_password"} & options.keys()


@pytest.mark.parametrize("security", ["SSL", "SASL_SSL"])
def test_an_encrypted_connection_checks_the_brokers_certificate(security: str) -> None:
    options = KafkaConnection.of_settings(
        settings(log="kafka://one:9092/events", kafka_security=security)
    ).client_options()
    context = options["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_password_is_handed_to_the_client_and_shown_to_nobody() -> None:
    connection = KafkaConnection.of_settings(
        settings(
            log="kafka://one:9092/events",
            kafka_security="SASL_PLAINTEXT",
            kafka_username="rapport",
            kafka_password="not to be seen",
        )
    )
    options = connection.client_options()
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_username"] == "rapport"
    assert options["sasl_plain_password"] == "not to be seen"
    assert "not to be seen" not in repr(connection)
