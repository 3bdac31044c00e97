"""What the ledger says of each redemption is what the rules say, on random histories (L8)."""

from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest

from services.projections.loyalty.outcome_views import decided_redemption
from services.projections.loyalty.outcomes import Sought, outcome
from services.projections.loyalty.programme_file import default_text
from shared.codec import decode_record
from shared.envelope import RecordedEvent
from tests.fakes.memory_log import MemoryLog
from tests.loyalty_histories import random_history
from tests.loyalty_oracle import redemption_outcome
from tests.projecting import end_of, reached
from tests.redeeming import ledger
from tests.strategies import CATALOGUE, PARTY_IDS, JsonObject, record_of

HISTORIES = 40


def told_of(account: str, events: tuple[RecordedEvent[Any], ...]) -> list[JsonObject]:
    """The events as posted, of another account, each with a source of its own."""
    return [
        {
            "specversion": "1.0",
            "id": each.id,
            "source": f"/{account}/{each.offset}",
            "type": each.type,
            "time": each.time.isoformat(),
            "channel": "store",
            "data": _of_account(account, each),
        }
        for each in events
    ]


def _of_account(account: str, event: RecordedEvent[Any]) -> JsonObject:
    data: JsonObject = msgspec.json.decode(event.record.data)
    if "account_id" in data:
        return {**data, "account_id": account}
    customer = [
        {"type": each.type, "value": account if each.value == "M1" else each.value} for each in event.customer
    ]
    return {**data, "customer": customer}


def compared(outcome: Any) -> Any:
    """Times however written, and without what the answer adds."""
    if outcome is None:
        return None
    entries = [
        {**each, "time": str(each["time"]).replace("T", " ").replace("Z", "+00:00")}
        for each in outcome["entries"]
    ]
    return {name: outcome[name] for name in ("redemption_id", "status", "available")} | {"entries": entries}


@pytest.mark.parametrize("seed", [1, 2])
async def test_l8_every_outcome_is_what_the_rules_say(database_url: str, seed: int) -> None:
    random = Random(seed)
    histories = {
        f"A{number}": told_of(f"A{number}", random_history(random).events) for number in range(HISTORIES)
    }
    log = MemoryLog(partitions=4)
    async with ledger(database_url, log, *(event for told in histories.values() for event in told)):
        connection = await asyncpg.connect(database_url)
        await reached(connection, end_of(log))
    decided = 0
    for account, told in histories.items():
        events = [
            decode_record(record_of(event, offset=offset), CATALOGUE) for offset, event in enumerate(told)
        ]
        for redemption_id in ("red-1", "red-2", "red-3", "red-4"):
            sought = Sought(account, PARTY_IDS.of("member", account), "redemption", redemption_id)
            found, _ = await outcome(connection, sought)
            expected = redemption_outcome(default_text(), events, redemption_id)
            assert compared(decided_redemption(redemption_id, found)) == compared(expected), (
                account,
                redemption_id,
            )
            decided += expected is not None
    assert decided > HISTORIES
    await connection.close()
