"""A scoring run on a screen."""

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from shared.events.analytics import AnalyticsRunCompleted


def show_run(console: Console, run: AnalyticsRunCompleted, seconds: float) -> None:
    """Prints what a run found: cuts, parameters, how right it would have been, and notes."""
    console.print(
        f"\n  [bold]{run.customers:,}[/] customers scored as of {run.as_of.isoformat()} in {seconds:.1f} s"
    )
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_row("run", run.run_id)
    if run.cuts is not None:
        for name, cuts in (
            ("recency, days", run.cuts.recency),
            ("frequency, days", run.cuts.frequency),
            ("monetary", run.cuts.monetary),
        ):
            table.add_row(f"cuts of {name}", "  ".join(f"{cut:g}" for cut in cuts))
    for name, fitted in (
        ("BG/NBD", run.parameters.bg_nbd),
        ("MBG/NBD", run.parameters.mbg_nbd),
        ("Gamma-Gamma", run.parameters.gamma_gamma),
    ):
        if fitted is not None:
            said = "  ".join(f"{key} {getattr(fitted, key):g}" for key in fitted.__struct_fields__[:-1])
            table.add_row(name, said)
    console.print(Padding(table, (0, 0, 0, 1)))
    for sentence in (*([run.backtest.sentence] if run.backtest else []), *run.notes):
        console.print(Padding(escape(sentence), (0, 0, 0, 2)))
