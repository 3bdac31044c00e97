"""What an account shows at a time (L11), read off the same rows the fold keeps, by the same rules.

A reader loads the account's row, asks, and loads what is needed as long as the answer is `Needs`. `at` must not lie
before the account's latest event: the past is shown by folding the events until then (`history`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from services.projections.loyalty.account import Account
from services.projections.loyalty.holds import release_expired
from services.projections.loyalty.lots import Lot
from services.projections.loyalty.posting import ANOMALY, Cause, Posting
from services.projections.loyalty.programme import BASE_TIER, Programmes
from services.projections.loyalty.rows import AccountRows, RowsMissingError
from services.projections.loyalty.tiers import held_tier, held_until
from services.projections.moments import NEVER, datetime_of, local_year, microseconds_of, text_of
from services.projections.read_models.declaration import Key, Needs, Row

AFTER_ALL = 2**62
"""The offset of entries that no event has written yet: behind every stored one of the same time."""
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Reading:
    """An account at a time, holds that have expired by then released; `released` are the entries of those releases."""

    account: Account
    programmes: Programmes
    time: int
    released: tuple[Row, ...]


def latest_event(rows: Mapping[Key, Row | None], account_id: str) -> datetime | None:
    """The latest time of the account's events, None for no account. Its row must be among the rows."""
    row = rows[account_id, "account", ""]
    return None if row is None else datetime_of(row["state"]["latest"])


def read_account(
    programmes: Programmes, rows: Mapping[Key, Row | None], account_id: str, at: datetime
) -> Reading | Needs | None:
    """The account at a time, None where there is none, or the rows that must be there to say."""
    try:
        return _reading(programmes, rows, account_id, at)
    except RowsMissingError as missing:
        return Needs(missing.keys)


def account_view(
    programmes: Programmes,
    rows: Mapping[Key, Row | None],
    account_id: str,
    at: datetime,
    *,
    anomalies: Iterable[Row] = (),
    most_lots: int | None = None,
) -> dict[str, Any] | Needs | None:
    """The account at a time as the API answers it, None where there is none, or the rows it needs besides.

    `anomalies` are the account's entries of that kind, in log order. At most `most_lots` lots are listed, the next to
    be taken first, and no expiry of which some lots are not listed.
    """
    try:
        reading = _reading(programmes, rows, account_id, at)
        return None if reading is None else _view(reading, account_id, anomalies, most_lots)
    except RowsMissingError as missing:
        return Needs(missing.keys)


def expired_entries(
    reading: Reading, after: datetime | None = None, until: datetime | None = None
) -> list[Row] | Needs:
    """An entry for each lot with points left that expired after `after`, until the reading or `until`, oldest first.

    Or the rows it needs: then read the account anew with those too. `balance_after` is left to `statement`.
    """
    since = -AFTER_ALL if after is None else microseconds_of(after)
    last = reading.time if until is None else min(reading.time, microseconds_of(until))
    try:
        return [expired_entry(reading, lot) for lot in reading.account.lots.between(since, last)]
    except RowsMissingError as missing:
        return Needs(missing.keys)


def entries_view(
    programmes: Programmes,
    rows: Mapping[Key, Row | None],
    account_id: str,
    at: datetime,
    entries: Iterable[Row],
) -> list[dict[str, Any]] | Needs | None:
    """The whole statement at a time, oldest first, None where there is no account, or the rows it needs besides.

    `entries` are all stored entries of the account.
    """
    reading = read_account(programmes, rows, account_id, at)
    if reading is None or isinstance(reading, Needs):
        return reading
    expired = expired_entries(reading)
    if isinstance(expired, Needs):
        return expired
    return statement([*entries, *reading.released, *expired])


def statement(entries: Iterable[Row], balance_before: int = 0) -> list[dict[str, Any]]:
    """Ledger entries as the API answers them, by time, expiries first, then in log order; anomalies are left out.

    `entries` are stored ones, those of a reading's releases, and of its expiries; `balance_before` is what the entry
    before the first of them came to, which an expiry that comes first is counted from.
    """
    shown = []
    balance = balance_before
    for entry in sorted((each for each in entries if each["kind"] != ANOMALY), key=entry_order):
        balance = balance + entry["points"] if entry["kind"] == EXPIRED else entry["balance_after"]
        shown.append(_shown(entry, balance))
    return shown


