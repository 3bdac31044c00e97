"""What `rapport score` does."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from pathlib import Path
from typing import Any

from msgspec import to_builtins
from rich.console import Console

from services.ops.operations import console, operating, print_json
from services.ops.score_screen import show_run
from services.ops.told import told_to_people
from services.projections.rule_file import RuleFileError
from services.scoring.failures import ScoringBusyError, ScoringFailedError, ScoringRefusedError
from services.scoring.main import make_rows, score
from services.scoring.progress import Report
from services.scoring.score_tables import ScoresBusyError
from services.scoring.scoring_run import Wanted
from shared.clock import system_clock
from shared.events.analytics import AnalyticsRunCompleted
from shared.settings import Settings

Work = Callable[[Settings, Report], Coroutine[Any, Any, AnalyticsRunCompleted]]


def run_score(
    data: Path, as_of: datetime | date | None, backtest_at: date | None, horizon_weeks: int, *, as_json_: bool
) -> None:
    """`rapport score`; exit code 1 where it was refused or did not end."""
    wanted = Wanted(as_of, backtest_at, horizon_weeks)
    _told(data, lambda settings, report: score(settings, wanted, report, system_clock), as_json_=as_json_)


def run_score_rows(data: Path, run_id: str, *, as_json_: bool) -> None:
    """`rapport score --rows`."""
    _told(data, lambda settings, report: make_rows(settings, run_id, report), as_json_=as_json_)


def _told(data: Path, work: Work, *, as_json_: bool) -> None:
    failures = RuleFileError, ScoresBusyError, ScoringBusyError, ScoringFailedError, ScoringRefusedError
    with operating(data) as settings, told_to_people(*failures):
        begun = time.monotonic()
        screen = Console(stderr=True, highlight=False)

        def report(step: str) -> None:
            if not as_json_:
                screen.print(f"  {step} … [dim]{time.monotonic() - begun:.1f} s[/]")

        run = asyncio.run(work(settings, report))
        if as_json_:
            print_json(to_builtins(run))
        else:
            show_run(console(), run, time.monotonic() - begun)
