"""`rapport score`, as `rapport` takes it."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

OPERATE = "Operate the views, while everybody reads"
_WEEKS = 39


def add_score_command(app: typer.Typer) -> None:
    """Registers it."""
    app.command(rich_help_panel=OPERATE)(score)


def score(  # noqa: PLR0917 - typer reads parameters as options
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="T", help="A day, to its end, or a time with offset. [dim][now][/]"),
    ] = None,
    backtest_at: Annotated[
        str | None,
        typer.Option(
            "--backtest-at", metavar="DAY", help="Look back from this day. [dim][the horizon before][/]"
        ),
    ] = None,
    horizon_weeks: Annotated[
        int,
        typer.Option("--horizon-weeks", metavar="N", min=1, max=520, help="Weeks after that day."),
    ] = _WEEKS,
    rows: Annotated[
        str | None,
        typer.Option("--rows", metavar="RUN_ID", help="Make the rows of a recorded run again; fit nothing."),
    ] = None,
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", file_okay=False, help="Of the running `rapport up`.")
    ] = Path("rapport-data"),
    json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,  # noqa: FBT002
) -> None:
    """Score all customers: cuts, fits and a look back at how right they would have been, recorded as one event.

    `rapport up` does it every day. Readers see the rows before until the new ones are complete.
    """
    from services.ops.score_commands import run_score, run_score_rows  # noqa: PLC0415

    if rows is not None:
        if as_of is not None or backtest_at is not None:
            raise typer.BadParameter("--rows takes the times that its run recorded, and no others")
        run_score_rows(data, rows, as_json_=json)
    else:
        day = None if backtest_at is None else _day(backtest_at, "--backtest-at")
        run_score(data, None if as_of is None else _time(as_of), day, horizon_weeks, as_json_=json)


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{option}: a day, such as 1997-09-30, not {text!r}") from None


def _time(text: str) -> datetime | date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter(
            f"--as-of: a day, such as 1997-09-30, or a time with its offset, such as 1997-09-30T18:00:00Z, "
            f"not {text!r}"
        )
    return found
