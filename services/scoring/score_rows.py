"""Writes the rows of a run: arrays by COPY into a temporary table, and from there, with names, into a schema."""

from typing import Any, Final

import asyncpg
import numpy as np
from numpy.typing import NDArray

from services.projections.analytics.associations import make_associations
from services.projections.analytics.customer_arrays import AMOUNT_UNITS
from services.projections.analytics.scores import LIFECYCLES, LOYALTY_TYPES, MIXED, QUADRANTS
from services.projections.analytics.terms import TIERS
from services.scoring.binary_copy import FLOAT8, INT2, INT4, INT8, copy_columns
from services.scoring.customer_base import CustomerBase
from services.scoring.found import Found
from services.scoring.score_tables import finish_table, next_schema

_FIELDS: Final = {
    "customer": INT4, "purchase_days": INT4, "first_day": INT4, "last_day": INT4, "recency_days": INT4,
    "t_x": FLOAT8, "t": FLOAT8, "monetary": INT8, "r": INT2, "f": INT2, "m": INT2, "p_alive": FLOAT8,
    "silent_days": FLOAT8, "usual_gap": FLOAT8, "clv": INT8, "at_stake": INT8, "margin": INT8, "tier_rank": INT2,
    "lifecycle": INT2, "quadrant": INT2, "loyalty_type": INT2, "coupons": FLOAT8, "category": INT4, "mixed": INT2,
    "profiled": INT2,
}  # fmt: skip
_TYPES: Final = {INT2: "smallint", INT4: "integer", INT8: "bigint", FLOAT8: "float8"}


async def write_rows(connection: asyncpg.Connection, base: CustomerBase, found: Found) -> str:
    """Makes and fills the next schema of scores, in one transaction, and answers its name; nobody reads it yet.

    With the scores go the associations of items, which are of the same customers.
    Needs the temporary tables that reading the base left. Raises asyncpg's errors.
    """
    columns = _columns(base, found)
    made = ", ".join(f"{name} {_TYPES[of]} not null" for name, of in _FIELDS.items())
    async with connection.transaction():
        await connection.execute(f"create temporary table run_scored ({made})")
        await copy_columns(connection, "run_scored", _FIELDS, columns)
        schema = await next_schema(connection)
        run, zone = found.run, (found.run.settings or {})["zone"]
        await connection.execute(
            _ROWS.format(schema), run.run_id, run.as_of, zone, found.values.forecast, *_NAMES,
            [*base.spend.names, MIXED],
        )  # fmt: skip
        await finish_table(connection, schema)
        await make_associations(connection, schema, run.as_of, "run_parties")
    await connection.execute("drop table run_scored")
    return schema


def _columns(base: CustomerBase, found: Found) -> dict[str, NDArray[Any]]:
    measures, values, scores = found.measures, found.values, found.scores
    return {
        "customer": np.arange(base.numbers),
        "purchase_days": measures.days,
        "first_day": measures.first_day,
        "last_day": measures.last_day,
        "recency_days": measures.recency,
        "t_x": measures.t_x,
        "t": measures.t,
        "monetary": measures.monetary,
        "r": scores.r,
        "f": scores.f,
        "m": scores.m,
        "p_alive": values.p_alive,
        "silent_days": scores.silent_days,
        "usual_gap": measures.usual_gap,
        "clv": values.clv,
        "at_stake": values.at_stake,
        "margin": values.margin_12m,
        "tier_rank": scores.tier_rank,
        "lifecycle": scores.lifecycle,
        "quadrant": scores.quadrant,
        "loyalty_type": scores.loyalty_type,
        "coupons": scores.coupon_dependence,
        "category": scores.dominant_category,
        "mixed": base.facts.mixed,
        "profiled": base.facts.profiled,
    }


_NAMES: Final = (list(TIERS), list(LIFECYCLES), list(QUADRANTS), list(LOYALTY_TYPES))
_ROWS: Final = f"""
insert into {{0}}.scores
select known.party, known.parties, $1::text, $2::timestamptz, scored.purchase_days,
    case when bought then date '1970-01-01' + first_day end,
    case when bought then date '1970-01-01' + last_day end,
    case when bought then purchase_days - 1 end,
    case when bought then t_x end,
    case when bought then t end,
    case when bought then recency_days end,
    case when bought then monetary::numeric * {1 / AMOUNT_UNITS} end,
    nullif(r, 0), nullif(f, 0), nullif(m, 0),
    nullif(p_alive, 'NaN'),
    case when silent_days <> 'NaN' then
        ((date '1970-01-01' + first_day)::timestamp at time zone $3::text) + silent_days * interval '24 hours' end,
    case when bought then recency_days end,
    nullif(usual_gap, 'NaN'),
    case when bought and $4::boolean then clv::numeric * {1 / AMOUNT_UNITS} end,
    case when bought and $4::boolean then at_stake::numeric * {1 / AMOUNT_UNITS} end,
    case when bought then margin::numeric * {1 / AMOUNT_UNITS} end,
    ($5::text[])[tier_rank], tier_rank, ($6::text[])[lifecycle + 1], ($7::text[])[quadrant + 1],
    ($8::text[])[loyalty_type + 1], nullif(coupons, 'NaN'), ($9::text[])[category + 1], mixed > 0, profiled > 0
from run_customers known join run_scored scored using (customer), lateral (
    select scored.purchase_days > 0 as bought
) has
where known.known
"""  # noqa: S608 - names in the code
