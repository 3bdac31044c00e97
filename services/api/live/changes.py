"""What happened between two positions, as far as hints depend on it: read once for all streams of a process."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from services.api.live.topics import Case, Happened, Work
from shared.position import Position

MOST_EVENTS: Final = 2_000
"""Events that are read one by one; where there were more, every topic is told."""
_MOVES: Final = frozenset({"complaint.opened", "complaint.assigned", "complaint.escalated", "task.assigned"})
_CREATED: Final = "task.created"
"""The one event of a task that names an assignee and takes it from nobody."""

_JOURNALLED: Final = f"""
with happened as (
    select entry.* from unnest($1::integer[], $2::bigint[], $3::bigint[]) as stretch (partition, since, until),
    lateral (
        select type, stream_key, party_id, recorded_time, attributes, data ->> 'location' as location,
            data ->> 'assignee' is not null as assigns
        from control.journal
        where journal.partition = stretch.partition
            and journal.log_offset >= stretch.since and journal.log_offset < stretch.until
        order by journal.log_offset limit {MOST_EVENTS + 1}
    ) entry
    limit {MOST_EVENTS + 1}
)
select happened.type, happened.stream_key, happened.location, happened.attributes, happened.assigns,
    extract(epoch from clock_timestamp() - happened.recorded_time) as behind_seconds,
    complaint.party_id as complaint_party, complaint.level, complaint.assignee_person, complaint.assignee_department,
    coalesce(task.party_id, of_task.party_id) as task_party, task.assignee_person as task_person,
    task.assignee_department as task_department
from happened
left join live.complaints complaint
    on complaint.opened_at is not null
    and complaint.complaint_id = case when happened.stream_key like 'complaint:%'
        then substr(happened.stream_key, 11) end
left join live.tasks task
    on task.created_at is not null
    and task.task_id = case when happened.stream_key like 'task:%' then substr(happened.stream_key, 6) end
left join live.complaints of_task
    on of_task.opened_at is not null and of_task.complaint_id = task.complaint_id
"""  # noqa: S608 - a fixed number
_GENERATIONS: Final = """
select view, generation from control.generations where state in ('live', 'paused', 'outdated')
"""
_STEPS: Final = """
select view, string_agg(step, ' ' order by step) as step from (
    select view, generation || '=' || coalesce(sum(position), 0) as step
    from control.generations left join control.generation_positions using (view, generation)
    where state = 'building' group by view, generation
    union all
    select view, concat_ws(':', 'job', number, state, applied, failed, folded) from control.operator_jobs
    where state in ('waiting', 'running')
) made group by view
"""


class Changes(NamedTuple):
    """Events that were applied, None where they are too many to tell; the generations shown; and how long the newest
    of the events took.
    """

    events: list[Happened] | None
    generations: Mapping[str, int]
    behind_seconds: float | None


class _Named(msgspec.Struct):
    party_id: str


class _Attributes(msgspec.Struct):
    customer: tuple[_Named, ...] = ()
    linked: tuple[_Named, ...] = ()


_attributes: Final = msgspec.json.Decoder(_Attributes).decode


async def generations_shown(connection: Any) -> dict[str, int]:
    """By view the generation that readers see. Raises asyncpg's errors."""
    return {row["view"]: row["generation"] for row in await connection.fetch(_GENERATIONS)}


async def steps_made(connection: Any) -> dict[str, str]:
    """By view how far the making of its generations is, and its open jobs: another text is another step.

    A few rows, whatever there is. Raises asyncpg's errors.
    """
    return {row["view"]: row["step"] for row in await connection.fetch(_STEPS)}


async def changes_between(connection: Any, before: Position, after: Position) -> Changes:
    """What was applied from one position to the other. Raises asyncpg's errors."""
    shown = await generations_shown(connection)
    stretches = [
        (partition, before.offsets.get(partition, 0), until)
        for partition, until in sorted(after.offsets.items())
        if until > before.offsets.get(partition, 0)
    ]
    if not stretches:
        return Changes([], shown, None)
    rows = await connection.fetch(_JOURNALLED, *(list(column) for column in zip(*stretches, strict=True)))
    newest = min((float(row["behind_seconds"]) for row in rows), default=None)
    if len(rows) > MOST_EVENTS:
        return Changes(None, shown, newest)
    return Changes([_happened(row) for row in rows], shown, newest)


def _happened(row: Mapping[str, Any]) -> Happened:
    attributes = _attributes(row["attributes"])
    named = {each.party_id for each in (*attributes.customer, *attributes.linked)}
    named |= {each for each in (row["complaint_party"], row["task_party"]) if each is not None}
    if row["stream_key"].startswith("pty_"):
        named.add(row["stream_key"])
    of: Case | Work | None = None
    if row["stream_key"].startswith("complaint:"):
        of = Case(row["level"], row["assignee_person"], row["assignee_department"])
    elif row["stream_key"].startswith("task:"):
        of = Work(row["task_person"], row["task_department"])
    moved = row["type"] in _MOVES or (isinstance(of, Work) and row["assigns"] and row["type"] != _CREATED)
    return Happened(frozenset(named), row["location"], of, moved)
