"""One event on its way into the ledger: who, when, and the entries and anomalies it leaves."""

from typing import Any, NamedTuple

from services.projections.loyalty.account import Account
from services.projections.loyalty.lots import Lot
from services.projections.loyalty.programme import Programme, Programmes
from services.projections.moments import datetime_of, microseconds_of
from shared.envelope import RecordedEvent


class Cause(NamedTuple):
    """The event an entry comes from, and the time it counts for."""

    event_id: str
    source: str
    time: int


class Posting:
    """The account under one event, and the entries so far. `cause` is that of the event, `offset` its place."""

    def __init__(
        self, programmes: Programmes, account: Account, cause: Cause, partition: int, offset: int
    ) -> None:
        self.programmes = programmes
        self.account = account
        self.cause = cause
        self.partition = partition
        self.offset = offset
        self.entries: list[dict[str, Any]] = []

    @property
    def programme(self) -> Programme:
        """The account's programme as it is now."""
        return self.programmes.by_name[self.account.programme]

    def lot(self, points: int, expires_at: int, partner: str | None, order_id: str | None = None) -> Lot:
        """The lot that this event grants."""
        cause = self.cause
        return Lot(expires_at, cause.time, cause.event_id, self.offset, points, points, partner, order_id)

    def enter(
        self,
        kind: str,
        points: int,
        *,
        cause: Cause | None = None,
        reason: str | None = None,
        order_id: str | None = None,
        reference: str | None = None,
        partner: str | None = None,
        allocations: list[Lot] | None = None,
        shortfall: int = 0,
        repaid: int = 0,
        tier: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Adds an entry, once its effect is in the account; `cause` is that of the event unless given."""
        event_id, source, time = cause or self.cause
        self.entries.append(
            {
                "account_id": self.account.rows.account_id,
                "partition": self.partition,
                "log_offset": self.offset,
                "number": len(self.entries),
                "time": datetime_of(time),
                "kind": kind,
                "points": points,
                "balance_after": self.account.figures(time).balance,
                "reason": reason,
                "order_id": order_id,
                "reference": reference,
                "partner": partner,
                "allocations": [
                    {"lot": lot.event_id, "points": lot.remaining, "partner": lot.partner}
                    for lot in allocations or ()
                ],
                "movements": [list(movement) for movement in self.account.moved()],
                "shortfall": shortfall,
                "repaid": repaid,
                "tier": tier,
                "programme": self.account.programme,
                "event_id": event_id,
                "source": source,
                "detail": detail,
                "sentence": None,
            }
        )

    def anomaly(self, code: str, detail: str, *, cause: Cause | None = None) -> None:
        """Notes that something was not as it should be; no points move."""
        self.enter(ANOMALY, 0, cause=cause, reason=code, detail=detail)


ANOMALY = "anomaly"
"""The kind of rows that no statement of points shows, but the account's list of anomalies."""


def cause_of(event: RecordedEvent[Any]) -> Cause:
    """The event as what its entries come from."""
    return Cause(event.id, event.source, microseconds_of(event.time))
