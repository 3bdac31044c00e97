"""Consents and profiles of many customers at once, each over all their parties."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.projections.read_models import consents, profile
from services.projections.read_models.consents import Consent
from services.projections.read_models.profile import Told

_NOTHING: Final = "[]"


async def consents_of_each(connection: Any, customers: Sequence[Sequence[str]]) -> list[list[Consent]]:
    """The last words of each customer, given by their parties. One statement. Raises asyncpg's errors."""
    found = await _found(connection, _CONSENTS, customers)
    return [consents.consents(found.get(place, _NOTHING)) for place in range(len(customers))]


async def profiles_of_each(connection: Any, customers: Sequence[Sequence[str]]) -> list[Mapping[str, Told]]:
    """The last word on each attribute of each customer, as the log has it. One statement. Raises asyncpg's errors."""
    found = await _found(connection, _PROFILES, customers)
    return [profile.attributes(found.get(place, _NOTHING)) for place in range(len(customers))]


async def _found(connection: Any, statement: str, customers: Sequence[Sequence[str]]) -> dict[int, str]:
    pairs = [(place, party) for place, parties in enumerate(customers) for party in parties]
    rows = await connection.fetch(statement, [each[0] for each in pairs], [each[1] for each in pairs])
    return {row["place"]: row["found"] for row in rows}


_CONSENTS: Final = """
select given.place, json_agg(json_build_object(
    'purpose', purpose, 'channel', channel, 'granted', granted, 'evidence', evidence, 'time', time, 'event_id', event_id
)) as found
from unnest($1::integer[], $2::text[]) given (place, party) join live.consents using (party) group by given.place
"""
_PROFILES: Final = """
select given.place, json_agg(json_build_object(
    'party', party, 'attribute', attribute, 'value', value, 'time', time, 'event_id', event_id
)) as found
from unnest($1::integer[], $2::text[]) given (place, party) join live.profile using (party) group by given.place
"""
