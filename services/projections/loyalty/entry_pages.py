"""One page of an account's statement: stored entries, and what time alone did, in their common order.

Lots that lapsed and holds that nothing but time released have no stored entry. They are read off the account, as many
as the page shows, and the balance at the page's beginning off the sums in the tree of lots.
"""

from itertools import islice
from typing import Any, NamedTuple

from services.projections.loyalty.account_source import (
    IS_EXPIRY,
    IS_LATER,
    AccountSource,
    Paging,
    Place,
    answered,
)
from services.projections.loyalty.lots import Lot
from services.projections.loyalty.reading import AFTER_ALL, Reading, expired_entry, statement
from services.projections.moments import NEVER, datetime_of, microseconds_of
from services.projections.read_models.declaration import Row
from shared.position import Position

_BEFORE_ALL: list[Any] = [-AFTER_ALL]


class EntryPage(NamedTuple):
    """Entries as the API answers them, and the place of the last one where more follow."""

    items: list[dict[str, Any]]
    next: Place | None


class _Placed(NamedTuple):
    place: Place
    entry: Row
    lot: Lot | None = None


async def entry_page(
    source: AccountSource, reading: Reading, wanted: Paging, position: Position
) -> EntryPage:
    """A page. Those that follow each other neither repeat nor skip an entry that was there from the first.

    `position` is that of the snapshot. Memory and queries grow with the page alone. Raises asyncpg's errors.
    """
    after, limit, ascending = wanted
    stored = await source.entries_beyond(after, limit + 1, ascending=ascending)
    placed = [_Placed(_stored_place(each), each) for each in stored]
    if reading.released:
        unwritten = await _unwritten(source, reading, position)
        placed += [each for each in unwritten if _is_beyond(each.place, after, ascending=ascending)]
    lapsed = await answered(source, lambda: _lapsed(reading, after, limit + 1, ascending=ascending))
    placed += [_Placed(_lot_place(lot), expired_entry(reading, lot), lot) for lot in lapsed]
    placed.sort(key=lambda each: each.place.order, reverse=not ascending)
    shown = placed[:limit]
    if not shown:
        return EntryPage([], None)
    oldest_first = shown if ascending else shown[::-1]
    before = await _balance_before(source, reading, oldest_first[0].lot)
    items = statement([each.entry for each in oldest_first], before)
    return EntryPage(items if ascending else items[::-1], shown[-1].place if len(placed) > limit else None)


def _stored_place(entry: Row) -> Place:
    within = (entry["log_offset"], entry["number"])
    return Place(microseconds_of(entry["time"]), IS_LATER, within, entry["partition"])


def _lot_place(lot: Lot) -> Place:
    return Place(lot.expires_at, IS_EXPIRY, (lot.occurred_at, lot.event_id, lot.offset))


async def _unwritten(source: AccountSource, reading: Reading, position: Position) -> list[_Placed]:
    """The releases by time alone. A hold that is released was placed, so there is an entry to tell the partition."""
    known = await source.entries_beyond(None, 1, ascending=True)
    since = position.offsets.get(known[0]["partition"], 0) if known else 0
    return [
        _Placed(
            Place(microseconds_of(each["time"]), IS_LATER, (each["log_offset"], each["number"]), since), each
        )
        for each in reading.released
    ]


def _is_beyond(place: Place, after: Place | None, *, ascending: bool) -> bool:
    if after is None:
        return True
    return place.order > after.order if ascending else place.order < after.order


def _lapsed(reading: Reading, after: Place | None, most: int, *, ascending: bool) -> list[Lot]:
    least, beyond = _BEFORE_ALL, [reading.time + 1]
    if after is not None and after.rank == IS_EXPIRY:
        key = [after.time, *after.within]
        least, beyond = ([*key, NEVER], beyond) if ascending else (least, min(beyond, key))
    elif after is not None:
        behind = [after.time + 1]
        least, beyond = (behind, beyond) if ascending else (least, min(beyond, behind))
    if least >= beyond:
        return []
    return list(islice(reading.account.lots.span(least, beyond, backwards=not ascending), most))


async def _balance_before(source: AccountSource, reading: Reading, first: Lot | None) -> int:
    """What the entry before a lot's expiry came to; needed for none that was stored, which says its own balance."""
    if first is None:
        return 0
    expiry = datetime_of(first.expires_at)
    entries = [each for each in reading.released if each["time"] < expiry]
    stored = await source.last_entry_before(expiry)
    if stored is not None:
        entries.append(stored)
    last = max(entries, key=lambda each: (each["time"], each["log_offset"], each["number"]), default=None)
    since = _BEFORE_ALL if last is None else [microseconds_of(last["time"]) + 1]
    lots = reading.account.lots
    lapsed = await answered(source, lambda: lots.points_from(since) - lots.points_from(first.key))
    return (0 if last is None else int(last["balance_after"])) - lapsed
