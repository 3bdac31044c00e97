"""A histogram for what happens with every request: as Prometheus has it, at a third of the library's cost."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class LoopHistogram(Collector):
    """Observed by one thread alone, that of the event loop, and therefore without locks; any may collect it."""

    def __init__(
        self, name: str, documentation: str, *, buckets: Iterable[float], registry: CollectorRegistry
    ) -> None:
        """`buckets` are upper bounds, ascending; a last one without bound is added."""
        self._name = name
        self._documentation = documentation
        self._bounds = tuple(buckets)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, amount: float) -> None:
        """Counts `amount` into its bucket. Never blocks and never raises."""
        self._counts[bisect_left(self._bounds, amount)] += 1
        self._sum += amount

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """The name, by which the registry refuses a second one."""
        return [HistogramMetricFamily(self._name, self._documentation)]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """The buckets, each with all that lies below its bound."""
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        family = HistogramMetricFamily(self._name, self._documentation)
        family.add_metric([], list(zip(bounds, accumulate(self._counts), strict=True)), self._sum)
        return [family]
