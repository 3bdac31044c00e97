"""The commands on parked events, as `rapport parked` takes them: list, show, redrive, discard."""

from pathlib import Path
from typing import Annotated

import typer

from services.ops.view_command_line import Data, Json

parked = typer.Typer(
    no_args_is_help=True,
    help="Events that a view could not take, and records that no view could: look, give again, discard.",
)

_VIEW_HELP = "A view, or `undecodable` for records that could not be decoded."
View = Annotated[str, typer.Argument(metavar="VIEW", help=_VIEW_HELP)]
MaybeView = Annotated[str | None, typer.Argument(metavar="VIEW", help=_VIEW_HELP)]
Partition = Annotated[int | None, typer.Argument(metavar="PARTITION", min=0)]
Offset = Annotated[int | None, typer.Argument(metavar="OFFSET", min=0)]
Key = Annotated[str | None, typer.Option("--key", metavar="KEY", help="Of this stream key.")]
Error = Annotated[str | None, typer.Option("--error", metavar="NAME", help="With this error.")]
Again = Annotated[bool, typer.Option("--again", help="Also events whose redrive ended the process twice.")]
_DATA = Path("rapport-data")


@parked.command("list")
def parked_list(  # noqa: PLR0917 - typer reads parameters as options
    view: MaybeView = None,
    key: Key = None,
    error: Error = None,
    discarded: Annotated[bool, typer.Option("--discarded", help="Those discarded for good.")] = False,  # noqa: FBT002
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="Events a page.")] = 20,
    after: Annotated[
        str | None, typer.Option("--after", metavar="PLACE", help="The next page: where the last one ended.")
    ] = None,
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Count what is parked by view and error, and list it event by event."""
    from services.ops.parked_commands import run_list  # noqa: PLC0415

    run_list(data, (view, key, error), limit, after, discarded=discarded, as_json_=json)


@parked.command("show")
def parked_show(  # noqa: PLR0917
    view: MaybeView = None,
    partition: Partition = None,
    offset: Offset = None,
    event: Annotated[
        str | None, typer.Option("--event", metavar="ID", help="By event id, whichever views parked it.")
    ] = None,
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Show one parked event: the error, the attempts, and the event without personal data."""
    from services.ops.parked_commands import run_show  # noqa: PLC0415

    run_show(data, (view, partition, offset), event, as_json_=json)


@parked.command("redrive")
def parked_redrive(  # noqa: PLR0917
    view: View,
    key: Key = None,
    error: Annotated[
        str | None,
        typer.Option("--error", metavar="NAME", help="Keys whose first parked event has this error."),
    ] = None,
    again: Again = False,  # noqa: FBT002
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Give a view its parked events again, each key's in order, until one fails; workers go on meanwhile.

    Exit code 1 if anything stays parked. Killed at any moment, it has done whole steps: run it again.
    """
    from services.ops.parked_commands import run_redrive  # noqa: PLC0415

    run_redrive(data, view, key, error, again=again, as_json_=json)


@parked.command("discard")
def parked_discard(  # noqa: PLR0917
    view: View,
    partition: Partition = None,
    offset: Offset = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")] = "",
    key: Key = None,
    error: Error = None,
    every: Annotated[bool, typer.Option("--all", help="All that the view has parked.")] = False,  # noqa: FBT002
    by: Annotated[
        str | None, typer.Option("--by", metavar="WHO", help="Who; it is kept. [dim][your user name][/]")
    ] = None,
    redrive: Annotated[bool, typer.Option("--redrive", help="Then redrive what waits behind.")] = False,  # noqa: FBT002
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Leave parked events out of a view for good, with a reason; they stay on record, and rebuilds leave them out too.

    One event by its partition and offset, or those that --key, --error or --all choose.
    """
    from services.ops.parked_commands import Discarding, run_discard  # noqa: PLC0415

    wishes = Discarding((view, partition, offset, key, error), reason, by, every, redrive, yes)
    run_discard(data, wishes, as_json_=json)
