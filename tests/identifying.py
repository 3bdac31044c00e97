"""What tests of identities share: events that name and link identifiers, and views that hold just these events."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from services.projections.engine.folding import contribution_of
from services.projections.engine.generations import LiveView
from services.projections.engine.view_update import update_view
from services.projections.read_models.identity_crowds import IDENTITY_CROWDS
from services.projections.read_models.identity_links import IDENTITY_LINKS
from services.projections.read_models.identity_pairs import IDENTITY_PAIRS
from services.projections.read_models.identity_parties import IDENTITY_PARTIES
from services.projections.read_models.identity_revocations import IDENTITY_REVOCATIONS
from tests.identity_oracle import Identifier
from tests.projecting import decode, purchase
from tests.strategies import PARTY_IDS, JsonObject, record_of

VIEWS = [
    LiveView.of(each, 1)
    for each in (IDENTITY_PARTIES, IDENTITY_LINKS, IDENTITY_PAIRS, IDENTITY_REVOCATIONS, IDENTITY_CROWDS)
]


def party(identifier: Identifier) -> str:
    return PARTY_IDS.of(*identifier)


def posted(*identifiers: Identifier) -> list[JsonObject]:
    return [{"type": kind, "value": value} for kind, value in identifiers]


def seen(number: int, *identifiers: Identifier, **changed: Any) -> JsonObject:
    """A purchase that names some identifiers; its id is `e` and its number, its time follows from the number."""
    event = purchase(number, **{"id": f"e{number}", **changed})
    return {**event, "data": {**event["data"], "customer": posted(*identifiers)}}


def linked(number: int, one: Identifier, other: Identifier, link_id: str) -> JsonObject:
    """Somebody states that two identifiers are one customer's."""
    data = {
        "customer": posted(one),
        "link_id": link_id,
        "identifiers": posted(one, other),
        "reason": "said so",
    }
    return purchase(number, id=f"e{number}", type="identity.linked", data=data)


def unlinked(number: int, link_id: str, *customer: Identifier) -> JsonObject:
    """A link is revoked."""
    data = {"customer": posted(*(customer or [("member", "STAFF")])), "link_id": link_id, "reason": "not so"}
    return purchase(number, id=f"e{number}", type="identity.unlinked", data=data)


@asynccontextmanager
async def views_of(
    connection: asyncpg.Connection, events: Iterable[JsonObject], *, batch_events: int = 1000
) -> AsyncIterator[None]:
    """The views hold these events, in batches of so many, on this connection, and nothing once it is left."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await project(connection, events, batch_events=batch_events)
        yield
    finally:
        await transaction.rollback()


async def project(
    connection: asyncpg.Connection, events: Iterable[JsonObject], *, batch_events: int = 1000
) -> None:
    """Adds events to the views of identities, in the caller's transaction."""
    decoded = [decode(record_of(event, offset=offset)) for offset, event in enumerate(events)]
    for first in range(0, len(decoded), batch_events):
        for view in VIEWS:
            batch: Sequence[Any] = decoded[first : first + batch_events]
            given = [each for event in batch if (each := contribution_of(view, event)) is not None]
            assert await update_view(connection, view, given) == []
