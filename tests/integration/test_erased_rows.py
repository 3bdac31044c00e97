"""P5: what an erasure in the log does to views: the same live, in whatever batches, and in a rebuild."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.projections.engine.history import Subject, inspect
from services.projections.engine.parked_redrive import EVERYTHING as EVERYTHING_PARKED
from services.projections.engine.parked_redrive import redrive
from services.projections.engine.rebuild import rebuild
from services.projections.engine.verify import verify
from services.projections.history.reading import EVERYTHING
from services.projections.read_models.profile import PROFILE
from shared.erasures import ERASURES, erasure_id
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.failing_views import failing_on
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, decode, end_of, projection, purchase, reached, worker
from tests.rebuilding import rebuilding, rows_of
from tests.strategies import PARTY_IDS, JsonObject

M1, M2 = PARTY_IDS.of("member", "M1"), PARTY_IDS.of("member", "M2")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def told(number: int, member: str, event_type: str, **data: object) -> JsonObject:
    changed = {"type": event_type, "data": {"customer": [{"type": "member", "value": member}], **data}}
    return purchase(number, member, **changed)


def life(member: str, first: int) -> list[JsonObject]:
    """What every view by party takes, and a complaint and points."""
    euro = {"amount": "6.25", "currency": "EUR"}
    bought = purchase(first, member)
    bought["data"] |= {
        "lines": [{"sku": f"tea-{first}", "quantity": 1, "unit_price": euro, "description": "Assam"}],
        "promised_total": {"amount": "1.00", "currency": "EUR"},
    }
    return [
        bought,
        told(first + 1, member, "customer.described", attributes={"salutation": f"Dr {first}", "language": "th"}),
        told(first + 2, member, "consent.changed", purpose="marketing", granted=True, evidence=f"form {first}"),
        told(
            first + 3, member, "interaction.recorded", kind="visit", category="service", details={"seat": f"t{first}"}
        ),
        told(
            first + 4, member, "complaint.opened", complaint_id=f"C-{member}-{first}", summary="cold", cause="other",
            severity="low",
        ),
        told(first + 5, member, "loyalty.points_earned", account_id=member, points=100, reason="welcome"),
        told(
            first + 6, member, "purchase.refunded", refund_id=f"r{first}", order_id=f"o-{first}",
            amount={"amount": "1.00", "currency": "EUR"},
        ),
        told(first + 7, member, "feedback.recorded", instrument="nps", score=9, about=f"visit {first}"),
        told(
            first + 8, member, "interaction.recorded", kind="email", category="marketing", direction="outbound",
            details={"campaign": f"spring {first}"},
        ),
        told(first + 9, member, "relationship.ended", reason=f"moved {first}"),
    ]  # fmt: skip


def erasure(member: str, number: int, source: str = ERASURES) -> JsonObject:
    party_id = PARTY_IDS.of("member", member)
    erased = told(number, member, "customer.erasure_requested", request_id="R-1")
    return erased | {"source": source, "id": erasure_id("R-1", party_id)}


HISTORY = [*life("M1", 0), *life("M2", 10), erasure("M1", 20), *life("M1", 30)]


async def all_rows(connection: asyncpg.Connection, generation: int) -> dict[str, list[str]]:
    return {each.name: await rows_of(connection, each, generation) for each in READ_MODELS}


@pytest.mark.parametrize("batch_events", [1, 5000])
async def test_p5_an_erasure_takes_out_what_the_partys_events_made_and_a_rebuild_honours_it(
    connection: asyncpg.Connection, database_url: str, batch_events: int
) -> None:
    log = MemoryLog()
    await append(log, HISTORY)
    async with worker(projection(database_url, log, batch_events=batch_events)):
        await reached(connection, end_of(log))
    live = await all_rows(connection, 1)
    held = {name: "\n".join(rows) for name, rows in live.items()}
    for gone in ("tea-0", "Dr 0", "form 0", "t0", "visit 0", "spring 0", "moved 0"):
        assert not [name for name, rows in held.items() if f'"{gone}"' in rows or f",{gone}," in rows], gone
    for kept in ("tea-10", "Dr 10", "form 10", "tea-30", "Dr 30", "form 30", "visit 10", "spring 30"):
        assert [name for name, rows in held.items() if kept in rows], kept
    assert {row.split(",")[2] for row in live["refunds"]} == {"r10", "r30"}
    assert [row for row in live["timeline"] if "customer.erasure_requested" in row and M1 in row]
    points = await connection.fetch("select * from live.loyalty_states order by 1")
    assert {row["account_id"] for row in points} == {"M1", "M2"}
    assert await connection.fetchval("select count(*) from live.complaints") == 3

    done = await rebuild(rebuilding(database_url, log))
    assert [each.comparison.differing for each in done if each.comparison] == [0] * len(READ_MODELS)
    assert await all_rows(connection, 2) == live


async def test_p5_inspection_of_an_erased_party_agrees_with_what_readers_see(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    await append(log, HISTORY)
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    for party in (M1, M2):
        inspected = await inspect(
            connection, READ_MODELS, Subject("the customer", (party,)), EVERYTHING, decode, most=50
        )
        assert {view.view: view.agreement.keys for view in inspected.views if view.agreement} == {
            view.view: [] for view in inspected.views
        }


async def test_a_request_that_a_channel_posts_empties_no_view(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    await append(log, [*life("M1", 0), erasure("M1", 20, source="/web/account")])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    assert "Dr 0" in "\n".join((await all_rows(connection, 1))["profile"])


async def test_what_was_parked_before_an_erasure_is_redriven_and_erased_in_order(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    await append(log, HISTORY)
    failing = tuple(failing_on(each, {"purchase-1"}) for each in READ_MODELS)
    async with worker(projection(database_url, log, read_models=failing)):
        await reached(connection, end_of(log))
    erased = [each for each in READ_MODELS if each.erased is not None]
    assert "Dr 10" in "\n".join(await rows_of(connection, PROFILE, 1))
    for each in erased:
        await redrive(connection, each, decode, EVERYTHING_PARKED)
    compared = await verify(rebuilding(database_url, log))
    assert {
        each.view: each.differing for each in compared if each.view in {every.name for every in erased}
    } == {each.name: 0 for each in erased}
    assert "Dr 30" in "\n".join(await rows_of(connection, PROFILE, 1))
    assert "Dr 0" not in "\n".join(await rows_of(connection, PROFILE, 1))
