"""How far the making of a generation is."""

from datetime import datetime
from typing import NamedTuple, Self

from services.projections.sight.generations import Generation
from services.projections.sight.positions import PartitionProgress

_STOPPED_AFTER_SECONDS = 60.0


class Rebuilding(NamedTuple):
    """A generation that is being made. `standstill_seconds` is since progress was last taken note of."""

    view: str
    generation: int
    version: int
    state: str
    partitions: list[PartitionProgress]
    standstill_seconds: float

    @classmethod
    def of(cls, made: Generation, partitions: list[PartitionProgress], now: datetime) -> Self:
        """What a generation's positions tell at `now`; one without positions stands since it was made."""
        moved_at = max((each.updated_at for each in partitions), default=made.created_at)
        return cls(
            made.view, made.generation, made.version, made.state, partitions,
            max(0.0, (now - moved_at).total_seconds()),
        )  # fmt: skip

    @property
    def done(self) -> int:
        """Events taken up."""
        return sum(each.done for each in self.partitions)

    @property
    def total(self) -> int:
        """Events to take up."""
        return sum(each.total for each in self.partitions)

    @property
    def rate(self) -> float:
        """Events a second since the rebuild was last taken up; 0 once it stood still for a minute."""
        if not self.partitions or self.standstill_seconds > _STOPPED_AFTER_SECONDS:
            return 0.0
        begun = min(each.resumed_at for each in self.partitions)
        seconds = (max(each.updated_at for each in self.partitions) - begun).total_seconds()
        moved = sum(each.position - each.resumed_position for each in self.partitions)
        return moved / seconds if seconds > 0 else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """How long it takes at that rate; None where nothing moves."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None
