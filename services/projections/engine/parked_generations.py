"""Into which generations a parked event belongs once it is redriven: all that have passed its place without it.

A view's generations have, of the events they have passed, all but those in `control.parked_events`. So an event leaves
that table only with the transaction that gives it to every one of them: what readers see, what is kept for rollback,
and what an interrupted rebuild has made so far. Those that have not come to it yet find it in the journal.
"""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from services.projections.engine.generations import LiveView
from services.projections.read_models.declaration import ReadModel


class GenerationInTheWayError(Exception):
    """A generation has passed a parked event, and this program cannot give it the event."""


class PassedGeneration(NamedTuple):
    """A generation, and the offset of the next event it takes from the partition asked for."""

    view: LiveView
    generation: int
    position: int

    @property
    def name(self) -> str:
        """The view's name."""
        return self.view.read_model.name


async def passed_generations(
    connection: asyncpg.Connection, read_models: Sequence[ReadModel], partition: int, offset: int
) -> list[PassedGeneration]:
    """The read models' generations that have passed this offset, those farthest on first.

    To be called with the partition held. Raises `GenerationInTheWayError` where one is of another version.
    """
    declared = {read_model.name: read_model for read_model in read_models}
    passed = []
    for row in await connection.fetch(_PASSED, list(declared), partition, offset):
        read_model = declared[row["view"]]
        if row["version"] != read_model.version:
            raise GenerationInTheWayError(_in_the_way(row, read_model, partition, offset))
        view = LiveView.of(read_model, row["generation"])
        passed.append(PassedGeneration(view, row["generation"], row["position"]))
    return passed


def _in_the_way(row: asyncpg.Record, read_model: ReadModel, partition: int, offset: int) -> str:
    name, generation = row["view"], row["generation"]
    found = (
        f"generation {generation} of view {name} ({row['state']}) is of version {row['version']} and has passed "
        f"partition {partition}, offset {offset}; this program has version {read_model.version} and cannot give it the "
        "parked event, so the two would differ. Nothing was changed by this step"
    )
    if row["state"] in ("live", "paused", "outdated"):
        return f"{found}: redrive with the program of that version, or after `rapport rebuild {name}`"
    return f"{found}: `rapport drop {name} {generation}` if it need not be kept, then redrive again"


_PASSED = """
select found.* from (
    select each.view, each.generation, each.version, each.state,
        case when each.state = 'live' then live.position else own.position end as position
    from control.generations each
    join control.positions live on live.partition = $2
    left join control.generation_positions own
        on own.view = each.view and own.generation = each.generation and own.partition = live.partition
    where each.view = any($1::text[])
) found
where position > $3
order by position desc, view, generation desc
"""
