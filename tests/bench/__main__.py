"""Measures Rapport beside its yardsticks in one interleaved run and reports medians and ratios."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from services.ops.embedded_postgres import EmbeddedPostgres
from tests.bench import (
    card_latency,
    complaint_rate,
    complaint_reads,
    console_pages,
    freshness,
    identity_reads,
    ingest_memory,
    ingest_rate,
    loyalty_growth,
    loyalty_rate,
    projection_rate,
    purchase_rows,
    rebuild_rate,
    rebuild_reads,
    redemption_latency,
    score_reads,
    scoring_run,
    sealed_ingest,
    switch_reads,
    timeline_page,
)
from tests.bench.broker import kafka_broker
from tests.bench.environment import PROJECT, Bench
from tests.bench.machine import busy_warning, describe_machine
from tests.bench.measurement import BenchError, Left, Outcome
from tests.bench.report import Report, print_report, write_report
from tests.bench.wrk import check_wrk

_SCENARIOS: dict[str, Callable[[Bench], Awaitable[Outcome]]] = {
    "ingest": ingest_rate.measure_single,
    "batches": ingest_rate.measure_batches,
    "memory": ingest_memory.measure,
    "sealed": sealed_ingest.measure,
    "freshness": freshness.measure,
    "projection": projection_rate.measure,
    "orders": purchase_rows.measure,
    "rebuild": rebuild_rate.measure,
    "growth": rebuild_rate.measure_growth,
    "reads": rebuild_reads.measure,
    "switch": switch_reads.measure,
    "timeline": timeline_page.measure,
    "identities": identity_reads.measure,
    "ledger": loyalty_rate.measure,
    "accounts": loyalty_growth.measure,
    "redemption": redemption_latency.measure,
    "card": card_latency.measure,
    "console": console_pages.measure,
    "scores": score_reads.measure,
    "complaints": complaint_rate.measure,
    "complaint-reads": complaint_reads.measure,
    "scoring": scoring_run.measure,
}
_BY_NAME_ALONE: dict[str, Callable[[Bench], Awaitable[Outcome]]] = {"ten-million": rebuild_rate.measure_large}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the scenarios. Exit code 0 when all were measured, 1 when one failed, whatever the figures say."""
    asked = _parser().parse_args(arguments)
    console = Console()
    try:
        check_wrk()
    except BenchError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    report = asyncio.run(_run(asked, console))
    print_report(report, console)
    write_report(report, asked.json)
    console.print(f"Every round's figures are in {asked.json}")
    return 1 if any(left.failed for left in report.left) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=sorted(_SCENARIOS | _BY_NAME_ALONE), metavar="SCENARIO",
        help=f"measure this scenario only; may be repeated: {', '.join(_SCENARIOS | _BY_NAME_ALONE)}",
    )  # fmt: skip
    parser.add_argument(
        "--runs", type=_positive, default=5, help="rounds, each measuring every contender once (5)"
    )
    parser.add_argument("--seconds", type=_positive, default=8, help="length of one load (8)")
    parser.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help="share of the events of fixed-size scenarios; below 1 only to try things out",
    )
    parser.add_argument(
        "--yardsticks", type=Path, default=PROJECT.parent / "shared" / "bench", metavar="DIR",
        help="folder of further yardsticks; skipped where it is absent (../shared/bench)",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=Path, default=PROJECT / "bench-results" / "latest.json", metavar="FILE",
        help="where the figures go (bench-results/latest.json)",
    )  # fmt: skip
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


async def _run(asked: argparse.Namespace, console: Console) -> Report:
    machine = describe_machine()
    if warning := busy_warning(machine):
        console.print(warning, style="yellow")
    measured = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "rounds": asked.runs, "seconds": asked.seconds,
        "scale": asked.scale,
    }  # fmt: skip
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rapport-bench-")))
        postgres = EmbeddedPostgres(directory / "postgres")
        await postgres.start()
        stack.push_async_callback(postgres.stop)

        def say(text: str) -> None:
            console.print(text, style="dim", markup=False)

        bench = Bench(
            rounds=asked.runs,
            seconds=asked.seconds,
            scale=asked.scale,
            yardsticks=asked.yardsticks if asked.yardsticks.is_dir() else None,
            directory=directory,
            kafka=await stack.enter_async_context(kafka_broker(directory, say)),
            postgres=postgres.url,
            say=say,
        )
        outcomes = [await _measure(name, bench) for name in asked.only or _SCENARIOS]
    return Report(machine, measured, outcomes)


async def _measure(name: str, bench: Bench) -> Outcome:
    """One scenario's outcome; a failure is part of the report, so that the others are still measured."""
    bench.say(f"measuring: {name}")
    try:
        return await (_SCENARIOS | _BY_NAME_ALONE)[name](bench)
    except* BenchError as errors:
        why = "; ".join(str(error) for error in _leaves(errors))
    return Outcome((), (Left(name, why, failed=True),))


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


if __name__ == "__main__":
    sys.exit(main())
