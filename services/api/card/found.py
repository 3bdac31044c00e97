"""Everything a card is made of, read at once over all parties of a customer."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypedDict

import asyncpg
from msgspec import json

from services.projections.complaints.states import ACTIVE
from services.projections.identity.component import found as component_found
from services.projections.loyalty import standing
from services.projections.loyalty.account_source import LedgerReads
from services.projections.loyalty.standing import Standing
from services.projections.read_models import bought_items, consents, contacts, kept_prices, profile, visits
from services.projections.read_models.bought_items import Favourite
from services.projections.read_models.consents import Consent
from services.projections.read_models.contacts import Contacts
from services.projections.read_models.kept_prices import KeptPrices
from services.projections.read_models.profile import Told
from services.projections.read_models.visits import Visit
from services.projections.view_positions import common_position, read_position
from shared.position import Position

VIEWS: Final = (
    "profile", "consents", "contacts", "visits", "bought_items", "kept_prices", "loyalty", "complaints", "tasks",
)  # fmt: skip
"""What a card is read from, beside the views that say who is one customer."""

DUE_DAYS: Final = 7
"""How far ahead tasks are told."""
MOST_CASES: Final = 10
"""Complaints, and tasks, that a card shows."""
MOST_ODDITIES: Final = 3
"""Anomalies of accounts, and of open complaints, that a card tells: the newest."""
_SAYS_NOTHING: Final = "implicit_enrolment"
"""An anomaly that is no news for whoever meets the member."""


class OpenComplaint(TypedDict):
    """A complaint that is not resolved yet. `next_due_at` is null while no clock of it runs."""

    complaint_id: str
    state: str
    cause: str
    severity: str
    level: str
    opened_at: datetime
    next_due_at: datetime | None


class TaskDue(TypedDict):
    """An open task. `title` is as the log has it, sealed for `subject` in the event `event_id`."""

    task_id: str
    complaint_id: str | None
    due_at: datetime
    title: Any
    subject: str
    event_id: str | None


class AccountOddity(TypedDict):
    """An anomaly of an account."""

    account_id: str
    time: datetime
    reason: str
    detail: str


class Found(NamedTuple):
    """What the views say of a customer. `attributes` are the last words by attribute, not opened.

    `is_shared` is whether the identifier they were asked for by is one that too many share to be anybody's.
    """

    customer_id: str
    parties: tuple[str, ...]
    is_shared: bool
    attributes: Mapping[str, Told]
    consents: list[Consent]
    contacts: Contacts
    visit: Visit | None
    favourites: list[Favourite]
    prices: KeptPrices | None
    standings: list[Standing]
    complaints: list[OpenComplaint]
    tasks: list[TaskDue]
    account_oddities: list[AccountOddity]
    complaint_oddities: list[dict[str, Any]]


async def found_of(
    ledger: LedgerReads, connection: asyncpg.Connection, party_id: str, now: datetime
) -> tuple[Found | None, Position]:
    """What is known of the customer that a party is, None where no event names it, and the position of all of it.

    To be asked in a repeatable-read transaction, whose later statements are planned for any parties; two statements,
    and a few more for an account of many lots. Cost grows with the number of parties, of different items they bought,
    and of complaints they opened. Raises `ComponentTooLargeError` and asyncpg's errors.
    """
    component, is_shared, position = await component_found(connection, party_id)
    if component is None:
        return None, position
    # Planning for these very parties would take four times as long as all the rest, and come to the same plan.
    await connection.execute("set local plan_cache_mode = force_generic_plan")
    row = await connection.fetchrow(
        _FOUND, list(component.parties), list(VIEWS), now + timedelta(days=DUE_DAYS), sorted(ACTIVE)
    )
    if row is None:
        raise AssertionError("the query of a card answered no row")
    found = Found(
        customer_id=component.customer_id,
        parties=component.parties,
        is_shared=is_shared,
        attributes=profile.attributes(row["profile"]),
        consents=consents.consents(row["consents"]),
        contacts=contacts.contacts(row["contacts"]),
        visit=visits.last_visit(row["visits"]),
        favourites=bought_items.favourites(row["bought_items"]),
        prices=kept_prices.kept_prices(row["kept_prices"]),
        standings=await standing.standings(ledger, connection, standing.accounts(row["accounts"]), now),
        complaints=_complaints(row["complaints"]),
        tasks=_tasks(row["tasks"]),
        account_oddities=_account_oddities(row["account_oddities"]),
        complaint_oddities=json.decode(row["complaint_oddities"]),
    )
    return found, read_position(row["position"]).common(position)


_complaints = json.Decoder(list[OpenComplaint]).decode
_tasks = json.Decoder(list[TaskDue]).decode
_account_oddities = json.Decoder(list[AccountOddity]).decode

_OPEN_COMPLAINTS: Final = f"""
select complaint_id, state, cause, severity, level, opened_at, next_due_at from live.complaints
where party_id = any($1::text[]) and opened_at is not null and state = any($4::text[])
order by next_due_at nulls last, complaint_id limit {MOST_CASES}
"""  # noqa: S608 - a fixed number
_TASK: Final = "task_id, complaint_id, open_due_at, party_id, created_partition, created_offset"
_TASKS: Final = f"""
select coalesce(json_agg(json_build_object(
    'task_id', task_id, 'complaint_id', complaint_id, 'due_at', open_due_at, 'title', journal.data -> 'title',
    'subject', coalesce(due.party_id, 'task:' || task_id), 'event_id', journal.event_id
) order by open_due_at, task_id), '[]')
from (
    select {_TASK} from (
        select {_TASK} from live.tasks where party_id = any($1::text[]) and open_due_at < $3::timestamptz
        union all
        select {_TASK} from live.tasks
        where party_id is null and open_due_at < $3::timestamptz and complaint_id in (
            select complaint_id from live.complaints where party_id = any($1::text[]) and opened_at is not null
        )
    ) theirs
    order by open_due_at, task_id limit {MOST_CASES}
) due
left join control.journal on journal.partition = due.created_partition and journal.log_offset = due.created_offset
"""  # noqa: S608 - fixed texts
_ACCOUNT_ODDITIES: Final = f"""
select coalesce(json_agg(json_build_object(
    'account_id', account_id, 'time', time, 'reason', reason, 'detail', detail
) order by time desc, partition desc, log_offset desc, number desc), '[]')
from (
    select entry.* from live.loyalty_states account, lateral (
        select account_id, time, reason, detail, partition, log_offset, number from live.loyalty_entries
        where account_id = account.account_id and kind = 'anomaly' and reason <> '{_SAYS_NOTHING}'
        order by partition desc, log_offset desc, number desc limit {MOST_ODDITIES}
    ) entry
    where account.party = any($1::text[]) and account.kind = 'account'
    order by time desc, partition desc, log_offset desc, number desc limit {MOST_ODDITIES}
) oddities
"""  # noqa: S608 - fixed texts
_COMPLAINT_ODDITIES: Final = f"""
select coalesce(json_agg(json_build_object(
    'complaint_id', complaint_id, 'event_id', event_id, 'source', source, 'type', type, 'time', time,
    'state_after', state_after, 'level_after', level_after, 'anomaly', anomaly, 'went_back', went_back
) order by time desc, complaint_id, number desc), '[]')
from (
    select entry.* from open_complaints, lateral (
        select * from live.complaint_entries
        where complaint_id = open_complaints.complaint_id and (anomaly is not null or went_back)
        order by number desc limit {MOST_ODDITIES}
    ) entry
    order by time desc, complaint_id, number desc limit {MOST_ODDITIES}
) oddities
"""  # noqa: S608 - a fixed number
_FOUND: Final = f"""
with open_complaints as materialized ({_OPEN_COMPLAINTS})
select
    ({profile.FOUND}) as profile,
    ({consents.FOUND}) as consents,
    ({contacts.FOUND}) as contacts,
    ({visits.FOUND}) as visits,
    ({bought_items.FOUND}) as bought_items,
    ({kept_prices.FOUND}) as kept_prices,
    ({standing.FOUND}) as accounts,
    (
        select coalesce(json_agg(open_complaints order by next_due_at nulls last, complaint_id), '[]')
        from open_complaints
    ) as complaints,
    ({_TASKS}) as tasks,
    ({_ACCOUNT_ODDITIES}) as account_oddities,
    ({_COMPLAINT_ODDITIES}) as complaint_oddities,
    ({common_position("$2::text[]")}) as position
"""  # noqa: S608 - fixed texts
