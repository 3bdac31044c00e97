"""From what the watchdog saw to what the gauges say."""

from datetime import datetime
from math import nan

import asyncpg

from services.projections.engine.standstill import Standstill
from services.projections.sight.lag import LogSight
from services.projections.sight.rebuilding import Rebuilding
from services.projections.sight.system_sight import SystemSight
from shared.metrics import WatchedMetrics


def tell(
    metrics: WatchedMetrics,
    system: SystemSight | None,
    log: LogSight | None,
    standstill: Standstill,
    now: datetime,
) -> dict[str, float]:
    """Sets every gauge anew, and answers for how long each live view has stood still.

    Without `system` or `log` what depends on them becomes absent or NaN. Awaits nothing, so no scrape falls between.
    """
    metrics.look_timestamp_seconds.set(now.timestamp())
    metrics.database_up.set(system is not None)
    metrics.log_up.set(log is not None)
    _tell_log_end(metrics, log)
    _tell_views(metrics, system)
    _tell_rebuilds(metrics, system, now)
    return _tell_lags(metrics, system, log, standstill, now)


async def tell_database_bytes(metrics: WatchedMetrics, connection: asyncpg.Connection) -> None:
    """Reads and sets the database's size. Raises asyncpg's errors."""
    metrics.database_bytes.set(await connection.fetchval("select pg_database_size(current_database())"))


def _tell_log_end(metrics: WatchedMetrics, log: LogSight | None) -> None:
    metrics.log_end.clear()
    for partition, bounds in (log.bounds if log else {}).items():
        metrics.log_end.labels(str(partition)).set(bounds.end)


def _tell_views(metrics: WatchedMetrics, system: SystemSight | None) -> None:
    metrics.partitions_unheld.set(nan if system is None else system.partitions_unheld)
    for gauge in (metrics.generation, metrics.parked_keys, metrics.discarded_events, metrics.redriven_events):
        gauge.clear()
    if system is None:
        metrics.database_bytes.set(nan)
        return
    for each in system.generations:  # in order, so that the newest of a state is set last
        metrics.generation.labels(each.view, each.state).set(each.generation)
    for view, parked in system.parked.items():
        metrics.parked_keys.labels(view).set(parked.keys)
        metrics.discarded_events.labels(view).set(parked.discarded)
        metrics.redriven_events.labels(view).set(parked.redriven)


def _tell_rebuilds(metrics: WatchedMetrics, system: SystemSight | None, now: datetime) -> None:
    gauges = (
        metrics.rebuild_done_events,
        metrics.rebuild_target_events,
        metrics.rebuild_events_per_second,
        metrics.rebuild_standstill_seconds,
    )
    for gauge in gauges:
        gauge.clear()
    for made, partitions in system.building if system else ():
        rebuild = Rebuilding.of(made, partitions, now)
        values = (rebuild.done, rebuild.total, rebuild.rate, rebuild.standstill_seconds)
        for gauge, value in zip(gauges, values, strict=True):
            gauge.labels(made.view, str(made.generation)).set(value)


def _tell_lags(
    metrics: WatchedMetrics,
    system: SystemSight | None,
    log: LogSight | None,
    standstill: Standstill,
    now: datetime,
) -> dict[str, float]:
    gauges = metrics.lag_events, metrics.lag_seconds, metrics.standstill_seconds
    for gauge in gauges:
        gauge.clear()
    standing: dict[str, float] = {}
    if system is None or log is None:
        return standing
    live = {each.view for each in system.generations if each.state == "live"}
    for view, lags in log.lags.items():
        for partition, lag in lags.items():
            if lag.events is None:
                continue
            stood = standstill.seconds(
                view, partition, system.positions[view][partition], log.bounds[partition].end, now
            )
            for gauge, value in zip(gauges, (lag.events, lag.seconds(now), stood), strict=True):
                if value is not None:
                    gauge.labels(view, str(partition)).set(value)
            if view in live:
                standing[view] = max(standing.get(view, 0.0), stood)
    return standing
