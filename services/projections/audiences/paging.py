"""Pages of lists that name customers: rows of scores in the order of a list, each looked at again before it is named.

A row was written by a run. Since then its customer may have bought, taken a consent back, or become one with another,
so a page looks at each row as things are now, and may hold fewer customers than were asked for, or none, and still be
followed by others.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from services.projections.identity.component import Component
from services.projections.identity.components import components_of

MOST_BATCHES: Final = 4
"""How many batches of rows one page looks at, each of as many rows as customers are asked for."""

R = TypeVar("R", bound=Mapping[str, Any])
T = TypeVar("T")
P = TypeVar("P", bound=tuple[object, ...])


class Found(NamedTuple, Generic[R]):
    """A row with the customer that it is of now."""

    row: R
    component: Component


class Page(NamedTuple, Generic[T, P]):
    """Those who are named, and the place that the next page starts after, None on the last."""

    items: list[T]
    next: P | None


async def page_of(
    fetch: Callable[[P | None, int], Awaitable[Sequence[R]]],
    place_of: Callable[[R], P],
    named: Callable[[Sequence[R]], Awaitable[Sequence[T | None]]],
    after: P | None,
    limit: int,
) -> Page[T, P]:
    """A page of up to `limit` customers.

    `fetch` answers rows after a place in the order of the list, `named` what to say of each, None for one that is not
    named. Pages that follow each other look at each row once.
    """
    items: list[T] = []
    for _ in range(MOST_BATCHES):
        rows = await fetch(after, limit + 1)
        looked_at = rows[:limit]
        for row, said in zip(looked_at, await named(looked_at), strict=True):
            after = place_of(row)
            if said is not None:
                items.append(said)
            if len(items) == limit:
                is_last = row is rows[-1]
                return Page(items, None if is_last else after)
        if len(rows) <= limit:
            return Page(items, None)
    return Page(items, after)


async def customers_of(
    connection: Any,
    rows: Sequence[R],
    siblings: Callable[[Sequence[str]], Awaitable[Sequence[str]]],
) -> list[Found[R] | None]:
    """The customer that each row is of now; None where that is nobody any more, or is named by another row.

    Customers that have become one since the run have several rows. The first of these in the order of the list names
    them: `siblings` answers, in that order, the parties among some that have a row in the list.
    """
    components = await components_of(connection, [row["party"] for row in rows])
    merged = {party for each in components.values() if len(each.parties) > 1 for party in each.parties}
    order = await siblings(sorted(merged)) if merged else []
    first: dict[str, str] = {}
    customer_of = {party: each.customer_id for each in components.values() for party in each.parties}
    for party in order:
        first.setdefault(customer_of[party], party)
    found: list[Found[R] | None] = []
    for row in rows:
        component = components.get(row["party"])
        names = component is not None and first.get(component.customer_id, row["party"]) == row["party"]
        found.append(Found(row, component) if component is not None and names else None)
    return found
