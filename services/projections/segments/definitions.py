"""Segments as they are defined: the version in force, or one of before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec import json

from shared.segment_rules.reading import rule_of
from shared.segment_rules.rule import Rule

VIEWS: Final = ("segments",)


class Definition(NamedTuple):
    """A version of a segment. `given` is its rule as it was sent, `rule` what that means."""

    segment_id: str
    version: int
    defined_at: datetime
    given: Mapping[str, Any]

    @property
    def rule(self) -> Rule:
        """The rule, read anew. Raises `RuleRefusedError` for one that an older Rapport took and this one does not."""
        return rule_of(self.given)


class DefinitionPage(NamedTuple):
    """Segments in the order of their ids, each in the version in force, and the id that the next page starts after."""

    items: list[Definition]
    next: str | None


async def definition_page(connection: Any, after: str | None, limit: int) -> DefinitionPage:
    """A page of segments. Raises asyncpg's errors."""
    found = [_definition(each) for each in await connection.fetch(_PAGE, limit + 1, after or "")]
    return DefinitionPage(found[:limit], found[limit - 1].segment_id if len(found) > limit else None)


async def definition_of(connection: Any, segment_id: str, version: int | None = None) -> Definition | None:
    """A segment in a version, the one in force where none is named; None where there is none such.

    Raises asyncpg's errors.
    """
    found = await connection.fetchrow(_ONE, segment_id, version)
    return None if found is None else _definition(found)


def _definition(row: Mapping[str, Any]) -> Definition:
    return Definition(row["segment_id"], row["version"], row["time"], json.decode(row["rule"]))


_PAGE: Final = """
select distinct on (segment_id) segment_id, version, time, rule from live.segments
where segment_id > $2::text order by segment_id, version desc limit $1::bigint
"""
_ONE: Final = """
select segment_id, version, time, rule from live.segments
where segment_id = $1::text and ($2::integer is null or version = $2::integer) order by version desc limit 1
"""
