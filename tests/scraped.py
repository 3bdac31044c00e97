"""What tests of the joined metrics share: two processes' observations, and the samples of a text."""

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from shared.metrics import Metrics


class Process:
    """Stands for the projection process: all that is asked of it is its port."""

    def __init__(self, metrics_port: int | None) -> None:
        self.metrics_port = metrics_port


def observed() -> tuple[Metrics, Metrics]:
    """What the serving process and the projecting one have observed."""
    serving, projecting = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    serving.ingest_events.labels("accepted", "").inc(5)
    serving.projection_process_up.set(1)
    projecting.projection_partitions.set(4)
    projecting.watched.lag_events.labels("timeline", "0").set(3)
    return serving, projecting


def samples(text: str) -> dict[str, float]:
    """Every sample by its name and labels; a family or a sample told twice fails."""
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    found: dict[str, float] = {}
    for family in families:
        for sample in family.samples:
            key = f"{sample.name}{sorted(sample.labels.items()) or ''}"
            assert key not in found
            found[key] = sample.value
    return found
