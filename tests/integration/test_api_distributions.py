"""How customers are spread over measures, as numbers and as pictures."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from services.projections.analytics.distributions import MEASURES
from tests.api_reader import Reader, migrated_reader
from tests.integration.test_api_segments import completed
from tests.score_rows import AS_OF, put_scores
from tests.scored_customers import SETTINGS as RUN_SETTINGS

ROUTE = "/v1/analytics/distributions"
SETTINGS = RUN_SETTINGS | {"zone": "Asia/Bangkok"}


def rows(count: int) -> list[dict[str, Any]]:
    """Customers who spent 1, 2, 3 and so on, the first of them least; of the last nothing is known."""
    known = [
        {
            "party": f"p-{number:04}",
            "purchase_days": number % 7,
            "monetary": Decimal(number),
            "margin_12m": Decimal(number) if number > count // 2 else Decimal(-1),
            "p_alive": number / count,
            "r": 1 + number % 5,
            "tier": "VIP" if number == count else "C",
            "lifecycle": "mature",
            "dominant_category": f"category-{number % 20}",
            "silent_from": AS_OF + timedelta(days=7 * (number % 10) - 35),
        }
        for number in range(1, count + 1)
    ]
    return [*known, {"party": "unknown"}]


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        await made.given(completed(1, "run-1", AS_OF.isoformat(), settings=SETTINGS))
        yield made


async def test_every_measure_is_told_as_numbers_and_drawn_of_many_one_and_no_customers(
    reader: Reader,
) -> None:
    assert (await reader.get(ROUTE, measure="tier")).json()["code"] == "no_scoring_run"
    for count in (0, 1, 300):
        run_id = f"run-2-{count}"
        await reader.given(completed(2 + count, run_id, AS_OF.isoformat(), settings=SETTINGS))
        await put_scores(reader.database_url, rows(count) if count else [], run_id)
        for measure in MEASURES:
            answer = await reader.get(ROUTE, measure=measure)
            assert answer.status_code == 200, (measure, count, answer.text)
            told = answer.json()
            assert (told["run_id"], told["as_of"]) == (run_id, "2024-06-01T00:00:00Z") if count else True
            shown = told[told["kind"]]
            if told["kind"] in ("bins", "kinds"):
                assert sum(each["customers"] for each in shown) == told["customers"] - told["unknown"], (
                    measure
                )
                assert told["customers"] == (count + 1 if count else 0)
            picture = await reader.get(ROUTE, measure=measure, format="svg", theme="dark")
            assert picture.headers["content-type"] == "image/svg+xml; charset=utf-8"
            root = ET.fromstring(picture.content)  # noqa: S314 - drawn by the API
            assert told["told"] in {each.text for each in root}


async def test_numbers_stand_in_round_bins_the_last_of_which_is_open(reader: Reader) -> None:
    spent = [Decimal(number) for number in (*range(1, 100), 5000)]
    await put_scores(
        reader.database_url, [{"party": f"p{place}", "monetary": each} for place, each in enumerate(spent)]
    )
    told = (await reader.get(ROUTE, measure="monetary")).json()
    assert told["unit"] == "EUR"
    assert told["bins"][0] == {"from": 0, "to": 5, "customers": 4}
    assert told["bins"][-1] == {"from": 100, "to": None, "customers": 1}
    assert "Most, 5, are at 5 to 10 EUR." in told["told"]


async def test_the_curve_of_value_begins_with_the_best_and_ends_with_all(reader: Reader) -> None:
    margins = [Decimal(each) for each in (80, 5, 5, 5, 5, -3)]
    await put_scores(
        reader.database_url,
        [{"party": f"p{place}", "margin_12m": each} for place, each in enumerate(margins)],
    )
    told = (await reader.get(ROUTE, measure="value")).json()
    assert [each["value"] for each in told["points"]] == [0, 0.8, 0.85, 0.9, 0.95, 1, 1]
    assert "The best 33% of customers hold 85% of the value." in told["told"]


async def test_silence_adds_up_by_week_in_the_zone_of_the_run_for_those_with_a_rhythm(reader: Reader) -> None:
    silent = [timedelta(hours=-7.5), timedelta(hours=-6.5), timedelta(days=3), timedelta(days=3650)]
    await put_scores(
        reader.database_url,
        [
            {"party": f"p{place}", "purchase_days": 3, "silent_from": AS_OF.replace(day=3) + each}
            for place, each in enumerate(silent)
        ]
        + [{"party": "rare", "purchase_days": 2, "silent_from": AS_OF}],
    )
    told = (await reader.get(ROUTE, measure="silence")).json()
    assert told["steps"] == [{"day": "2024-05-27", "customers": 1}, {"day": "2024-06-03", "customers": 3}]
    assert (told["customers"], told["unknown"]) == (4, 1)


@pytest.mark.parametrize(
    ("accept", "picture"),
    [
        ("image/svg+xml", True),
        ("image/avif,image/webp,image/svg+xml,image/*,*/*;q=0.8", True),
        ("application/json, image/svg+xml;q=0.5", False),
        ("*/*", False),
    ],
)
async def test_who_accepts_pictures_first_gets_one(reader: Reader, accept: str, picture: bool) -> None:  # noqa: FBT001
    await put_scores(reader.database_url, rows(3))
    answer = await reader.get(ROUTE, {"accept": accept}, measure="tier")
    assert answer.headers["content-type"].startswith("image/svg+xml" if picture else "application/json")
    assert answer.headers["vary"] == "accept"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({}, "required here"),
        ({"measure": "luck"}, "one of recency_days, purchase_days, monetary"),
        ({"measure": "tier", "format": "png"}, "one of json, svg"),
        ({"measure": "tier", "theme": "pink"}, "one of light, dark"),
        ({"measure": "tier", "as_of": "2024-01-01T00:00:00Z"}, "known: measure, format, theme"),
    ],
)
async def test_what_cannot_be_told_is_refused_with_what_can(
    reader: Reader, query: dict[str, Any], says: str
) -> None:
    answer = await reader.get(ROUTE, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert says in answer.json()["detail"]
