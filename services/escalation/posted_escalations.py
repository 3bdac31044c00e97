"""The escalations that this process has posted, so that a view that lags behind is not told the same again."""

from collections import OrderedDict


class PostedEscalations:
    """Ids of events, at most so many: the oldest are forgotten first, and posting those again would change nothing."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, event_id: str) -> bool:
        """Whether it was posted and not forgotten."""
        return event_id in self._ids

    def add(self, event_id: str) -> None:
        """Remembers one."""
        self._ids[event_id] = None
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)
