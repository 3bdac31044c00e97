"""A second broker for the cluster of one that runs, so that one leader can be away while another serves."""

from pathlib import Path
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.kafka.broker import KafkaBroker, free_loopback_port

_FIRST_NODE = 1
_SECOND_NODE = 2


def second_broker(first: KafkaBroker, directory: Path) -> KafkaBroker:
    """A broker, not started yet, that follows the controller of `first`, which runs."""
    port = free_loopback_port()
    first_settings = _properties(first.directory / "server.properties")
    data = directory / "data"
    data.mkdir(parents=True)
    meta = _properties(first.directory / "data" / "meta.properties")
    meta |= {"node.id": str(_SECOND_NODE), "directory.id": uuid4().hex[:22]}
    (data / "meta.properties").write_text("".join(f"{name}={value}\n" for name, value in meta.items()))
    return KafkaBroker(
        directory,
        port,
        settings={
            "node.id": str(_SECOND_NODE),
            "process.roles": "broker",
            "controller.quorum.voters": first_settings["controller.quorum.voters"],
            "listeners": f"PLAINTEXT://127.0.0.1:{port}",
        },
    )


async def topic_led_by_both(first: KafkaBroker, name: str, partitions: int) -> None:
    """Makes a topic of single copies: even partitions are led by the first broker, odd ones by the second."""
    leaders = {number: [_SECOND_NODE if number % 2 else _FIRST_NODE] for number in range(partitions)}
    admin = AIOKafkaAdminClient(bootstrap_servers=first.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, -1, -1, replica_assignments=leaders)])
    await admin.close()


def _properties(path: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in lines}
