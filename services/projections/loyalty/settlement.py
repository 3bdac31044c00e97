"""What the partners of a programme owe each other for a month (L14): by who issued points, and who took them.

Every entry says by how many points it changed lots of which partner that expire when (`movements`). So all figures are
sums over entries: what is redeemed, given back and clawed back of those of the month, and what has lapsed by a time of
all changes until then to lots that expired before. Nothing needs the lots themselves.

An entry counts at its time, as the log decided it; events that come late change the months they count for. An account's
whole history counts for the programme it is in now. Points that holds set aside are still outstanding.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from services.projections.loyalty.account import Movement
from services.projections.loyalty.account_source import LedgerReads, answered
from services.projections.loyalty.reading import read_account
from services.projections.loyalty.stored_account import Connection, stored_account
from services.projections.moments import datetime_of, microseconds_of
from services.projections.read_models.declaration import Row
from shared.position import Position

MOST_PAIRS = 10_000
_ACCOUNTS_AT_A_TIME = 200


class SettlementTooLargeError(Exception):
    """More pairs of partners than are answered together; `position` is that of the snapshot."""

    def __init__(self, message: str, position: Position) -> None:
        super().__init__(message)
        self.position = position


class Span(NamedTuple):
    """A time from its beginning, inclusive, to its end, exclusive."""

    begins: datetime
    ends: datetime


class Flow(NamedTuple):
    """So many points of what partners did with points of `issuing`; of all time, those `before` the span included."""

    name: str
    issuing: str | None
    redeeming: str | None
    before: int
    points: int


class SettlementRead(NamedTuple):
    """The figures by issuing partner, the programme's own (null) first, and the snapshot's position."""

    items: list[dict[str, Any]]
    position: Position


async def settlement(
    reads: LedgerReads, connection: Connection, programme: str, span: Span, timeout_seconds: float
) -> SettlementRead:
    """The settlement of a span of time; at its beginning and at its end the figures add up.

    To be called in a repeatable-read transaction of the caller's. Cost grows with all entries of the programme until
    the span ends, some seconds a million; a statement may take `timeout_seconds`. Raises `SettlementTooLargeError` and
    asyncpg's errors.
    """
    await connection.execute(f"set local statement_timeout = {int(timeout_seconds * 1000)}")
    times = (*span, *map(microseconds_of, span))
    found = await connection.fetch(_FLOWS, programme, *times, MOST_PAIRS + 1, timeout=timeout_seconds)
    position = Position.parse(await connection.fetchval(_POSITION))
    if len(found) > MOST_PAIRS:
        raise SettlementTooLargeError(
            f"more than {MOST_PAIRS:,} sums by pairs of partners; read the log of redemptions instead",
            position,
        )
    flows = [
        Flow(row["flow"], row["issuing"], row["redeeming"], int(row["before"]), int(row["points"]))
        for row in found
    ]
    flows += await _released_by_time(reads, connection, programme, span, timeout_seconds)
    partners = sorted({flow.issuing for flow in flows}, key=lambda name: (name is not None, name or ""))
    return SettlementRead(
        [_item(partner, [f for f in flows if f.issuing == partner]) for partner in partners], position
    )


async def _released_by_time(
    reads: LedgerReads, connection: Connection, programme: str, span: Span, timeout_seconds: float
) -> list[Flow]:
    """What releases of holds come to that have run out, and that no event of their account has written down yet."""
    flows: list[Flow] = []
    after = ""
    ends = microseconds_of(span.ends)
    while ids := await connection.fetch(
        _RUN_OUT, programme, ends, after, _ACCOUNTS_AT_A_TIME, timeout=timeout_seconds
    ):
        for each in ids:
            after = each["account_id"]
            account, _ = await stored_account(connection, after)
            if account is None:  # it was found in this very snapshot
                raise LookupError(f"account {after} is gone")
            at = max(ends, account.latest)
            await account.prepare(at)
            ask = partial(read_account, reads.programmes, account.rows, after, datetime_of(at))
            reading = await answered(account, ask)
            flows += _flows_of(reading.released if reading else (), span)
    return flows


def _flows_of(released: Iterable[Row], span: Span) -> list[Flow]:
    flows = []
    for entry in released:
        if entry["time"] >= span.ends:
            continue
        is_before = entry["time"] < span.begins
        for movement in (Movement(*each) for each in entry["movements"]):
            partner, expires_at, change, repaid = movement
            flows.append(Flow("repaid", partner, None, repaid if is_before else 0, repaid))
            if expires_at < microseconds_of(span.ends):
                lapsed_before = is_before and expires_at < microseconds_of(span.begins)
                flows.append(Flow("expired", partner, None, change if lapsed_before else 0, change))
    return flows


_SIGNS = {"issued": 1, "repaid": -1, "redeemed": -1, "given_back": 1, "clawed_back": -1, "expired": -1}


def _item(partner: str | None, flows: Sequence[Flow]) -> dict[str, Any]:
    def during(name: str) -> int:
        return sum(flow.points - flow.before for flow in flows if flow.name == name)

    redeeming = sorted(
        {
            flow.redeeming
            for flow in flows
            if flow.name in ("redeemed", "given_back") and flow.points != flow.before
        },
        key=lambda name: (name is not None, name or ""),
    )
    return {
        "issuing_partner": partner,
        "outstanding_before": sum(_SIGNS[flow.name] * flow.before for flow in flows),
        **{name: during(name) for name in _SIGNS},
        "outstanding": sum(_SIGNS[flow.name] * flow.points for flow in flows),
        "by_redeeming_partner": [
            {
                "redeeming_partner": each,
                **{
                    name: sum(f.points - f.before for f in flows if (f.name, f.redeeming) == (name, each))
                    for name in ("redeemed", "given_back")
                },
            }
            for each in redeeming
        ],
    }


_POSITION = """
select coalesce(string_agg(partition || ':' || position, ',' order by partition), '0')
from control.view_positions where view = 'loyalty' and position > 0
"""
_RUN_OUT = """
select account_id from live.loyalty_states
where kind = 'account' and state ->> 'programme' = $1 and account_id > $3
    and exists (select from json_array_elements(state -> 'holds') hold where (hold ->> 1)::bigint < $2)
