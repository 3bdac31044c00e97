"""Proves that views are what the log says: makes them anew beside the live ones, and compares row by row."""

from services.projections.engine.comparison import Comparison
from services.projections.engine.operating import held_views, operating_connection
from services.projections.engine.rebuild import (
    Rebuild,
    RebuildRefusedError,
    build,
    compare_with_shown,
    discard,
)
from services.projections.sight.generations import shown_generation


async def verify(order: Rebuild) -> list[Comparison]:
    """Compares each live view with one made anew at the same position; neither readers nor the live set wait.

    May be killed and run again. Raises `RebuildRefusedError` for a view that is not live in this program's version,
    and what `rebuild` raises.
    """
    names = [each.name for each in order.read_models]
    async with (
        operating_connection(order.database_url, f"verify {', '.join(names)}") as connection,
        held_views(connection, names),
    ):
        for read_model in order.read_models:
            shown = await shown_generation(connection, read_model.name)
            if shown is None or shown.state != "live" or shown.version != read_model.version:
                state = (
                    "has not been built" if shown is None else f"is {shown.state} in version {shown.version}"
                )
                raise RebuildRefusedError(
                    f"view {read_model.name} {state}, so there is nothing to compare at the live position; "
                    "`rapport resume` or `rapport rebuild` makes it live"
                )
        targets = await build(connection, order)
        comparisons = await compare_with_shown(connection, order, targets)
        async with connection.transaction():
            for target in targets:
                await discard(connection, target.read_model.name, target.generation)
    return [comparison for comparison in comparisons if comparison is not None]
