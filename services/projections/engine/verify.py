"""Proves that views are what the log says: makes them anew beside the live ones, and compares row by row."""

from services.projections.engine.comparison import Comparison
from services.projections.engine.operating import held_views, operating_connection
from services.projections.engine.rebuild import (
    Rebuild,
    RebuildRefusedError,
    build,
    compare_with_shown,
    discard,
    live_generations,
)
from services.projections.engine.verification_record import Origin, recorded
from services.projections.sight.generations import generations
from services.projections.sight.verifications import why_not_verify


async def verify(order: Rebuild) -> list[Comparison]:
    """Compares each live view with one made anew at the same position; neither readers nor the live set wait.

    What it came to is kept, also that it was cut off. May be killed and run again. Raises `RebuildRefusedError` for a
    view that is not live in this program's version, and what `rebuild` raises.
    """
    names = [each.name for each in order.read_models]
    async with (
        operating_connection(order.database_url, f"verify {', '.join(names)}") as connection,
        held_views(connection, names),
    ):
        for read_model in order.read_models:
            every = await generations(connection, read_model.name)
            reason = why_not_verify(every, read_model.version)
            if reason is not None:
                raise RebuildRefusedError(f"view {read_model.name} {reason}")
        live = await live_generations(connection, order.read_models)
        async with recorded(connection, live, Origin("verification", order.by, order.job)) as keep:
            targets = await build(connection, order)
            comparisons = await compare_with_shown(connection, order, targets, keep)
        async with connection.transaction():
            for target in targets:
                await discard(connection, target.read_model.name, target.generation)
    return [comparison for comparison in comparisons if comparison is not None]
