"""The commands on one person's data, as `rapport` takes them: export, erase, verify-erasure."""

from pathlib import Path
from typing import Annotated

import typer

from services.ops.view_command_line import Data, Json

_PERSONAL = "What is held about one person"
_DATA = Path("rapport-data")
Customer = Annotated[str, typer.Option("--customer", metavar="ID", help="A customer or party id.")]


def add_personal_data_commands(app: typer.Typer) -> None:
    """Registers them."""
    app.command(rich_help_panel=_PERSONAL)(export)
    app.command(rich_help_panel=_PERSONAL)(erase)
    app.command("verify-erasure", rich_help_panel=_PERSONAL)(verify_erasure)


def export(customer: Customer, data: Data = _DATA) -> None:
    """Write everything held about a customer, in plain, as JSON Lines.

    The customer's identifiers, every event, the rows of views, and which keys there are. Takes RAPPORT_MASTER_KEY, or
    that of the data directory.
    """
    from services.ops.erasure_commands import run_export  # noqa: PLC0415

    run_export(data, customer)


def erase(
    customer: Customer,
    request: Annotated[str, typer.Option("--request", metavar="R", help="The number of their request.")],
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Stands in the log: name nobody in it.")
    ] = None,
    data: Data = _DATA,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Erase a customer: destroy the keys of their data, and take their rows out of views. Points and complaints stay.

    What was encrypted with these keys can be read nowhere any more: not in the log, in views, parked events, old
    generations or backups. This cannot be undone. Repeating it with the same request is safe.
    """
    from services.ops.erasure_commands import run_erase  # noqa: PLC0415

    run_erase(data, customer, request, reason, as_json_=json)


def verify_erasure(data: Data = _DATA, json: Json = False) -> None:  # noqa: FBT002
    """Look for plain values, one a line on standard input, in every table and in the whole log.

    Says where they stand, or that they stand nowhere; exit code 1 where one was found. No value is ever printed.
    """
    from services.ops.erasure_commands import run_verify_erasure  # noqa: PLC0415

    run_verify_erasure(data, as_json_=json)
