import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tests.bench.measurement import Figures, Left, Measure, Outcome, Row, Wanted, interleave, percentile
from tests.bench.report import Report, print_report, write_report


def _row(ours: tuple[float, ...], theirs: tuple[float, ...] | None, wanted: Wanted | None = None) -> Row:
    yardstick = Figures("theirs", theirs) if theirs else None
    return Row("a scenario", "events/s", Figures("ours", ours), yardstick, wanted, note="a note")


async def test_contenders_take_turns_and_keep_their_own_figures() -> None:
    calls: list[str] = []

    def contender(name: str, figures: list[float]) -> Measure:
        async def measure() -> float:
            calls.append(name)
            return figures.pop(0)

        return measure

    figures = await interleave({"a": contender("a", [1, 3, 2]), "b": contender("b", [7, 9, 8])}, rounds=3)

    assert calls == ["a", "b", "a", "b", "a", "b"]
    assert figures["a"] == Figures("a", (1, 3, 2))
    assert figures["b"].median == 8


def test_the_ratio_is_the_median_of_the_rounds_so_that_a_drifting_machine_cancels_out() -> None:
    row = _row(ours=(200, 100, 50), theirs=(100, 50, 25))

    assert row.ratio == 2
    assert _row(ours=(10, 10, 90), theirs=(10, 5, 10)).ratio == 2


def test_one_outlier_moves_neither_median_nor_ratio() -> None:
    row = _row(ours=(200, 1, 202), theirs=(100, 100, 100))

    assert row.ours.median == 200
    assert row.ratio == 2


@pytest.mark.parametrize(
    ("wanted", "figure", "ratio", "met"),
    [
        (Wanted(least_ratio=2), 10, 2.0, True),
        (Wanted(least_ratio=2), 10, 1.99, False),
        (Wanted(least_ratio=2), 10, None, False),
        (Wanted(most=50), 50, None, True),
        (Wanted(most=50), 50.1, None, False),
        (Wanted(least=15_000, least_ratio=10), 14_000, 10.0, True),
        (Wanted(least=15_000, least_ratio=10), 15_000, 3.0, True),
        (Wanted(least=15_000, least_ratio=10), 14_000, 3.0, False),
    ],
)
def test_one_of_the_wanted_bounds_has_to_hold(
    wanted: Wanted, figure: float, ratio: float | None, *, met: bool
) -> None:
    assert wanted.met(figure, ratio) is met


def test_where_nothing_is_wanted_nothing_is_judged() -> None:
    assert _row(ours=(1,), theirs=None).met is None


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], share) == expected


def test_a_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def _report() -> Report:
    met = _row((4000, 4200), (1000, 1000), Wanted(least_ratio=2))
    missed = _row((60.0,), None, Wanted(most=50))
    left = Left("yardstick [native]", "needs go")
    return Report({"cores": 2}, {"rounds": 2}, [Outcome((met,)), Outcome((missed,), (left,))])


def test_the_table_shows_figures_ratio_verdict_and_what_was_left_out() -> None:
    text = io.StringIO()

    print_report(_report(), Console(file=text, width=200))

    shown = text.getvalue()
    assert "4,100 events/s" in shown
    assert "4.10" in shown
    assert "≥ 2x" in shown
    assert "yes" in shown
    assert "no" in shown
    assert "yardstick [native]: not measured: needs go" in shown


def test_the_json_keeps_every_round(tmp_path: Path) -> None:
    file = tmp_path / "results" / "run.json"

    write_report(_report(), file)

    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["rows"][0]["ours"] == {"contender": "ours", "median": 4100, "rounds": [4000, 4200]}
    assert written["rows"][0]["met"] is True
    assert written["rows"][1]["yardstick"] is None
    assert written["rows"][1]["met"] is False
    assert written["left"] == [{"what": "yardstick [native]", "why": "needs go", "failed": False}]
