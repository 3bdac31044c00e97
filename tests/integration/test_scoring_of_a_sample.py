"""A scoring run over the CDNOW sample, from its purchases as events through the views: the figures that were published
and those that were counted beforehand."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from typing import Final

import asyncpg
import pytest

from services.scoring.scoring_run import Wanted
from shared.events.analytics import AnalyticsRunCompleted
from tests.databases import empty_views, with_database
from tests.fakes.memory_log import MemoryLog
from tests.scoring import Scored, sample

CALIBRATED: Final = date(1997, 9, 30)
ENDED: Final = date(1998, 6, 30)
DATABASE: Final = "scored_sample"


@pytest.fixture(scope="module")
async def scored(postgres_server: str) -> AsyncIterator[Scored]:
    server = await asyncpg.connect(postgres_server)
    await server.execute(f"create database {DATABASE}")
    url = with_database(postgres_server, DATABASE)
    await empty_views(url, partitions=4)
    known = Scored(url, MemoryLog(partitions=4))
    await known.see(sample())
    yield known
    await server.execute(f"drop database {DATABASE} with (force)")
    await server.close()


@pytest.fixture(scope="module")
async def looked_back(scored: Scored) -> AnalyticsRunCompleted:
    return await scored.run(Wanted(ENDED, CALIBRATED, 39))


@pytest.fixture(scope="module")
async def run(scored: Scored, looked_back: AnalyticsRunCompleted) -> AnalyticsRunCompleted:
    assert looked_back.backtest is not None  # that run is before this one, whose rows readers then see
    found = await scored.run(Wanted(CALIBRATED))
    await scored.catch_up()
    return found


def test_customers_are_cut_as_counted(run: AnalyticsRunCompleted) -> None:
    assert run.customers == 2357
    assert run.cuts is not None
    assert run.cuts.recency == (99, 198, 219, 242)
    assert run.cuts.frequency == (1, 1, 2, 3)
    assert run.cuts.monetary == (14.96, 27.99, 45.976, 93.722)


def test_the_models_have_the_published_parameters(run: AnalyticsRunCompleted) -> None:
    bg, mbg, spend = run.parameters.bg_nbd, run.parameters.mbg_nbd, run.parameters.gamma_gamma
    assert bg is not None
    assert mbg is not None
    assert spend is not None
    assert (bg.r, bg.alpha, bg.a, bg.b) == pytest.approx((0.242593, 4.413532, 0.792886, 2.425753), rel=5e-6)
    assert bg.log_likelihood == pytest.approx(-9582.4256, abs=1e-3)
    assert (mbg.r, mbg.alpha, mbg.a, mbg.b) == pytest.approx(
        (0.524838, 6.182992, 0.891356, 1.613999), rel=5e-6
    )
    assert mbg.log_likelihood == pytest.approx(-9582.1327, abs=1e-3)
    assert (spend.p, spend.q, spend.v) == pytest.approx((6.2488, 3.7446, 15.4477), abs=1e-4)
    assert spend.log_likelihood == pytest.approx(-4055.9235, abs=1e-3)


async def test_scores_are_as_many_as_counted(scored: Scored, run: AnalyticsRunCompleted) -> None:
    rows = await scored.rows("select r, f, m, purchase_days from live.scores")
    counted = {name: [Counter(row[name] for row in rows)[score] for score in range(1, 6)] for name in "rfm"}
    assert counted == {
        "r": [466, 475, 453, 490, 473],
        "f": [1411, 0, 439, 214, 293],
        "m": [480, 464, 470, 471, 472],
    }
    cells = Counter((row["r"], row["f"], row["m"]) for row in rows)
    assert len(cells) == 65
    assert cells[5, 5, 5] == 191
    assert cells[1, 1, 1] == 146
    assert run.figures is not None
    assert run.figures["scores"] == counted
    assert len(run.figures["cells"]) == 65
    assert run.figures["cells"]["555"] == 191


async def test_what_is_known_of_the_whole_sample_is_6696_days(
    scored: Scored, looked_back: AnalyticsRunCompleted, run: AnalyticsRunCompleted
) -> None:
    again = await scored.run(Wanted(), rows_of=looked_back.run_id)
    assert again == looked_back
    days = await scored.rows(
        "select sum(purchase_days) as days, count(distinct run_id) as runs from live.scores"
    )
    assert days == [{"days": 6696, "runs": 1}]
    await scored.run(Wanted(), rows_of=run.run_id)


def test_looking_back_tells_who_left(looked_back: AnalyticsRunCompleted) -> None:
    tested = looked_back.backtest
    assert tested is not None
    found = {each.rule: (each.customers, each.gone, each.flagged, each.right) for each in tested.rules}
    assert found == {
        "mbg_0.5": (507, 173, 169, 88),
        "mbg_0.3": (507, 173, 103, 60),
        "rhythm": (507, 173, 168, 82),
    }
    assert "52 % right against a base of 34 %; finds 51 % of those who left" in tested.sentence


async def test_a_run_is_one_event_however_often_it_is_made(
    scored: Scored, run: AnalyticsRunCompleted
) -> None:
    first = await scored.run(Wanted(CALIBRATED))
    again = await scored.run(Wanted(CALIBRATED))
    assert first == again
    assert first.parameters == run.parameters  # the position is another one since, by the runs themselves
    assert first.run_id != run.run_id
    await scored.catch_up()
    runs = await scored.rows("select run_id from live.analytics_runs")
    assert [each["run_id"] for each in runs].count(first.run_id) == 1


async def test_readers_see_the_latest_rows_and_the_ones_before_are_kept(
    scored: Scored, run: AnalyticsRunCompleted
) -> None:
    runs = [await scored.run(Wanted(CALIBRATED)) for _ in range(3)]
    schemas = await scored.rows("select nspname from pg_namespace where nspname like 'scores\\_r%'")
    assert len(schemas) == 2
    shown = await scored.rows("select distinct run_id from live.scores")
    assert shown == [{"run_id": runs[-1].run_id}]
    assert runs[-1].figures == run.figures
