"""The demo's page of who is leaving without a word, and how right such a page would have been."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from services.ops.demo.scored import AS_OF
from shared.events.analytics import AnalyticsRunCompleted


def show_silence(
    console: Console, run: AnalyticsRunCompleted, silent: Sequence[dict[str, Any]], address: str
) -> None:
    """Prints customers at risk with the reason in words, and the sentence of the backtest."""
    console.print(
        f"  [bold]Who is leaving without a word?[/] {run.customers:,} customers scored as of {AS_OF:%d %B %Y}:"
    )
    table = Table.grid(padding=(0, 2))
    for each in silent:
        stake = each["value_at_stake"]
        worth = f"${float(stake['amount']):,.2f} at stake" if stake else ""
        table.add_row(each["customer_id"][:12] + "…", f"{each['p_alive']:.0%}", worth, escape(each["why"][0]))
    console.print(Padding(table, (1, 4)))
    if run.backtest is not None:
        console.print(Padding(escape(run.backtest.sentence), (0, 4)))
    console.print(f"\n  Ask for it: [green]curl -s {address}/v1/customers/at-risk[/]\n", soft_wrap=True)
