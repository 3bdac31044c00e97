"""What `rapport inspect` does."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import asyncpg
import msgspec

from services.ops.inspect_screens import as_json, show_inspection
from services.ops.operations import connected, console, decoding, operating, print_json
from services.projections.declared_views import declared_views
from services.projections.engine.history import Inspection, Subject, inspect
from services.projections.history.reading import Horizon
from services.projections.identity.component import component_of
from services.projections.rules import rules_of
from shared.identifiers import party_id_of
from shared.settings_errors import WrongSettingsError

_SHOWN_CHARACTERS = 40


class InspectWishes(NamedTuple):
    """What was asked for on the command line, as it was written."""

    customer: str | None
    key: str | None
    as_of: str | None
    known_at: str | None
    limit: int


def run_inspect(data: Path, wishes: InspectWishes, *, as_json_: bool) -> None:
    """`rapport inspect`; that a view differs from its history is an answer, not a failure."""
    with operating(data) as settings:
        asked = _subject(wishes)
        horizon = Horizon(_moment("--as-of", wishes.as_of), _moment("--known-at", wishes.known_at))
        views = declared_views(rules_of(settings))

        async def work(connection: asyncpg.Connection) -> tuple[Subject, Inspection]:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                subject = await _whole(connection, asked)
                return subject, await inspect(
                    connection, views, subject, horizon, decoding(), most=wishes.limit
                )

        subject, found = connected(settings, "inspect", work)
        if as_json_:
            print_json(as_json(found, subject, horizon))
        else:
            show_inspection(console(), found, subject, horizon)


def _subject(wishes: InspectWishes) -> Subject:
    if (wishes.customer is None) == (wishes.key is None):
        raise WrongSettingsError("name a customer with --customer ID, or a stream key with --key KEY")
    if wishes.key is not None:
        return Subject(f"stream key {wishes.key}", stream_key=wishes.key)
    customer = wishes.customer or ""
    try:
        return Subject(f"customer {customer}", parties=(party_id_of(customer),))
    except ValueError as error:
        raise WrongSettingsError(f"--customer: {error}") from None


async def _whole(connection: asyncpg.Connection, asked: Subject) -> Subject:
    """The subject, with all parties that are the customer now; those of a party that no event named are itself."""
    component = await component_of(connection, asked.parties[0]) if asked.parties else None
    return asked if component is None else asked._replace(parties=component.parties)


def _moment(option: str, written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        moment = msgspec.convert(written, datetime)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        pass
    raise WrongSettingsError(
        f"{option}: not {written[:_SHOWN_CHARACTERS]!r}; an RFC 3339 time with an offset, such as 2026-01-31T08:00:00Z"
    )
