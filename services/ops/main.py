"""The command line `rapport`. Each command loads what it needs when it runs, so that help comes at once."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from services.ops.erasure_command_line import add_personal_data_commands
from services.ops.inspect_command_line import add_inspect_command
from services.ops.key_command_line import keys
from services.ops.master_key_command_line import master_key
from services.ops.parked_command_line import parked
from services.ops.score_command_line import add_score_command
from services.ops.view_command_line import OPERATE, add_view_commands

_START = "Start here"
_DEPLOY = "Run a deployment: one service each, settings from RAPPORT_*"
_PREPARE = "Prepare a deployment"


class _WithSettings(TyperGroup):
    """The group's help, with every setting listed at its end."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        from rich.console import Console  # noqa: PLC0415 - only for those who ask
        from rich.padding import Padding  # noqa: PLC0415

        from services.ops.screens import settings_table  # noqa: PLC0415

        console = Console(highlight=False)
        console.print(" [bold]Settings[/], environment variables, with their defaults in brackets:\n")
        console.print(Padding(settings_table(), (0, 1)))
        console.print("\n Exit codes: 0 done, 1 failed, 2 wrong usage or settings.\n")


app = typer.Typer(
    cls=_WithSettings,
    name="rapport",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Remembers customers for the people who serve them: touchpoint events in, exact timelines out.\n\n"
    "Begin with [bold]rapport demo[/].",
)
topics = typer.Typer(no_args_is_help=True, help="The Kafka topic of the event log.")
app.add_typer(topics, name="topics", rich_help_panel=_PREPARE)
app.add_typer(keys, name="keys", rich_help_panel=_PREPARE)
add_view_commands(app)
app.add_typer(master_key, name="master-key", rich_help_panel=_PREPARE)
app.add_typer(parked, name="parked", rich_help_panel=OPERATE)
add_inspect_command(app)
add_score_command(app)
add_personal_data_commands(app)

Host = Annotated[
    str | None, typer.Option("--host", metavar="HOST", help="Address to serve on. [dim][127.0.0.1][/]")
]
Port = Annotated[
    int | None,
    typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port; 0 takes a free one. [dim][8080][/]"),
]
Data = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", file_okay=False, help="Where the data lives; made if need be."),
]


@app.command(rich_help_panel=_START)
def demo(
    once: Annotated[bool, typer.Option("--once", help="Check the result, say so, and end.")] = False,  # noqa: FBT002
    data: Data = Path("rapport-demo"),
    host: Host = None,
    port: Port = None,
) -> None:
    """Show it at work: 6,919 real purchases of 2,357 customers, and what to ask about them.

    Starts everything embedded, in a directory of its own, posts the purchases through the front door, and keeps
    serving until Ctrl-C. Running it again is safe.
    """
    from services.ops.commands import run_demo  # noqa: PLC0415

    run_demo(data, host, port, once=once)


@app.command(rich_help_panel=_START)
def up(
    data: Data = Path("rapport-data"),
    host: Host = None,
    port: Port = None,
    kafka: Annotated[
        str | None,
        typer.Option(
            "--kafka", metavar="HOST:PORT[/TOPIC]", help="Use Kafka for the event log. [dim][embedded][/]"
        ),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option("--database-url", metavar="URL", help="Use this PostgreSQL. [dim][embedded][/]"),
    ] = None,
) -> None:
    """Run all of it on this machine: ingest, projections, query API, and a PostgreSQL of its own."""
    from services.ops.commands import run_up  # noqa: PLC0415

    run_up(data, host, port, kafka, database_url)


@app.command(rich_help_panel=_DEPLOY)
def ingest(host: Host = None, port: Port = None) -> None:
    """Take events: POST /v1/events."""
    from services.ops.commands import run_service  # noqa: PLC0415

    run_service("ingest", host, port)


@app.command(rich_help_panel=_DEPLOY)
def project(host: Host = None, port: Port = None) -> None:
    """Project the event log into the views; several share the partitions. Serves health and metrics."""
    from services.ops.commands import run_service  # noqa: PLC0415

    run_service("project", host, port)


@app.command(rich_help_panel=_DEPLOY)
def api(host: Host = None, port: Port = None) -> None:
    """Answer queries from the views."""
    from services.ops.commands import run_service  # noqa: PLC0415

    run_service("api", host, port)


@app.command(rich_help_panel=_DEPLOY)
def escalate(
    once: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--once", help="Look once, post what is to be posted, and end; for cron.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: answer as JSON.")] = False,  # noqa: FBT002
    host: Host = None,
    port: Port = None,
) -> None:
    """Escalate complaints whose clocks are breached: one level up for each clock, posted to the log as an event.

    `rapport up` does it itself. Any number may run at once: each clock counts once. Serves health and metrics.
    """
    from services.ops.commands import run_escalate_once, run_service  # noqa: PLC0415

    if once:
        run_escalate_once(as_json=as_json)
    else:
        run_service("escalate", host, port)


@app.command(rich_help_panel=_PREPARE)
def migrate(data: Data = Path("rapport-data")) -> None:
    """Make or upgrade what PostgreSQL holds; `rapport up` does it itself.

    Takes the database of RAPPORT_DATABASE_URL, else that of the `rapport up` in the data directory.
    """
    from services.ops.commands import run_migrate  # noqa: PLC0415

    run_migrate(data)


@topics.command("create")
def topics_create(
    copies: Annotated[
        int | None,
        typer.Option(
            "--copies", metavar="N", min=1, help="Copies of each record. [dim][3, or one a broker][/]"
        ),
    ] = None,
) -> None:
    """Make the topic of RAPPORT_LOG, with RAPPORT_PARTITIONS partitions, kept for ever."""
    from services.ops.commands import run_topics_create  # noqa: PLC0415

    run_topics_create(copies)


def run() -> None:
    """The entry point. Exit code 0 done, 1 failed, 2 wrong usage."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(1)


if __name__ == "__main__":
    run()
