"""Posts a run as an event, through the checks that posted events pass."""

from datetime import datetime
from typing import Any, Final

from msgspec import Raw, json

from services.scoring.failures import ScoringFailedError
from shared.acceptance import AcceptableEvent, Acceptance
from shared.events.analytics import ANALYTICS, AnalyticsRunCompleted
from shared.log.port import Appended, LogWriter
from shared.position import Position
from shared.senders import SourceRegistration


async def post_run(
    writer: LogWriter, acceptance: Acceptance, run: AnalyticsRunCompleted, now: datetime
) -> Position:
    """Appends `analytics.run_completed` and answers the position that includes it, once it is durable.

    The id follows from the run's, so a repeat adds nothing. Raises `ScoringFailedError`.
    """
    accepted = acceptance.of(Raw(json.encode(_event(run, now))), _OWN, now)
    if not isinstance(accepted, AcceptableEvent):
        raise ScoringFailedError("log", f"run {run.run_id} is not a valid event: {accepted}")
    [outcome] = await writer.append([accepted.record])
    if not isinstance(outcome, Appended):
        raise ScoringFailedError(
            "log", f"the event log did not confirm run {run.run_id}: {outcome}; run it again"
        )
    return Position.of_written([outcome])


def event_id(run_id: str) -> str:
    """The id of a run's event."""
    return f"run:{run_id}"


def _event(run: AnalyticsRunCompleted, now: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id(run.run_id),
        "source": ANALYTICS,
        "type": run.TYPE,
        "time": now.isoformat(),
        "channel": "web",
        "data": run,
    }


class _Own:
    """Rapport itself, as a sender of events."""

    def registration(self, source: str) -> SourceRegistration | None:
        return _REGISTERED if source == ANALYTICS else None


_REGISTERED: Final = SourceRegistration()
_OWN: Final = _Own()