def entry_order(entry: Row) -> tuple[Any, ...]:
    """What entries are ordered by."""
    is_later = entry["kind"] != EXPIRED
    return (
        entry["time"],
        is_later,
        entry["log_offset"] if is_later else 0,
        entry["number"] if is_later else 0,
    )


def _reading(
    programmes: Programmes, rows: Mapping[Key, Row | None], account_id: str, at: datetime
) -> Reading | None:
    account_rows = AccountRows(account_id, rows)
    state = account_rows.state("account", "")
    if state is None:
        return None
    time = microseconds_of(at)
    account = Account(account_rows, state)
    if time < account.latest:
        raise ValueError(
            f"account {account_id} has events until {text_of(account.latest)}, so these rows do not show {at}"
        )
    posting = Posting(programmes, account, Cause("", "", time), 0, AFTER_ALL)
    release_expired(posting, time)
    return Reading(account, programmes, time, tuple(posting.entries))


def _view(
    reading: Reading, account_id: str, anomalies: Iterable[Row], most_lots: int | None
) -> dict[str, Any]:
    account, time = reading.account, reading.time
    programme = reading.programmes.by_name[account.programme]
    figures = account.figures(time)
    tier = held_tier(account, reading.programmes, time)
    valid_until = held_until(account, tier.name, time) if tier else None
    lots = list(islice(account.lots.usable(time), None if most_lots is None else most_lots + 1))
    return {
        "account_id": account_id,
        "programme": account.programme,
        "as_of": text_of(time),
        "balance": figures.balance,
        "available": figures.usable,
        "held": figures.held,
        "deficit": figures.deficit,
        "tier": tier.name if tier else BASE_TIER,
        "tier_valid_until": None if valid_until is None else text_of(valid_until),
        "qualifying_points": account.years.get(str(local_year(time, programme.zone)), 0),
        "expiring": _expiring(lots, most_lots),
        "lots": [_lot(lot) for lot in lots[:most_lots]],
        "anomalies": [
            {"event_id": each["event_id"], "code": each["reason"], "detail": each["detail"]}
            for each in anomalies
        ],
    }


def _expiring(lots: list[Lot], most_lots: int | None) -> list[dict[str, Any]]:
    sums: dict[int, int] = {}
    for lot in lots:
        if lot.expires_at != NEVER:
            sums[lot.expires_at] = sums.get(lot.expires_at, 0) + lot.remaining
    if most_lots is not None and len(lots) > most_lots:
        sums.pop(lots[-1].expires_at, None)
    return [{"points": points, "expires_at": text_of(time)} for time, points in sums.items()]


def _lot(lot: Lot) -> dict[str, Any]:
    return {
        "event_id": lot.event_id,
        "granted": lot.granted,
        "remaining": lot.remaining,
        "occurred_at": text_of(lot.occurred_at),
        "expires_at": text_of(lot.expires_at),
        "partner": lot.partner,
    }


def expired_entry(reading: Reading, lot: Lot) -> Row:
    """The entry that shows that a lot lapsed with points left; `balance_after` is left to `statement`."""
    return {
        "account_id": reading.account.rows.account_id,
        "time": datetime_of(lot.expires_at),
        "kind": EXPIRED,
        "points": -lot.remaining,
        "reason": None,
        "order_id": lot.order_id,
        "reference": None,
        "partner": lot.partner,
        "allocations": [{"lot": lot.event_id, "points": lot.remaining, "partner": lot.partner}],
        "shortfall": 0,
        "event_id": lot.event_id,
    }


_SHOWN = ("event_id", "kind", "points", "reason", "order_id", "partner")


def _shown(entry: Row, balance: int) -> dict[str, Any]:
    return {
        **{name: entry[name] for name in _SHOWN},
        "time": text_of(microseconds_of(entry["time"])),
        "balance_after": balance,
        "allocations": [{"lot": each["lot"], "points": each["points"]} for each in entry["allocations"]],
        "shortfall": entry["shortfall"],
    }
