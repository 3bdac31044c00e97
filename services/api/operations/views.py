"""Where views stand, as documents: what `rapport status` tells, and how far each was behind in the last minutes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.api.operations.lag_samples import LagSamples
from services.api.operations.sample import STEP_SECONDS
from services.api.operations.verification_documents import verification_document
from services.projections.control import EVERY_VIEW
from services.projections.sight.generations import Generation
from services.projections.sight.last_applied import LastApplied, last_applied
from services.projections.sight.positions import PartitionProgress, Positions
from services.projections.sight.rebuilding import Rebuilding
from services.projections.sight.switching import previous_of, why_not_roll_back, why_not_switch
from services.projections.sight.system_sight import SystemSight, see_system
from services.projections.sight.verifications import Verification, why_not_verify
from shared.position import Position


class Seen(NamedTuple):
    """One snapshot of the database, read for an answer at `now`."""

    system: SystemSight
    last: Mapping[str, LastApplied]
    now: datetime

    @property
    def names(self) -> list[str]:
        """Every view that has a generation, once each."""
        return list(dict.fromkeys(each.view for each in self.system.generations))

    @property
    def position(self) -> Position:
        """What the live views include."""
        live = next(
            (
                self.system.positions[each.view]
                for each in self.system.generations
                if each.state == "live" and each.view in self.system.positions
            ),
            {},
        )
        return Position({partition: offset for partition, offset in live.items() if offset})


async def seen(connection: Any, now: datetime) -> Seen:
    """The snapshot; in the caller's transaction where there is one. Raises asyncpg's errors."""
    return Seen(await see_system(connection), await last_applied(connection), now)


def overview(found: Seen, samples: LagSamples) -> dict[str, Any]:
    """All views, by name."""
    sample = samples.now()
    return {
        **_around(found, samples),
        "views": [view_document(found, name, samples) for name in found.names],
        "undecodable": _parked(found, EVERY_VIEW),
        "head": _by_partition(sample.head),
    }


def detail(
    found: Seen, name: str, samples: LagSamples, version: int | None, compared: Sequence[Verification]
) -> dict[str, Any]:
    """One of the views that there are, partition by partition, with every generation that there is.

    `version` is that of the view in this program, None where it does not know it; `compared` are its verifications,
    newest first.
    """
    own = [each for each in found.system.generations if each.view == name]
    previous = previous_of(own)
    head = samples.now().head
    positions = found.system.positions.get(name, {})
    return {
        **_around(found, samples),
        "view": view_document(found, name, samples),
        "partitions": [
            {
                "partition": partition,
                "position": position,
                "end": head.get(partition),
                "lag_events": _behind(position, head.get(partition)),
            }
            for partition, position in sorted(positions.items())
        ],
        "generations": [
            {
                "generation": each.generation,
                "version": each.version,
                "state": each.state,
                "created_at": each.created_at,
                "switched_at": each.switched_at,
                "switch_refused": why_not_switch(own, each.generation, version),
            }
            for each in own
        ],
        "roll_back": {
            "generation": None if previous is None else previous.generation,
            "refused": why_not_roll_back(own, version),
        },
        "verification": verification_document(compared[0]) if compared else None,
        "verifications": [verification_document(each) for each in compared],
        "verify_refused": why_not_verify(own, version),
    }


def view_document(found: Seen, name: str, samples: LagSamples) -> dict[str, Any]:
    """One view: what readers see of it, how far behind, and what is being made of it."""
    shown = _shown(found.system.generations, name)
    lag = samples.now().views.get(name)
    last = found.last.get(name)
    building = [
        _rebuilding(made, partitions, found.now)
        for made, partitions in found.system.building
        if made.view == name
    ]
    steps = samples.steps(name)
    return {
        "name": name,
        "generation": None if shown is None else shown.generation,
        "version": None if shown is None else shown.version,
        "state": None if shown is None else shown.state,
        "positions": _by_partition(found.system.positions.get(name, {})),
        "lag_events": None if lag is None else lag.events,
        "lag_seconds": None if lag is None else lag.seconds,
        "rate": samples.rate(name),
        "last_applied": None if last is None else last._asdict(),
        "parked_keys": _parked(found, name),
        "discarded": found.system.parked[name].discarded if name in found.system.parked else 0,
        "redriven": found.system.parked[name].redriven if name in found.system.parked else 0,
        "building": building,
        "history": {
            "step_seconds": STEP_SECONDS,
            "lag_events": [each.events for each in steps],
            "lag_seconds": [each.seconds for each in steps],
        },
    }


def _around(found: Seen, samples: LagSamples) -> dict[str, Any]:
    sample = samples.now()
    return {
        "as_of": found.now,
        "log_error": sample.log_error,
        "partitions_total": found.system.log.partitions if found.system.log is not None else None,
        "partitions_unheld": found.system.partitions_unheld,
    }


def _shown(every: Sequence[Generation], name: str) -> Generation | None:
    return next((each for each in every if each.view == name and each.shown), None)


def _rebuilding(made: Generation, partitions: list[PartitionProgress], now: datetime) -> dict[str, Any]:
    it = Rebuilding.of(made, partitions, now)
    return {
        "generation": it.generation,
        "version": it.version,
        "done": it.done,
        "total": it.total,
        "rate": it.rate,
        "standstill_seconds": it.standstill_seconds,
        "eta_seconds": it.eta_seconds,
        "partitions": {str(each.partition): {"done": each.done, "total": each.total} for each in partitions},
    }


def _parked(found: Seen, name: str) -> int:
    return found.system.parked[name].keys if name in found.system.parked else 0


def _behind(position: int, end: int | None) -> int | None:
    """What waits in a partition. The log was looked at before the position was read, which may be farther by now."""
    return None if end is None else max(0, end - position)


def _by_partition(positions: Positions) -> dict[str, int]:
    return {str(partition): position for partition, position in positions.items()}
