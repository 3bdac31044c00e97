"""The commands on views, as `rapport` takes them: rebuild, verify, switch, rollback, pause, resume, drop, status."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

OPERATE = "Operate the views, while everybody reads"

Data = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", file_okay=False, help="Of the running `rapport up`."),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
View = Annotated[str, typer.Argument(metavar="VIEW")]
Views = Annotated[list[str] | None, typer.Argument(metavar="VIEW")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", min=1, max=64, help="Processes. [dim][half the cores][/]"),
]
NoSwitch = Annotated[bool, typer.Option("--no-switch", help="Build and compare, but switch later.")]
_DATA = Path("rapport-data")


class SourceName(StrEnum):
    """What a rebuild reads."""

    LOG = "log"
    JOURNAL = "journal"


def add_view_commands(app: typer.Typer) -> None:
    """Registers them."""
    for command in (status, rebuild, verify, switch, rollback, pause, resume, drop):
        app.command(rich_help_panel=OPERATE)(command)


def status(data: Data = _DATA, json: Json = False) -> None:  # noqa: FBT002
    """Show views, generations, positions, lag, rate, parked events, and rebuilds under way."""
    from services.ops.view_commands import run_status  # noqa: PLC0415

    run_status(data, as_json_=json)


def rebuild(  # noqa: PLR0917 - typer reads parameters as options
    views: Views = None,
    every: Annotated[bool, typer.Option("--all", help="Every view, in one pass.")] = False,  # noqa: FBT002
    no_switch: NoSwitch = False,  # noqa: FBT002
    throttle: Annotated[
        float | None, typer.Option("--throttle", metavar="N", min=1, help="At most N events a second.")
    ] = None,
    workers: Workers = None,
    source: Annotated[
        SourceName | None,
        typer.Option(
            "--source", help="What to read. [dim][log, or journal where the log lost its beginning][/]"
        ),
    ] = None,
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Make views anew beside the live ones, compare, and switch in one transaction.

    Killed at any moment, it goes on where it was when run again.
    """
    from services.ops.view_commands import RebuildWishes, run_rebuild  # noqa: PLC0415

    named = _named(views, every=every)
    wishes = RebuildWishes(not no_switch, throttle, workers, source.value if source else None)
    run_rebuild(data, named, wishes, as_json_=json)


def verify(
    views: Views = None,
    every: Annotated[bool, typer.Option("--all", help="Every view, in one pass.")] = False,  # noqa: FBT002
    workers: Workers = None,
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Make views anew at the live position, compare row by row, and name the keys that differ.

    Exit code 1 if any do.
    """
    from services.ops.view_commands import run_verify  # noqa: PLC0415

    run_verify(data, _named(views, every=every), workers, as_json_=json)


def switch(
    view: View,
    generation: Annotated[int, typer.Argument(metavar="GENERATION")],
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Point readers to a generation that is kept, once it was brought up to date."""
    from services.ops.view_commands import run_switch  # noqa: PLC0415

    run_switch(data, view, generation, as_json_=json)


def rollback(view: View, data: Data = _DATA, json: Json = False) -> None:  # noqa: FBT002
    """Point readers back to the generation before, once it was brought up to date."""
    from services.ops.view_commands import run_rollback  # noqa: PLC0415

    run_rollback(data, view, as_json_=json)


def pause(view: View, data: Data = _DATA, json: Json = False) -> None:  # noqa: FBT002
    """Let a view stand still; readers see it as it is, the others go on."""
    from services.ops.view_commands import run_pause  # noqa: PLC0415

    run_pause(data, view, as_json_=json)


def resume(view: View, data: Data = _DATA, json: Json = False) -> None:  # noqa: FBT002
    """Bring a paused view up to date and let it go on with the others."""
    from services.ops.view_commands import run_resume  # noqa: PLC0415

    run_resume(data, view, as_json_=json)


def drop(
    view: View,
    generation: Annotated[int | None, typer.Argument(metavar="[GENERATION]")] = None,
    older_than: Annotated[
        float | None,
        typer.Option("--older-than", metavar="DAYS", min=0, help="All made before so many days."),
    ] = None,
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Drop generations that are kept for rollback; never what readers see."""
    from services.ops.view_commands import run_drop  # noqa: PLC0415

    run_drop(data, view, generation, older_than, as_json_=json)


def _named(views: list[str] | None, *, every: bool) -> list[str]:
    """The views named, none for all. Raises typer's usage error unless it is one or the other."""
    if bool(views) == every:
        raise typer.BadParameter("name views, or --all")
    return views or []
