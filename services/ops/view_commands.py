"""What the commands on views do: rebuild, verify, switch, roll back, pause, resume, drop, status."""

import asyncio
import getpass
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from prometheus_client import CollectorRegistry
from rich.console import Console

from services.ops.operations import connected, console, decoding, operating, print_json, say
from services.ops.told import FAILED, WRONG_USAGE
from services.ops.view_screens import RebuildScreen, show_comparisons, show_rebuilt, show_status
from services.projections.declared_views import declared_views
from services.projections.engine.comparison import Comparison
from services.projections.engine.kept_generations import drop, drop_older, roll_back, switch_to
from services.projections.engine.operating import held_views
from services.projections.engine.pause import pause, resume
from services.projections.engine.rebuild import Progress, Rebuild, rebuild
from services.projections.engine.rebuild_workers import Source
from services.projections.engine.verify import verify
from services.projections.read_models.declaration import ReadModel
from services.projections.rebuilding import run_in_processes
from services.projections.rules import rules_of
from services.projections.sight.status import as_json, status
from shared.clock import system_clock
from shared.log.choose import event_log
from shared.metrics import Metrics
from shared.settings import Settings
from shared.settings_errors import WrongSettingsError


@dataclass(frozen=True, slots=True)
class RebuildWishes:
    """What was asked for on the command line."""

    switch: bool = True
    events_per_second: float | None = None
    workers: int | None = None
    source: Source | None = None


def run_rebuild(data: Path, views: Sequence[str], wishes: RebuildWishes, *, as_json_: bool) -> None:
    """`rapport rebuild`."""
    with operating(data) as settings:
        read_models = _read_models(settings, views)
        begun = time.monotonic()
        with RebuildScreen(Console(stderr=True, highlight=False), shown=not as_json_) as screen:
            order = _order(settings, read_models, wishes, screen.report)
            rebuilt = asyncio.run(rebuild(order))
        seconds = time.monotonic() - begun
        if as_json_:
            answers = [
                {
                    "name": each.view,
                    "generation": each.generation,
                    "switched": each.switched,
                    **(_compared(each.comparison) if each.comparison else {}),
                }
                for each in rebuilt
            ]
            steps = {doing: round(took, 3) for doing, took in screen.steps.items()}
            print_json(
                {"views": answers, "events": screen.events, "seconds": round(seconds, 3), "steps": steps}
            )
        else:
            show_rebuilt(console(), rebuilt, screen.events, seconds, screen.steps)


def run_verify(data: Path, views: Sequence[str], workers: int | None, *, as_json_: bool) -> None:
    """`rapport verify`; exit code 1 where rows differ."""
    with operating(data) as settings:
        read_models = _read_models(settings, views)
        with RebuildScreen(Console(stderr=True, highlight=False), shown=not as_json_) as screen:
            order = _order(settings, read_models, RebuildWishes(workers=workers), screen.report)
            compared = asyncio.run(verify(order))
        if as_json_:
            print_json({"views": [{"name": each.view, **_compared(each)} for each in compared]})
        else:
            show_comparisons(console(), compared)
        if any(each.differing for each in compared):
            raise SystemExit(FAILED)


def run_switch(data: Path, view: str, generation: int, *, as_json_: bool) -> None:
    """`rapport switch`."""
    with operating(data) as settings:
        [read_model] = _read_models(settings, [view])
        connected(settings, f"switch {view}", lambda it: switch_to(it, read_model, generation, decoding()))
        say(
            as_json_,
            {"name": view, "generation": generation},
            f"Readers see generation {generation} of {view}.",
        )


def run_rollback(data: Path, view: str, *, as_json_: bool) -> None:
    """`rapport rollback`."""
    with operating(data) as settings:
        [read_model] = _read_models(settings, [view])
        back = connected(settings, f"rollback {view}", lambda it: roll_back(it, read_model, decoding()))
        say(as_json_, {"name": view, "generation": back}, f"Readers see generation {back} of {view} again.")


def run_pause(data: Path, view: str, *, as_json_: bool) -> None:
    """`rapport pause`; a view that stands still already is left as it is, which is success."""
    with operating(data) as settings:
        paused = connected(settings, f"pause {view}", lambda it: pause(it, view))
        said = (
            f"{view} stands still"
            + ("" if paused else " already")
            + f"; `rapport resume {view}` goes on with it."
        )
        say(as_json_, {"name": view, "state": "paused", "changed": paused}, said)


def run_resume(data: Path, view: str, *, as_json_: bool) -> None:
    """`rapport resume`; a view in the live set is left as it is, which is success."""

    async def resumed(connection: asyncpg.Connection) -> bool:
        async with held_views(connection, [view]):
            return await resume(connection, read_model, decoding())

    with operating(data) as settings:
        [read_model] = _read_models(settings, [view])
        changed = connected(settings, f"resume {view}", resumed)
        said = f"{view} is up to date and goes on." if changed else f"{view} was not standing still."
        say(as_json_, {"name": view, "state": "live", "changed": changed}, said)


def run_drop(
    data: Path, view: str, generation: int | None, older_than_days: float | None, *, as_json_: bool
) -> None:
    """`rapport drop`: one generation, or those made before so many days."""

    async def dropped(connection: asyncpg.Connection) -> list[int]:
        if generation is not None:
            await drop(connection, view, generation)
            return [generation]
        return list(await drop_older(connection, view, system_clock() - timedelta(days=older_than_days or 0)))

    with operating(data) as settings:
        if (generation is None) == (older_than_days is None):
            raise WrongSettingsError("name a generation, or an age with --older-than DAYS")
        gone = connected(settings, f"drop {view}", dropped)
        said = f"Dropped of {view}: {', '.join(map(str, gone)) or 'nothing'}."
        say(as_json_, {"name": view, "dropped": gone}, said)


def run_status(data: Path, *, as_json_: bool) -> None:
    """`rapport status`."""
    with operating(data) as settings:
        log = event_log(settings, Metrics(CollectorRegistry()))
        found = connected(settings, "status", lambda it: status(it, log, system_clock))
        if as_json_:
            print_json(as_json(found))
        else:
            show_status(console(), found)


def _read_models(settings: Settings, views: Sequence[str]) -> tuple[ReadModel, ...]:
    """The read models of these names, all for none. Raises `SystemExit` for a name that there is not."""
    read_models = declared_views(rules_of(settings))
    known = {read_model.name: read_model for read_model in read_models}
    for view in views:
        if view not in known:
            sys.stderr.write(f"rapport: there is no view {view}; there are {', '.join(known)}\n")
            raise SystemExit(WRONG_USAGE)
    return tuple(known[view] for view in dict.fromkeys(views)) or read_models


def _order(
    settings: Settings,
    read_models: tuple[ReadModel, ...],
    wishes: RebuildWishes,
    report: Callable[[Progress], None],
) -> Rebuild:
    return Rebuild(
        database_url=settings.database_url.get_secret_value(),
        log=event_log(settings, Metrics(CollectorRegistry())),
        decode=decoding(),
        read_models=read_models,
        source=wishes.source,
        workers=wishes.workers or max(1, (os.cpu_count() or 1) // 2),
        events_per_second=wishes.events_per_second,
        switch=wishes.switch,
        run_workers=partial(run_in_processes, settings),
        report=report,
        by=_user(),
    )


def _user() -> str | None:
    """Who runs the command, where the system knows a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def _compared(comparison: Comparison) -> dict[str, Any]:
    return {
        "rows": comparison.rows,
        "differing": comparison.differing,
        "keys": [{"table": each.table, "key": each.key, "how": each.how} for each in comparison.keys],
    }
