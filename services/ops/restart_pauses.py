"""How long to wait before something that went down is started again."""

from dataclasses import dataclass

_SHORTEST_SECONDS = 0.2
_LONGEST_SECONDS = 10.0
_WELL_AFTER_SECONDS = 30.0


@dataclass(slots=True)
class RestartPauses:
    """Pauses that double from 0.2 s to at most 10 s, and begin anew after a run of 30 s."""

    _next_seconds: float = _SHORTEST_SECONDS

    def after_run_of(self, seconds: float) -> float:
        """The pause, in seconds, before starting again what ran for `seconds`."""
        pause = _SHORTEST_SECONDS if seconds >= _WELL_AFTER_SECONDS else self._next_seconds
        self._next_seconds = min(pause * 2, _LONGEST_SECONDS)
        return pause
