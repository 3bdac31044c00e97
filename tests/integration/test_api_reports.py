"""The reports on all customers over HTTP: satisfaction, the contact centre, what-if."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.projections.analytics.satisfaction import NpsAnswer, nps_by_group
from tests.api_reader import Reader, migrated_reader
from tests.complaining import opened
from tests.projecting import purchase
from tests.strategies import JsonObject

SATISFACTION = "/v1/analytics/satisfaction"
CONTACTS = "/v1/analytics/contact-centre"
NOW = datetime(2026, 8, 31, 12, tzinfo=UTC)
START = datetime(2026, 7, 1, tzinfo=UTC)
JULY: dict[str, Any] = {"from_": "2026-07-01T00:00:00Z", "to": "2026-08-01T00:00:00Z"}
DIMENSIONS = ("reliability", "tangibles", "responsiveness", "assurance", "empathy")


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url, clock=lambda: NOW) as made:
        yield made


def said(number: int, day: float, member: str, type_: str, channel: str = "phone", **data: Any) -> JsonObject:
    named = [{"type": "member", "value": member}]
    time = (START + timedelta(days=day)).isoformat()
    return purchase(number, type=type_, time=time, channel=channel, data={"customer": named, **data})


def answer(number: int, day: float, member: str, score: int, **more: Any) -> JsonObject:
    return said(number, day, member, "feedback.recorded", **{"instrument": "nps", "score": score, **more})


def contact(number: int, day: float, member: str = "M1", **more: Any) -> JsonObject:
    return said(
        number, day, member, "interaction.recorded", **{"kind": "call", "category": "service", **more}
    )


def linked(number: int, one: str, other: str) -> JsonObject:
    pair = [{"type": "member", "value": one}, {"type": "member", "value": other}]
    return said(number, 0, one, "identity.linked", link_id=f"l-{number}", reason="asked", identifiers=pair)


async def test_nps_takes_the_latest_answer_of_a_customer_in_the_time_and_as_of(reader: Reader) -> None:
    await reader.given(
        answer(1, 1, "M1", 10, channel="web"),
        answer(2, 2, "M2", 0, channel="store"),
        answer(3, 3, "M3", 7),
        answer(4, 40, "M3", 0),
        linked(5, "M1", "M2"),
    )

    async def nps(**query: Any) -> tuple[int, ...]:
        [item] = (await reader.get(SATISFACTION, **query)).json()["items"]
        return tuple(item["nps"][name] for name in ("promoters", "passives", "detractors"))

    assert await nps() == (0, 0, 2)
    assert await nps(**JULY) == (0, 1, 1)
    assert await nps(**JULY, as_of="2026-07-02T12:00:00Z") == (1, 0, 0)
    assert await nps(**JULY, as_of="2026-06-01T00:00:00Z") == (0, 0, 0)
    by_channel = (await reader.get(SATISFACTION, **JULY, by="channel")).json()
    assert [(each["channel"], each["nps"]["customers"]) for each in by_channel["items"]] == [
        ("phone", 1),
        ("store", 1),
    ]
    assert by_channel["left_out"] == 0


async def test_as_of_any_time_the_report_is_that_of_the_answers_given_until_then(reader: Reader) -> None:
    chance = random.Random(11)
    given = [
        (
            chance.randrange(30),
            f"M{chance.randrange(6)}",
            chance.randrange(11),
            chance.choice(["web", "store"]),
        )
        for _ in range(40)
    ]
    events = [
        answer(number, day, member, score, channel=channel)
        for number, (day, member, score, channel) in enumerate(given)
    ]
    chance.shuffle(events)
    await reader.given(*events, linked(100, "M0", "M1"), linked(101, "M3", "M1"))
    alone = {"M1": "M0", "M3": "M0"}
    answers = [
        NpsAnswer(member, START + timedelta(days=day), f"purchase-{number}", score, channel)
        for number, (day, member, score, channel) in enumerate(given)
    ]
    for day in (0, 1, 5, 12, 20, 29):
        as_of = START + timedelta(days=day)
        known = [each for each in answers if each.time <= as_of]
        expected = nps_by_group(known, lambda member: alone.get(member, member))
        report = (await reader.get(SATISFACTION, **JULY, by="channel", as_of=as_of.isoformat())).json()
        assert {each["channel"]: each["nps"] for each in report["items"]} == {
            group: counted.figures() for group, counted in expected.items()
        }


async def test_csat_and_service_quality_are_what_plain_arithmetic_comes_to(reader: Reader) -> None:
    chance = random.Random(4)
    scores = [chance.randrange(1, 6) for _ in range(30)]
    perceived = [{name: chance.randrange(1, 8) for name in DIMENSIONS} for _ in range(12)]
    expected = [{name: chance.randrange(1, 8) for name in DIMENSIONS} for _ in range(8)]
    events = [
        answer(number, number / 2, f"M{number % 3}", score, instrument="csat")
        for number, score in enumerate(scores)
    ]
    for number, given in enumerate(perceived):
        data: dict[str, Any] = {"instrument": "servqual", "scores": given}
        data |= {"expectations": expected[number]} if number < len(expected) else {}
        events.append(said(100 + number, 2, "M1", "feedback.recorded", **data))
    await reader.given(*events)
    [item] = (await reader.get(SATISFACTION, **JULY)).json()["items"]
    assert item["csat"] == {
        "answers": 30,
        "satisfied": sum(score >= 4 for score in scores),
        "share": pytest.approx(sum(score >= 4 for score in scores) / 30, abs=1e-6),
        "mean": pytest.approx(sum(scores) / 30, abs=1e-6),
    }
    servqual, servperf = item["service_quality"]
    assert (servqual["label"], servqual["answers"]) == ("SERVQUAL", 8)
    assert (servperf["label"], servperf["answers"]) == ("SERVPERF", 4)
    gaps = {
        name: sum(one[name] - other[name] for one, other in zip(perceived, expected, strict=False)) / 8
        for name in DIMENSIONS
    }
    assert {each["dimension"]: each["gap"] for each in servqual["dimensions"]} == pytest.approx(
        gaps, abs=1e-6
    )
    assert servqual["gap"] == pytest.approx(sum(gaps.values()) / 5, abs=1e-6)
    assert {each["gap"] for each in servperf["dimensions"]} == {None}


async def test_a_time_in_the_future_and_an_unknown_grouping_are_refused(reader: Reader) -> None:
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"as_of": "2026-09-01T00:00:00Z"}, "in the future; it is 2026-08-31T12:00:01Z now"),
        ({"by": "mood"}, "not 'mood'; one of channel, location, staff, about"),
        ({"from_": "2026-08-01T00:00:00Z", "to": "2026-07-01T00:00:00Z"}, "before from"),
    ]
    for query, reason in refusals:
        refused = await reader.get(SATISFACTION, **query)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_parameter")
        assert reason in refused.json()["detail"]
    assert (await reader.get(CONTACTS, **JULY, by="time,mood")).status_code == 422
    assert (await reader.get(CONTACTS, **JULY, by="time,time")).status_code == 422
    assert (await reader.get(CONTACTS, by="time")).status_code == 422


async def test_contacts_are_added_up_by_what_is_named_and_their_matters_followed(reader: Reader) -> None:
    talk = {"conversation_id": "c-1"}
    await reader.given(
        contact(1, 0, duration_seconds=60, location="hq/a/1", direction="inbound"),
        contact(2, 0.001, "M2", duration_seconds=30, location="hq/a/2"),
        contact(3, 0.002, "M3", location="hq/ab", channel="chat"),
        contact(4, 3, "M3", location="hq/ab", channel="chat"),
        contact(5, 1, "M4", direction="outbound", category="marketing", details={"campaign": "x"}),
        *(contact(10 + number, 28 + 6 * number, "M5", **talk) for number in range(4)),
        contact(20, 52, "M5"),
        {**opened("09:00", "C-1"), "time": "2026-07-05T00:00:00Z"},
        contact(30, 29, "M6"),
        linked(31, "M6", "M7"),
        contact(32, 30, "M7"),
    )
    whole = (await reader.get(CONTACTS, **JULY)).json()
    assert whole["items"] == [
        {"contacts": 8, "duration_seconds": 90, "with_duration": 2, "mean_duration_seconds": 45}
    ]
    # Of M1 and C-1, M3's second call, M5's fourth after a long conversation, and M6 who is M7: only M2's was enough.
    assert whole["first_contact"] == {"matters": 5, "settled": 1, "pending": 0, "share": 0.2}
    assert whole["first_contact_by"] == []
    by = (await reader.get(CONTACTS, **JULY, by="time,location", depth=2, location="hq/a")).json()
    assert by["items"] == [
        {
            "time": "2026-07-01T00:00:00Z",
            "location": "hq/a",
            "contacts": 2,
            "duration_seconds": 90,
            "with_duration": 2,
            "mean_duration_seconds": 45,
        }
    ]
    assert by["first_contact_by"] == [
        {"location": "hq/a", "matters": 2, "settled": 1, "pending": 0, "share": 0.5}
    ]
    by = (await reader.get(CONTACTS, **JULY, by="channel,direction")).json()
    assert [(each["channel"], each["direction"], each["contacts"]) for each in by["items"]] == [
        ("phone", None, 4),
        ("chat", None, 2),
        ("phone", "inbound", 1),
        ("phone", "outbound", 1),
    ]


async def test_a_matter_is_pending_for_seven_days(reader: Reader) -> None:
    await reader.given(contact(1, 58), contact(2, 20, "M2"))
    answer = (await reader.get(CONTACTS, from_="2026-07-01T00:00:00Z", to="2026-09-30T00:00:00Z")).json()
    assert answer["first_contact"] == {"matters": 1, "settled": 1, "pending": 1, "share": 1}


async def test_what_if_answers_what_is_asked_with_its_assumptions(reader: Reader) -> None:
    asked: dict[str, Any] = {
        "lost_customers": {"weekly_spend": {"amount": "40.00", "currency": "EUR"}, "years": 30},
        "rivals": {"customers": 100, "lost": 5},
    }
    answer = await reader.client.post("/v1/analytics/what-if", json=asked)
    assert answer.status_code == 200
    assert answer.headers["rapport-position"]
    assert answer.json() == {
        "lost_customers": {
            **asked["lost_customers"],
            "lost": 1,
            "revenue_a_year": {"amount": "2080.00", "currency": "EUR"},
            "revenue": {"amount": "62400.00", "currency": "EUR"},
        },
        "growth": None,
        "rivals": {"customers": 100, "lost": 5, "left": 95, "rival": 105, "profit_ratio": 1.10526},
    }
    refused = await reader.client.post("/v1/analytics/what-if", json={})
    assert (refused.status_code, refused.json()["code"]) == (422, "schema_violation")
