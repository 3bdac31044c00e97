"""Timeline pages a second while a rebuild runs, beside those without one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from tests.bench.environment import Bench
from tests.bench.measurement import BenchError, Outcome, Row, Wanted, interleave
from tests.bench.processes import wait_until
from tests.bench.rebuilding import Projected
from tests.bench.timeline_page import Pages, our_pages

_ALONE = "no rebuild"
_REBUILDS = {
    "rebuild as it comes": (),
    "rebuild --workers 2": ("--workers", "2"),
    "rebuild --throttle 5000": ("--throttle", "5000"),
}
_WARM_UP_SECONDS = 2
_BEGIN_SECONDS = 60


async def measure(bench: Bench) -> Outcome:
    """Pages without a rebuild, and with each kind of one."""
    async with our_pages(bench) as (pages, deployment, events):
        views = Projected(deployment, events)
        await pages.pages_a_second(_WARM_UP_SECONDS)
        contenders = {_ALONE: partial(pages.pages_a_second, bench.seconds)} | {
            name: partial(_amid_rebuild, bench, pages, views, options) for name, options in _REBUILDS.items()
        }
        figures = await interleave(contenders, bench.rounds)
    note = "every load lies wholly within the step that reads the log, the busiest one"
    return Outcome(
        tuple(
            Row(f"timeline pages during {name}", "pages/s", figures[name], figures[_ALONE], wanted, note)
            for name, wanted in zip(_REBUILDS, (Wanted(least_ratio=0.7), None, None), strict=True)
        )
    )


async def _amid_rebuild(bench: Bench, pages: Pages, views: Projected, options: tuple[str, ...]) -> float:
    async with views.rebuilding("--no-switch", "--json", *options) as running, _progress(views) as done:

        async def has_begun() -> bool:
            return await done() > 0

        await wait_until(has_begun, "the rebuild to begin", seconds=_BEGIN_SECONDS, while_alive=(running,))
        rate = await pages.pages_a_second(bench.seconds)
        if running.process.returncode is not None or await done() >= views.events:
            raise BenchError(
                "the rebuild was over before the load: measure fewer --seconds, or at a larger --scale"
            )
    await views.drop_others()
    return rate


@asynccontextmanager
async def _progress(views: Projected) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    connection = await asyncpg.connect(views.deployment.database_url)

    async def done() -> int:
        found: int = await connection.fetchval(_DONE)
        return found

    try:
        yield done
    finally:
        await connection.close()


_DONE = (
    "select coalesce(min(done), 0)::bigint from ("
    "select sum(position - first) as done from control.generation_positions group by view) views"
)