order by account_id limit $4
"""
_FLOWS = """
with own as materialized (
    select entry.kind, entry.time < $2::timestamptz as is_before, entry.partner, entry.points, entry.allocations,
        entry.movements
    from live.loyalty_states account
    join live.loyalty_entries entry using (account_id)
    where account.kind = 'account' and account.state ->> 'programme' = $1 and entry.time < $3::timestamptz
), moved as (
    select own.kind, own.is_before, own.partner, movement ->> 0 as issuing, (movement ->> 1)::bigint as expires_at,
        (movement ->> 2)::bigint as change, (movement ->> 3)::bigint as repaid
    from own cross join lateral json_array_elements(own.movements) movement
), flows as (
    select 'issued' as flow, partner as issuing, null as redeeming, points, is_before from own
    where kind in ('earned', 'adjusted') and points > 0
    union all
    select 'repaid', issuing, null, repaid, is_before from moved where repaid > 0
    union all
    select 'redeemed', issuing, partner, -change, is_before from moved where kind = 'redeemed'
    union all
    select 'redeemed', kept ->> 'partner', own.partner, (kept ->> 'points')::bigint, is_before
    from own cross join lateral json_array_elements(own.allocations) kept where kind = 'hold_captured'
    union all
    select 'given_back', issuing, partner, change + repaid, is_before from moved where kind = 'redemption_cancelled'
    union all
    select 'clawed_back', issuing, null, -change, is_before from moved
    where kind in ('clawed_back', 'adjusted') and change < 0
    union all
    select 'expired', issuing, null, change, is_before and expires_at < $4::bigint from moved
    where expires_at < $5::bigint
)
select flow, issuing, redeeming, sum(points) as points, coalesce(sum(points) filter (where is_before), 0) as before
from flows group by flow, issuing, redeeming limit $6
"""
