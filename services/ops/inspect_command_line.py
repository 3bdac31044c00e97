"""`rapport inspect`, as the command line takes it."""

from pathlib import Path
from typing import Annotated

import typer

from services.ops.view_command_line import OPERATE, Data, Json

_DATA = Path("rapport-data")


def add_inspect_command(app: typer.Typer) -> None:
    """Registers it."""
    app.command(rich_help_panel=OPERATE)(inspect)


def inspect(  # noqa: PLR0917 - typer reads parameters as options
    customer: Annotated[
        str | None, typer.Option("--customer", metavar="ID", help="A customer or party id.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="A stream key: pty_…, complaint:ID or task:ID."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="TIME", help="Events that had happened by then, known today."),
    ] = None,
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", metavar="TIME", help="Events that had been recorded by then."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="Most events and rows shown.")
    ] = 50,
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Show the events of one customer, of all their parties, or stream key, and the states folded from them, at a time.

    Without a time, the rows are compared with those that readers see. Times are RFC 3339 with an offset, such as
    2026-01-31T08:00:00Z.
    """
    from services.ops.inspect_commands import InspectWishes, run_inspect  # noqa: PLC0415

    run_inspect(data, InspectWishes(customer, key, as_of, known_at, limit), as_json_=json)
