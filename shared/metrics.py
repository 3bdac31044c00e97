"""Every metric of Rapport, named in one typed list; each process makes one `Metrics` over its registry."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCH_BUCKETS = (1, 5, 10, 50, 100, 500, 1000, 5000)


class Metrics:
    """The metrics, registered with `registry` once. Observing never blocks and never raises."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.ingest_events = Counter(
            "rapport_ingest_events",
            "Events answered, by outcome and error code",
            ["outcome", "code"],
            registry=registry,
        )
        self.ingest_request_seconds = Histogram(
            "rapport_ingest_request_seconds",
            "From request to answer",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.ingest_clock_skew_seconds = Histogram(
            "rapport_ingest_clock_skew_seconds", "Receipt minus `sentat`, where the sender gave it",
            buckets=(-3600, -60, -5, -1, 0, 1, 5, 60, 3600, 86400), registry=registry,
        )  # fmt: skip
        self.log_append_seconds = Histogram(
            "rapport_log_append_seconds", "From handing records over to their acknowledgement",
            buckets=_LATENCY_BUCKETS, registry=registry,
        )  # fmt: skip
        self.log_append_failures = Counter(
            "rapport_log_append_failures",
            "Appends that were not acknowledged, by reason",
            ["reason"],
            registry=registry,
        )
        self.log_pending_bytes = Gauge(
            "rapport_log_pending_bytes", "Bytes waiting in the log's buffer", registry=registry
        )
        self.projection_events = Counter(
            "rapport_projection_events",
            "Records read by projections, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.projection_batch_events = Histogram(
            "rapport_projection_batch_events", "Events in a batch", buckets=_BATCH_BUCKETS, registry=registry
        )
        self.projection_batch_seconds = Histogram(
            "rapport_projection_batch_seconds", "From taking up a batch to its commit",
            buckets=_LATENCY_BUCKETS, registry=registry,
        )  # fmt: skip
        self.projection_position = Gauge(
            "rapport_projection_position", "Next offset to apply", ["partition"], registry=registry
        )
        self.projection_partitions = Gauge(
            "rapport_projection_partitions", "Partitions this worker holds", registry=registry
        )
        self.projection_restarts = Counter(
            "rapport_projection_restarts", "Times the worker began again after an error, by its name", ["error"],
            registry=registry,
        )  # fmt: skip
        self.api_request_seconds = Histogram(
            "rapport_api_request_seconds", "From request to answer, by route and status", ["route", "status"],
            buckets=_LATENCY_BUCKETS, registry=registry,
        )  # fmt: skip
        self.api_position_waits = Counter(
            "rapport_api_position_waits",
            "Requests that asked for a position, by outcome",
            ["outcome"],
            registry=registry,
        )
