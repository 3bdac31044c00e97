"""The commands on keys, as `rapport keys` takes them: create, list, revoke."""

from pathlib import Path
from typing import Annotated

import typer

from services.ops.view_command_line import Data, Json

keys = typer.Typer(no_args_is_help=True, help="Keys of those who send events and of those who read.")

_DATA = Path("rapport-data")


@keys.command("create")
def keys_create(  # noqa: PLR0917 - typer reads parameters as options
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="Whose it is, for you.")],
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="PREFIX",
            help="A key to send with: for this source and those below it. May be repeated.",
        ),
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="CHANNEL", help="Of events that name none.")
    ] = None,
    phone_region: Annotated[
        str | None,
        typer.Option(
            "--phone-region",
            metavar="REGION",
            help="Of phone numbers without a country code. [dim][the deployment's][/]",
        ),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="ROLE", help="A key to read with: in this role. May be repeated."),
    ] = None,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            "--purpose",
            metavar="PURPOSE",
            help="For these purposes only. May be repeated. [dim][all of its roles][/]",
        ),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            "--rate", metavar="N", min=1, max=1_000_000, help="Most requests a minute, in each process."
        ),
    ] = None,
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Make a key, with --source for a sender or --role for a reader, and show its secret: this once and never again.

    Services take it up within a second. With the first one a service asks everybody for a key.
    """
    from services.ops.key_commands import Wanted, run_create  # noqa: PLC0415

    wanted = Wanted(
        name,
        tuple(source or ()),
        channel,
        phone_region,
        tuple(role or ()),
        None if purpose is None else tuple(purpose),
        rate,
    )
    run_create(data, wanted, as_json_=json)


@keys.command("list")
def keys_list(
    revoked: Annotated[bool, typer.Option("--revoked", help="Also those that were revoked.")] = False,  # noqa: FBT002
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="Newest keys.")] = 100,
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """List keys: whose they are and what they are bound to. Secrets are kept nowhere."""
    from services.ops.key_commands import run_list  # noqa: PLC0415

    run_list(data, limit, revoked=revoked, as_json_=json)


@keys.command("revoke")
def keys_revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the whole key.")],
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Revoke a key for good: services that reach PostgreSQL refuse it within a second."""
    from services.ops.key_commands import run_revoke  # noqa: PLC0415

    run_revoke(data, key_id, as_json_=json)
