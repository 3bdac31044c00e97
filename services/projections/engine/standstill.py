"""How long events have waited without a view taking one up."""

from datetime import datetime


class Standstill:
    """Remembers since when each view has stood where it stands in each partition, as far as it has looked."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, int], tuple[int, datetime]] = {}

    def seconds(self, view: str, partition: int, position: int, end: int, now: datetime) -> float:
        """For how long the view was seen at this position with events after it: 0 at the log's end or after a move."""
        place = view, partition
        if position >= end:
            self._since.pop(place, None)
            return 0.0
        known = self._since.get(place)
        if known is None or known[0] != position:
            self._since[place] = position, now
            return 0.0
        return max(0.0, (now - known[1]).total_seconds())
