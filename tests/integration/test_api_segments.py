"""Definitions of segments, and scoring runs, as the API lists them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.events.analytics import ANALYTICS
from tests.api_reader import Reader, migrated_reader
from tests.projecting import purchase
from tests.strategies import JsonObject

PARAMETERS = {"r": 0.242593, "alpha": 4.41353, "a": 0.792886, "b": 2.42575, "log_likelihood": -9582.43}
VIPS = {"score": "tier", "is": "VIP"}


def defined(number: int, segment_id: str, version: int = 1, rule: Any = VIPS) -> JsonObject:
    data = {"segment_id": segment_id, "version": version, "rule": rule}
    return purchase(number, id=f"segment-{number}", type="segment.defined", data=data)


def completed(number: int, run_id: str, as_of: str, **more: Any) -> JsonObject:
    data = {"run_id": run_id, "as_of": as_of, "position": "0:9", "customers": 2, "parameters": {}, **more}
    return purchase(number, id=f"run-{number}", type="analytics.run_completed", source=ANALYTICS, data=data)


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


async def pages(reader: Reader, path: str, limit: int) -> list[list[Any]]:
    found: list[list[Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await reader.get(path, limit=limit, **cursor)).json()
        found.append(page["items"])
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_segments_are_listed_in_the_version_in_force_with_the_personal_data_they_look_at(
    reader: Reader,
) -> None:
    named = {"any": [{"profile": "dietary", "known": True}, {"not": {"profile": "name", "is": "Ada"}}]}
    await reader.given(
        defined(1, "vips", 1), defined(2, "nuts", 1), defined(3, "nuts", 3, named), defined(4, "nuts", 2)
    )
    nuts, vips = (await reader.get("/v1/segments")).json()["items"]
    assert nuts == {
        "segment_id": "nuts", "version": 3, "defined_at": "2024-04-30T22:00:03Z", "rule": named,
        "personal": ["identity", "health"],
    }  # fmt: skip
    assert (vips["segment_id"], vips["rule"], vips["personal"]) == ("vips", VIPS, [])
    assert [[each["segment_id"] for each in page] for page in await pages(reader, "/v1/segments", 1)] == [
        ["nuts"],
        ["vips"],
    ]


async def test_runs_are_listed_latest_first_and_told_whole_with_null_for_what_could_not_be_fitted(
    reader: Reader,
) -> None:
    backtest = {"sentence": "52 % right against a base of 34 %; finds 51 %"}
    await reader.given(
        completed(1, "run-1", "2024-01-01T00:00:00Z", parameters={"bg_nbd": PARAMETERS}, backtest=backtest),
        completed(2, "run-2", "2024-03-01T00:00:00+07:00", notes=["fewer than 100 customers came back"]),
        completed(3, "run-3", "2024-02-01T00:00:00Z"),
    )
    listed = await pages(reader, "/v1/analytics/runs", 2)
    assert [[each["run_id"] for each in page] for page in listed] == [["run-2", "run-3"], ["run-1"]]
    run = (await reader.get("/v1/analytics/runs/run-1")).json()
    assert run == listed[1][0]
    assert run["parameters"] == {"bg_nbd": PARAMETERS, "mbg_nbd": None, "gamma_gamma": None}
    assert (run["backtest"]["sentence"], run["cuts"], run["notes"]) == (backtest["sentence"], None, [])
    latest = listed[0][0]
    assert (latest["as_of"], latest["completed_at"]) == ("2024-02-29T17:00:00Z", "2024-04-30T22:00:02Z")
    assert latest["notes"] == ["fewer than 100 customers came back"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/analytics/runs/run-9", 404, "unknown_run"),
        ("/v1/analytics/runs/a%00b", 404, "unknown_run"),
        ("/v1/analytics/runs?as_of=2024-01-01T00:00:00Z", 422, "invalid_parameter"),
        ("/v1/segments?limit=0", 422, "invalid_parameter"),
        ("/v1/segments?cursor=abc", 422, "invalid_cursor"),
    ],
)
async def test_what_is_not_there_and_what_is_not_asked_well_is_told(
    reader: Reader, path: str, status: int, code: str
) -> None:
    answer = await reader.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
