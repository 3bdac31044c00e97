"""Which customer is each of many parties? For reports that count customers, not parties."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from services.projections.analytics.too_large import REPORT_SECONDS, ReportTooLargeError
from services.projections.identity.components import MOST_ASKED, components_of

MOST_LINKED: Final = 50_000


class Customers(NamedTuple):
    """The customer of each party, by the customer's first party; and all parties of those that have several."""

    by_party: Mapping[str, str]
    several: Mapping[str, tuple[str, ...]]

    def of(self, party: str) -> str:
        """The customer of a party."""
        return self.by_party.get(party, party)

    def parties(self, customer: str) -> tuple[str, ...]:
        """All parties of a customer."""
        return self.several.get(customer, (customer,))


async def customers_of(connection: Any, parties: Collection[str]) -> Customers:
    """The customers of some parties: each alone where it was never linked, or to so many that nobody has them all.

    Reads in the snapshot of the caller's transaction. Cost grows with the parties that were ever linked to another, of
    which it takes 50,000. Raises `ReportTooLargeError` beyond, and asyncpg's errors.
    """
    found = await connection.fetch(_LINKED, list(parties), MOST_LINKED + 1, timeout=REPORT_SECONDS)
    if len(found) > MOST_LINKED:
        raise ReportTooLargeError(
            f"more than {MOST_LINKED:,} customers with several identifiers in that time; ask for a shorter one"
        )
    by_party: dict[str, str] = {}
    several: dict[str, tuple[str, ...]] = {}
    linked = [row["party"] for row in found]
    for start in range(0, len(linked), MOST_ASKED):
        asked = [party for party in linked[start : start + MOST_ASKED] if party not in by_party]
        for component in set((await components_of(connection, asked)).values()):
            if len(component.parties) > 1:
                several[component.parties[0]] = component.parties
                by_party.update(dict.fromkeys(component.parties, component.parties[0]))
    return Customers(by_party, several)


_LINKED = """
select party from (select distinct party from unnest($1::text[]) named (party)) given
where exists (select from live.identity_pairs pair where pair.party_id = given.party) limit $2
"""
