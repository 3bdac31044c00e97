"""What the command line shows: the start-up screen, the demo's closing screen, and the list of settings."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.ops.data_directory import Running
from services.ops.demo.finding import Finding

_INDENT = "    "


def show_serving(console: Console, running: Running, data: Path, now: datetime) -> None:
    """Where everything is, how to post a first event, how to stop."""
    console.print()
    console.print("  [bold green]Rapport is serving.[/]")
    console.print()
    console.print(_addresses(running, data))
    console.print()
    console.print("  [bold]Post a first event[/], then ask who that is:")
    _commands(
        console,
        [_post(running, "email", "you@example.org", now), _lookup(running, "email", "you@example.org")],
    )
    console.print("  [bold]Ctrl-C[/] stops it. Everything stays in the data directory.", style="dim")
    console.print()


_LOOKS = (
    "1. Find G0001: a guest gone for three years. Change the purpose, and see what is withheld.",
    "2. Open Cases: a complaint that nobody went on with, its clocks, and who it was escalated to.",
    "3. Find CD00004, and leave it open: what you post below is counted above the timeline at once.",
)
"""What is worth a look in the console."""


def show_demo(console: Console, running: Running, data: Path, now: datetime, customer_id: str) -> None:
    """The console and what to look at in it, what to try with the sample, and the addresses."""
    console.print(f"  [bold]Look[/], in a browser: [bold]{running.url}/console/[/]", highlight=False)
    console.print()
    for look in _LOOKS:
        console.print(f"    {look}", highlight=False)
    console.print()
    console.print("  [bold]Try it[/], in another terminal")
    console.print()
    console.print("  Who is member CD00004?")
    _commands(console, [_lookup(running, "member", "CD00004")])
    console.print("  What happened with them, newest first?")
    _commands(console, [f"WHO={customer_id}", f"curl -s {_timeline(running, 3)}"])
    console.print("  Post an event, and read it back at once:")
    _commands(console, [_post_and_read_back(running, customer_id, "CD00004", now)])
    console.print(_addresses(running, data))
    console.print()
    console.print(
        "  [bold]Ctrl-C[/] stops it. Run it again: every event is a repeat, and changes nothing.", style="dim"
    )
    console.print()


def show_built(console: Console, built: Sequence[tuple[str, str]], seconds: float, events: int) -> None:
    """What the demo made of the sample, and how fast."""
    console.print()
    facts = Table.grid(padding=(0, 2))
    facts.add_column(justify="right", style="bold cyan")
    facts.add_column()
    for number, what in built:
        facts.add_row(number, what)
    console.print(Padding(facts, (0, 2)))
    console.print()
    rate = events / seconds if seconds > 0 else 0
    console.print(
        f"  {seconds:.1f} s from the first POST to the last read, {rate:,.0f} events a second.",
        style="dim",
        highlight=False,
    )
    console.print()


def show_check(console: Console, findings: Sequence[Finding]) -> None:
    """Each finding of the check, right or wrong."""
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column()
    table.add_column(justify="right", style="bold")
    table.add_column(style="red")
    for finding in findings:
        mark = "[green]✓[/]" if finding.right else "[red]✗[/]"
        expected = "" if finding.right else f"expected {_number(finding.expected)}"
        table.add_row(mark, finding.what, _number(finding.found), expected)
    console.print(Padding(table, (0, 2)))
    console.print()


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def settings_table() -> Table:
    """Every setting with its default and what is allowed."""
    from shared.settings import Settings  # noqa: PLC0415 - pydantic, only for those who ask
    from shared.settings_errors import is_secret, variable_of  # noqa: PLC0415

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    for name, field in Settings.model_fields.items():
        given = (
            "" if field.is_required() or field.default is None or is_secret(field) else f" [{field.default}]"
        )
        table.add_row(variable_of(name), Text(f"{field.description}{given}"))
    return table


def _addresses(running: Running, data: Path) -> Padding:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(no_wrap=True)
    table.add_row("address", Text(running.url, style="bold cyan"))
    table.add_row("reference", Text(f"{running.url}/docs", style="cyan"))
    table.add_row("metrics", Text(f"{running.url}/metrics", style="cyan"))
    table.add_row("data", Text(_near(data)))
    if running.asks_for_keys:
        table.add_row("open to", Text("bearers of keys and tokens: add -H 'Authorization: Bearer KEY'"))
    else:
        table.add_row("open to", Text("this machine alone, without keys, until rapport keys create"))
    return Padding(table, (0, 2))


def _near(path: Path) -> str:
    """The path as people say it: from here where it is below."""
    try:
        return f"./{path.relative_to(Path.cwd())}"
    except ValueError:
        return str(path)


def _commands(console: Console, commands: Sequence[str]) -> None:
    console.print()
    for command in commands:
        for line in command.splitlines():
            console.print(Text(_INDENT + line, style="green"), soft_wrap=True)
    console.print()


def _lookup(running: Running, kind: str, value: str) -> str:
    return (
        f"curl -s {running.url}/v1/customers/lookup \\\n"
        f"""  -H 'Content-Type: application/json' \\\n  -d '{{"type":"{kind}","value":"{value}"}}'"""
    )


def _timeline(running: Running, limit: int) -> str:
    return f'"{running.url}/v1/customers/$WHO/timeline?limit={limit}"'


def _post(running: Running, kind: str, value: str, now: datetime) -> str:
    return (
        f"curl -s {running.url}/v1/events \\\n"
        f"""  -H 'Content-Type: application/json' -d '\n"""
        f"""  {{"specversion":"1.0","id":"hello-{now:%H%M%S}","source":"/try/shell",\n"""
        f"""   "type":"interaction.recorded","time":"{now:%Y-%m-%dT%H:%M:%SZ}",\n"""
        """   "channel":"chat","data":{"kind":"chat","category":"enquiry",\n"""
        f"""   "customer":[{{"type":"{kind}","value":"{value}"}}]}}}}'"""
    )


def _post_and_read_back(running: Running, customer_id: str, value: str, now: datetime) -> str:
    return (
        f"WHO={customer_id}\n"
        f"AT=$({_post(running, 'member', value, now)} \\\n"
        '  | sed \'s/.*"position":"\\([^"]*\\)".*/\\1/\')\n'
        f'curl -s -H "Rapport-At-Least: $AT" \\\n  {_timeline(running, 1)}'
    )
