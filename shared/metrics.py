"""Every metric of Rapport, named in one typed list; each process makes one `Metrics` over its registry."""

from math import nan
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.loop_histogram import LoopHistogram

OF_PROJECTIONS: Final = "rapport_projection_"
"""Begins the name of every metric that a process which projects observes."""
OF_SUPERVISION: Final = "rapport_projection_process_"
"""Begins the name of every metric of the process that keeps such a process running."""

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
        self.ingest_request_seconds = LoopHistogram(
            "rapport_ingest_request_seconds",
            "From request to answer",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.ingest_clock_skew_seconds = Histogram(
            "rapport_ingest_clock_skew_seconds", "Receipt minus `sentat`, where the sender gave it",
            buckets=(-3600, -60, -5, -1, 0, 1, 5, 60, 3600, 86400), registry=registry,
        )  # fmt: skip
        self.log_append_seconds = LoopHistogram(
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
            "rapport_projection_position",
            "Next offset to apply, of the partitions this worker holds",
            ["partition"],
            registry=registry,
        )
        self.projection_partitions = Gauge(
            "rapport_projection_partitions", "Partitions this worker holds", registry=registry
        )
        self.projection_started_timestamp_seconds = Gauge(
            "rapport_projection_started_timestamp_seconds", "When this process began to project, Unix time",
            registry=registry,
        )  # fmt: skip
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
        self.projection_process_up = Gauge(
            f"{OF_SUPERVISION}up",
            "1 where the projection process of `rapport up` answered this scrape, else 0; NaN elsewhere",
            registry=registry,
        )
        self.projection_process_restarts = Counter(
            f"{OF_SUPERVISION}restarts",
            "Times `rapport up` started its projection process again",
            registry=registry,
        )
        self.data_disk_free_bytes = Gauge(
            "rapport_data_disk_free_bytes",
            "Bytes free on the disk of the data directory of `rapport up`; NaN elsewhere",
            registry=registry,
        )
        self.data_disk_bytes = Gauge(
            "rapport_data_disk_bytes", "Size of that disk in bytes; NaN elsewhere", registry=registry
        )
        for unknown in (self.projection_process_up, self.data_disk_free_bytes, self.data_disk_bytes):
            unknown.set(nan)
        self.escalation = EscalationMetrics(registry)
        self.scoring = ScoringMetrics(registry)
        self.personal_data = PersonalDataMetrics(registry)
        self.watched = WatchedMetrics(registry)


class EscalationMetrics:
    """What the escalation scheduler of one process does. Absent figures are NaN: most processes have none."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.posted = Counter(
            "rapport_escalation_events_posted",
            "Escalations of breached clocks that the log confirmed",
            registry=registry,
        )
        self.failures = Counter(
            "rapport_escalation_failures",
            "Times it failed, by part: `database`, `log`, `refused` or `unexpected`",
            ["part"],
            registry=registry,
        )
        self.look_timestamp_seconds = Gauge(
            "rapport_escalation_look_timestamp_seconds",
            "When a look for breached clocks last succeeded, Unix time; NaN before and elsewhere",
            registry=registry,
        )
        self.look_timestamp_seconds.set(nan)


class ScoringMetrics:
    """What the schedule of scoring runs of one process sees. Absent figures are NaN: most processes have none."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.runs = Counter(
            "rapport_scoring_runs",
            "Scoring runs that its schedule made, by outcome: `completed` or `failed`",
            ["outcome"],
            registry=registry,
        )
        self.run_seconds = Gauge(
            "rapport_scoring_run_seconds", "How long the last of them took; NaN before", registry=registry
        )
        self.run_timestamp_seconds = Gauge(
            "rapport_scoring_run_timestamp_seconds",
            "When the latest scoring run was recorded, whoever made it, Unix time; NaN before and elsewhere",
            registry=registry,
        )
        for unknown in (self.run_seconds, self.run_timestamp_seconds):
            unknown.set(nan)


class PersonalDataMetrics:
    """What one process meets where it seals or opens personal data. NaN where it never asked the key store."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.key_store_up = Gauge(
            "rapport_key_store_up",
            "1 where the key store answered this process last, else 0; NaN where it does not ask",
            registry=registry,
        )
        self.key_store_up.set(nan)
        self.unusable_keys = Counter(
            "rapport_personal_data_unusable_keys",
            "Times a data key could not be unwrapped: another master key, or altered",
            registry=registry,
        )
        self.unopened = Counter(
            "rapport_personal_data_unopened",
            "Sealed values read as absent, by reason: `no_key` (erased, or unknown) or `broken` (altered, or moved)",
            ["reason"],
            registry=registry,
        )


class WatchedMetrics:
    """What each process that projects sees of the whole system: log, database, every view, every partition.

    Each process tells the same, as of its own last look, so `max` is the aggregation, never `sum`. What a look could
    not find out is absent, or NaN where there are no labels; it is never 0.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            made = Gauge(f"{OF_PROJECTIONS}{name}", meaning, labels, registry=registry)
            if not labels:
                made.set(nan)
            return made

        self.look_timestamp_seconds = gauge(
            "look_timestamp_seconds", "When the watchdog last looked, Unix time"
        )
        self.log_up = gauge(
            "log_up", "1 where the log answered and is the one the views are made from, else 0"
        )
        self.database_up = gauge("database_up", "1 where PostgreSQL answered, else 0")
        self.database_bytes = gauge(
            "database_bytes", "Size of the database in bytes, the embedded log included"
        )
        self.log_end = gauge("log_end", "Offset that the next record of the log gets", "partition")
        self.partitions_unheld = gauge("partitions_unheld", "Partitions that no living worker holds")
        self.lag_events = gauge(
            "lag_events", "Records of the log that the view has not taken up", "view", "partition"
        )
        self.lag_seconds = gauge(
            "lag_seconds", "Since the oldest event that the view has not taken up was recorded; 0 at the log's end",
            "view", "partition",
        )  # fmt: skip
        self.standstill_seconds = gauge(
            "standstill_seconds", "How long events have waited without the view taking one up, as this process saw it",
            "view", "partition",
        )  # fmt: skip
        self.parked_keys = gauge(
            "parked_keys", "Keys with parked events, counted up to 10,000 events; view `*`: undecodable records",
            "view",
        )  # fmt: skip
        self.discarded_events = gauge("discarded_events", "Parked events that were discarded", "view")
        self.redriven_events = gauge("redriven_events", "Parked events taken when they were redriven", "view")
        self.generation = gauge("generation", "The view's newest generation in that state", "view", "state")
        self.rebuild_done_events = gauge(
            "rebuild_done_events", "Events a rebuild has taken up", "view", "generation"
        )
        self.rebuild_target_events = gauge(
            "rebuild_target_events", "Events a rebuild has to take up", "view", "generation"
        )
        self.rebuild_events_per_second = gauge(
            "rebuild_events_per_second", "A rebuild's rate since it was taken up", "view", "generation"
        )
        self.rebuild_standstill_seconds = gauge(
            "rebuild_standstill_seconds",
            "Since a rebuild last took note of progress, or was ordered",
            "view",
            "generation",
        )
