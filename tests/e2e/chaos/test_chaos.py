"""A deployment under load through everything that can happen to it, in an order drawn from a seed.

RAPPORT_CHAOS_SEED chooses the seed; a failure says which one it was.
"""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.e2e.chaos.audit import Audit, broken_chains
from tests.e2e.chaos.faults import Victims
from tests.e2e.chaos.ledger import Fate, Ledger
from tests.e2e.chaos.operating import Staff, operating
from tests.e2e.chaos.reading import reading
from tests.e2e.chaos.schedule import SEED_VARIABLE, WORKERS, chosen_seed, schedule
from tests.e2e.chaos.sending import sending
from tests.e2e.deployment import Deployment, eventually
from tests.e2e.running import event_ids

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]


@pytest.fixture
async def deployed(servers: Deployment) -> AsyncIterator[Deployment]:
    with servers.named("chaos") as own:
        await own.prepare()
        yield own


async def test_whatever_happens_every_acknowledged_event_is_in_each_view_exactly_once(
    deployed: Deployment,
) -> None:
    seed = chosen_seed()
    happened: list[str] = []
    try:
        await chaos(deployed, seed, happened)
    except BaseException as error:
        error.add_note("\n".join([f"Replay with {SEED_VARIABLE}={seed}. What happened:", *happened]))
        raise
    print(f"{SEED_VARIABLE}={seed}", *happened, sep="\n")


async def chaos(deployed: Deployment, seed: int, happened: list[str]) -> None:
    planned = schedule(seed)
    audit = Audit(deployed.database_url)
    await audit.begin()
    ingest, api = deployed.start("ingest"), deployed.start("api")
    workers = [deployed.start("project") for _ in range(WORKERS)]
    await asyncio.gather(*(each.ready() for each in (ingest, api, *workers)))
    async with sending(ingest.url, seed) as ledger, reading(api.url, ledger, seed) as reader:
        victims = Victims(deployed, ingest, workers, api, audit, reader, happened)
        async with operating(deployed, planned.operations) as staff:
            for fault in planned.faults:
                await victims.suffer(fault)
        await victims.healed()
    victims.note(f"{[f'{ledger.count(fate)} {fate}' for fate in Fate]}, reads {dict(reader.answers)}")
    happened += staff.said
    await everything_applied(staff)

    assert min(reader.answers["with a position"], reader.answers["without one"]) > 100
    assert min(map(ledger.count, Fate)) > 0
    assert ledger.contradictions == []
    assert broken_chains(await audit.moves()) == []
    assert await wrong_in_views(api.url, ledger) == []
    verified = await staff.insist("verify", "--all")
    assert [view["differing"] for view in verified["views"]] == [0] * len(verified["views"])
    happened.append(f"verified {verified}")


async def everything_applied(staff: Staff) -> None:
    """Waits until the views have all that the log holds, and sees that nothing was parked."""

    async def look() -> list[dict[str, Any]] | None:
        views: list[dict[str, Any]] = (await staff.insist("status"))["views"]
        return views if all(view["lag_events"] == 0 for view in views) else None

    views = await eventually(look)
    assert {view["name"]: view["parked_keys"] for view in views if view["parked_keys"]} == {}


async def wrong_in_views(api_url: str, ledger: Ledger) -> list[str]:
    """What the two views show of each customer and should not, or do not and should."""
    wrong: list[str] = []
    async with httpx.AsyncClient(base_url=api_url, timeout=20, trust_env=False) as client:
        for member in ledger.members():
            shown = await event_ids(client, member)
            wrong += ledger.wrong_with(member, shown)
            if not wrong:
                wrong += await wrong_in_summary(client, ledger, member, shown)
    return wrong


async def wrong_in_summary(
    client: httpx.AsyncClient, ledger: Ledger, member: str, shown: list[str]
) -> list[str]:
    found = await client.post("/v1/customers/lookup", json={"type": "member", "value": member})
    summary = (await client.get(f"/v1/customers/{found.json()['customer_id']}")).json()
    tally = ledger.tally(shown)
    spent = Decimal(summary["spend"][0]["amount"]) if summary["spend"] else Decimal(0)
    told = (summary["events"], summary["interactions"], summary["categories"], spent)
    expected = (tally.events, dict(tally.channels), dict(tally.categories), tally.spent)
    return [] if told == expected else [f"{member}: the summary tells {told}, not {expected}"]
