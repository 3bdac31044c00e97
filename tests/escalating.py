"""What tests of the escalation scheduler share: policies without nights, complaints, and a scheduler over a log."""

from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from services.escalation.escalator import Escalator
from services.escalation.main import escalator_of
from services.projections.complaints.escalation_id import ESCALATOR
from services.projections.complaints.policies_in_force import PoliciesInForce
from services.projections.complaints.policy_file import parse
from services.projections.read_models.complaints import complaints
from shared.log.port import LogWriter
from shared.metrics import Metrics
from tests.api_reader import settings
from tests.fakes.memory_log import MemoryLog
from tests.projecting import decode
from tests.redeeming import Hand
from tests.strategies import JsonObject

OPENED = datetime(2026, 3, 2, 12, tzinfo=UTC)
_DAY = '"00:00-24:00"'
_HOURS = ", ".join(f"{day} = {_DAY}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
ALWAYS_OPEN = parse(
    f"""
    [calendar.always]
    timezone = "UTC"
    hours = {{ {_HOURS} }}
    [policy.default]
    calendar = "always"
    fallback = "normal"
    [policy.default.normal]
    first_response = "1h"
    resolution = "4h"
    final_response = "56d"
    """,
    "policies.toml",
)
"""First response is due at 13:00, resolution at 16:00, the final response eight weeks later."""
COMPLAINTS = (complaints(PoliciesInForce(ALWAYS_OPEN)),)


def happened(kind: str, complaint_id: str, after: timedelta = timedelta(), **data: Any) -> JsonObject:
    """An event of a complaint, as posted; its id follows from its type and the complaint."""
    return {
        "specversion": "1.0",
        "id": f"{kind}-{complaint_id}",
        "source": "/crm",
        "type": f"complaint.{kind}",
        "time": (OPENED + after).isoformat(),
        "channel": "phone",
        "data": {"complaint_id": complaint_id, **data},
    }


def opened(complaint_id: str) -> JsonObject:
    """A complaint, as posted."""
    return happened(
        "opened",
        complaint_id,
        customer=[{"type": "member", "value": "M1"}],
        summary="cold soup",
        cause="quality_below_expectation",
        severity="normal",
    )


def escalator(database_url: str, writer: LogWriter, clock: Hand) -> tuple[Escalator, Metrics]:
    """A scheduler with metrics of its own."""
    metrics = Metrics(CollectorRegistry())
    return escalator_of(settings(database_url, database_timeout_seconds=1), metrics, writer, clock), metrics


def posted(log: MemoryLog) -> list[str]:
    """The ids of all escalations that the log holds, repeats included, in order within a partition."""
    events = [decode(each) for each in log.records()]
    return [event.id for event in events if event.source == ESCALATOR]
