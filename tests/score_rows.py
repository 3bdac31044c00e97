"""Rows of scores as a run leaves them, for tests of what is read from them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

COLUMNS: Final[Mapping[str, str]] = {
    "party": "text",
    "parties": "text[]",
    "run_id": "text",
    "purchase_days": "integer",
    "first_purchase": "date",
    "last_purchase": "date",
    "recency_days": "integer",
    "monetary": "numeric",
    "r": "integer",
    "f": "integer",
    "m": "integer",
    "p_alive": "float8",
    "silent_from": "timestamptz",
    "silence_days": "integer",
    "usual_gap_days": "float8",
    "clv": "numeric",
    "value_at_stake": "numeric",
    "margin_12m": "numeric",
    "tier": "text",
    "tier_rank": "smallint",
    "lifecycle": "text",
    "quadrant": "text",
    "loyalty_type": "text",
    "coupon_dependence": "float8",
    "dominant_category": "text",
    "profiled": "boolean",
}
AS_OF: Final = datetime(2024, 6, 1, tzinfo=UTC)


async def put_scores(database_url: str, rows: Sequence[Mapping[str, Any]], run_id: str = "run-1") -> None:
    """Makes the rows those of the run in force; members that a row leaves out are null."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    records = [tuple({"run_id": run_id, **row}.get(name) for name in COLUMNS) for row in rows]
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("create schema if not exists test_scores")
        await connection.execute("drop table if exists test_scores.scores cascade")
        await connection.execute(f"create table test_scores.scores ({columns}, primary key (party))")
        await connection.copy_records_to_table(
            "scores", schema_name="test_scores", records=records, columns=list(COLUMNS)
        )
        await connection.execute("create or replace view live.scores as select * from test_scores.scores")
    finally:
        await connection.close()
