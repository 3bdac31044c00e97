"""What the calls of operators work with."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from services.api.operations.jobs import Jobs
from services.api.operations.lag_samples import LagSamples
from shared.clock import Clock
from shared.envelope import RecordedEvent
from shared.log.port import StoredRecord


class OperationsRoom(NamedTuple):
    """Samples of lag, orders, and what this program knows of each view: its version and the types that it takes.

    `clock` is that of what runs here, which in a demonstration is not the business's.
    """

    samples: LagSamples
    jobs: Jobs
    versions: Mapping[str, int]
    consumed: Mapping[str, frozenset[str]]
    decode: Callable[[StoredRecord], RecordedEvent[Any]]
    clock: Clock
