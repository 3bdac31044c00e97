"""What the calls of operators work with."""

from collections.abc import Mapping
from typing import NamedTuple

from services.api.operations.jobs import Jobs
from services.api.operations.lag_samples import LagSamples
from shared.clock import Clock


class OperationsRoom(NamedTuple):
    """Samples of lag, orders, the versions of the views that this program knows, and the clock of what runs here, which
    in a demonstration is not the business's.
    """

    samples: LagSamples
    jobs: Jobs
    versions: Mapping[str, int]
    clock: Clock
