"""The commands on the master key, as `rapport` takes them."""

from pathlib import Path
from typing import Annotated

import typer

master_key = typer.Typer(no_args_is_help=True, help="The master key, which wraps every subject's key.")


@master_key.callback()
def _group() -> None:
    """Keeps `rotate` a command of its own, however many there are."""


@master_key.command()
def rotate(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", file_okay=False, help="Of the running `rapport up`.")
    ] = Path("rapport-data"),
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """Wrap every subject's key with RAPPORT_MASTER_KEY, from RAPPORT_PREVIOUS_MASTER_KEY, while services run.

    Give every service both keys first. Can be stopped and repeated at any time; exit code 1 where a key is left.
    """
    from services.ops.master_key_commands import run_rotate  # noqa: PLC0415

    run_rotate(data, as_json_=json)
