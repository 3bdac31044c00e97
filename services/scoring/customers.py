"""Who are the customers, all at once: the connected components of counted links, numbered for the run's arrays."""

from array import array
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from services.projections.identity.all_links import all_links
from services.projections.identity.component import MOST_PARTIES

_LEFT_OUT: Final = -1
"""Stands for the component of identifiers of which too many are linked to each other."""


class Customers(NamedTuple):
    """How many numbers there are, from 0: those of customers first seen later than the run is of included.

    `too_large` components have more parties than one customer can, and were left out.
    """

    numbers: int
    too_large: int


async def number_customers(connection: asyncpg.Connection, as_of: datetime) -> Customers:
    """Fills the temporary tables `run_parties` (party, customer) and `run_customers`, in a transaction of the caller's.

    `run_customers` has (customer, party, parties, known): the party first seen, all parties, that one first, and
    whether it was seen by `as_of`. Memory grows with linked parties, about 200 bytes each. Raises asyncpg's errors.
    """
    await connection.execute(_TABLES)
    numbers: dict[str, int] = {}
    ones, others = array("i"), array("i")
    async for pairs in all_links(connection):
        for one, other in pairs:
            ones.append(numbers.setdefault(one, len(numbers)))
            others.append(numbers.setdefault(other, len(numbers)))
    components, too_large, labels = _components(len(numbers), ones, others)
    await connection.copy_records_to_table(
        "run_linked", records=zip(numbers, labels, strict=True), columns=["party", "customer"]
    )
    await connection.execute("analyze run_linked")
    await connection.execute(_PARTIES, components)
    await connection.execute("analyze run_parties")
    await connection.execute(_LINKED_CUSTOMERS, as_of)
    await connection.execute(_OTHER_CUSTOMERS, as_of, components)
    await connection.execute("analyze run_customers")
    most = await connection.fetchval("select coalesce(max(customer), -1) from run_customers")
    return Customers(most + 1, too_large)


def _components(parties: int, ones: "array[int]", others: "array[int]") -> tuple[int, int, list[int]]:
    """How many components may be customers, how many may not, and the component of each party."""
    if not parties:
        return 0, 0, []
    edges = coo_array(
        (np.ones(len(ones), np.int8), (np.frombuffer(ones, np.int32), np.frombuffer(others, np.int32))),
        shape=(parties, parties),
    )
    components, labels = connected_components(edges, directed=False)
    too_large = np.bincount(labels, minlength=components) > MOST_PARTIES
    kept = np.where(too_large[labels], _LEFT_OUT, labels)
    return int(components), int(too_large.sum()), kept.tolist()


_TABLES: Final = """
create temporary table run_linked (party text not null, customer integer not null);
create temporary table run_parties (party text not null, first_seen timestamptz not null, customer integer not null);
create temporary table run_customers (
    customer integer not null, party text not null, parties text[] not null, known boolean not null
);
"""
_PARTIES: Final = """
insert into run_parties
select seen.party_id, seen.first_seen,
    coalesce(linked.customer, $1::integer + (row_number() over (order by linked.customer nulls first))::integer - 1)
from live.identity_parties seen left join run_linked linked on linked.party = seen.party_id
where linked.customer is distinct from -1
"""
"""Parties without a link come first in the order, so that they are numbered without gaps from the components on."""
_LINKED_CUSTOMERS: Final = """
insert into run_customers
select customer, parties[1], parties, first_seen <= $1::timestamptz from (
    select customer, min(first_seen) as first_seen,
        array_agg(party order by first_seen, party collate "C") as parties
    from run_parties where customer in (select customer from run_linked) group by customer
) linked
"""
_OTHER_CUSTOMERS: Final = """
insert into run_customers
select customer, party, array[party], first_seen <= $1::timestamptz from run_parties where customer >= $2::integer
"""
