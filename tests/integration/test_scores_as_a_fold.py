"""Scores are computed from a fold of the events up to a time, in any order and batches, of merged customers too.

A run, which reads everybody at once, reads the same.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.projections.analytics import score
from services.projections.analytics.inputs import VIEWS, ScoreInputs, inputs_of
from services.projections.analytics.terms import Terms
from services.projections.engine.folding import contribution_of
from services.projections.engine.generations import LiveView
from services.projections.engine.view_update import update_view
from services.scoring.customers import number_customers
from services.scoring.facts import read_category_spend, read_facts
from services.scoring.histories import Asked, make_orders, read_histories
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.identifying import linked
from tests.projecting import decode
from tests.score_histories import MEMBERS, TIMES, ZONE, fold, score_histories
from tests.strategies import PARTY_IDS, JsonObject, record_of

READ = [LiveView.of(each, 1) for each in READ_MODELS if each.name in VIEWS]
CUSTOMERS = [(one,) for one in MEMBERS] + [("M1", "M2"), MEMBERS]
RATES = {"USD": Decimal("0.853333333")}
TERMS = Terms(
    zone=ZONE, base_currency="EUR", rates=RATES, margin=0.3, discount_rate=0.1, horizon_weeks=52, purchases=None,
    spend=None, recency_cuts=(), frequency_cuts=(), monetary_cuts=(), tier_cuts=(), current_median=None,
    future_median=None, coupon_share=None,
)  # fmt: skip
MICROSECOND = timedelta(microseconds=1)

examples = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
times = st.builds(
    lambda at, less: at - MICROSECOND * less, st.sampled_from(TIMES), st.sampled_from([0, 0, 1])
)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=1)
    connection = await asyncpg.connect(database_url, server_settings={"jit": "off"})
    yield connection
    await connection.close()


async def _project(connection: asyncpg.Connection, events: Sequence[JsonObject], batch_events: int) -> None:
    decoded = [decode(record_of(event, offset=offset)) for offset, event in enumerate(events)]
    for first in range(0, len(decoded), batch_events):
        for view in READ:
            batch: list[Any] = decoded[first : first + batch_events]
            told = [each for event in batch if (each := contribution_of(view, event)) is not None]
            assert await update_view(connection, view, told) == []


def _shuffled(draw: st.DataObject, events: Sequence[JsonObject]) -> list[JsonObject]:
    """In another order but for the events of the complaint, whose stream has one."""
    mixed = list(draw.draw(st.permutations(events)))
    case = iter([each for each in events if each["type"].startswith("complaint.")])
    return [next(case) if each["type"].startswith("complaint.") else each for each in mixed]


def _parties(*customers: Sequence[str]) -> list[list[str]]:
    return [[PARTY_IDS.of("member", member) for member in members] for members in customers]


def _comparable(inputs: ScoreInputs) -> ScoreInputs:
    """Without the order of categories, and with a mean of dimensions as exact as a float."""
    answer = inputs.satisfaction
    if answer is not None:
        answer = answer._replace(score=Decimal(str(float(answer.score))))
    return inputs._replace(categories=sorted(inputs.categories), satisfaction=answer)


@given(events=score_histories(), shuffled=st.data(), batch_events=st.integers(1, 7), as_of=times)
@examples
async def test_inputs_at_any_time_are_a_fold_of_the_events_until_then(
    connection: asyncpg.Connection,
    events: list[JsonObject],
    shuffled: st.DataObject,
    batch_events: int,
    as_of: datetime,
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await _project(connection, _shuffled(shuffled, events), batch_events)
        found = await inputs_of(connection, _parties(*CUSTOMERS), as_of, ZONE)
    finally:
        await transaction.rollback()
    for members, inputs in zip(CUSTOMERS, found, strict=True):
        assert _comparable(inputs) == _comparable(fold(events, members, as_of)), members


@given(
    events=score_histories(),
    shuffled=st.data(),
    between=st.tuples(times, times).map(sorted),
    merged=st.booleans(),
)
@examples
async def test_a_run_reads_of_everybody_what_a_reader_reads_of_one(
    connection: asyncpg.Connection,
    events: list[JsonObject],
    shuffled: st.DataObject,
    between: list[datetime],
    merged: bool,  # noqa: FBT001 - drawn
) -> None:
    if merged:
        events = [*events, linked(1, ("member", "M1"), ("member", "M2"), "L1")]
    before, as_of = between
    asked = Asked(as_of, before, ZONE, TERMS.base_currency, RATES)
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        await _project(connection, _shuffled(shuffled, events), 5)
        customers = (await number_customers(connection, as_of)).numbers
        await make_orders(connection, asked)
        histories = await read_histories(connection, asked, customers)
        facts = await read_facts(connection, asked, customers, histories.mixed)
        spend = await read_category_spend(connection)
        rows = await connection.fetch("select customer, parties from run_customers order by customer")
        assert [row["customer"] for row in rows] == list(range(customers))
        components = [list(row["parties"]) for row in rows]
        now = await inputs_of(connection, components, as_of, ZONE)
        then = await inputs_of(connection, components, before, ZONE)
    finally:
        await transaction.rollback()
    for read, inputs in ((histories.now, now), (histories.then, then)):
        for one, other in zip(read, score._days(inputs, TERMS), strict=True):
            np.testing.assert_array_equal(one, other)
    expected = score._facts(now, TERMS)._replace(profiled=facts.profiled)
    for name in facts._fields:
        np.testing.assert_allclose(getattr(facts, name), getattr(expected, name), err_msg=name)
    assert _named(spend) == _named(score._category_spend(now, TERMS))


def _named(spend: Any) -> list[tuple[int, str, int, int]]:
    names = [spend.names[number] for number in spend.category]
    return sorted(
        zip(spend.customer.tolist(), names, spend.spend.tolist(), spend.orders.tolist(), strict=True)
    )
