"""Who is in a segment: counted before listed, as of a time, named once and only to who may know."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.projections.analytics.win_back import in_control
from services.projections.audiences import segment_members
from shared.identifiers import customer_id_of
from tests.api_reader import Reader, migrated_reader
from tests.credentials import access, key
from tests.identifying import linked, party
from tests.integration.test_api_segments import defined
from tests.projecting import purchase
from tests.redeeming import Hand
from tests.score_rows import put_scores
from tests.scored_customers import AS_OF, bought, consented, run
from tests.strategies import JsonObject

ANALYST = key("reader", roles=("analyst",))
MARKETING = key("reader", roles=("marketing",))
BOTH = key("reader", roles=("marketing", "analyst"))
OFFICER = key("reader", roles=("privacy_officer",))
MEMBERS = ("M1", "M2", "M3", "M4")
BOUGHT = {"score": "purchase_days", "at_least": 2}


def customer(member: str) -> str:
    return customer_id_of(party(("member", member)))


def row(member: str, days: int, **more: Any) -> dict[str, Any]:
    its = party(("member", member))
    return {
        "party": its,
        "parties": [its],
        "purchase_days": days,
        "profiled": True,
        "lifecycle": "mature",
    } | more


def described(member: str, **attributes: Any) -> JsonObject:
    data = {"customer": [{"type": "member", "value": member}], "attributes": attributes}
    return purchase(1, id=f"d-{member}", type="customer.described", data=data)


@pytest.fixture
def hand() -> Hand:
    return Hand(AS_OF)


@pytest.fixture
async def reader(database_url: str, hand: Hand) -> AsyncIterator[Reader]:
    keys = access(ANALYST, MARKETING, BOTH, OFFICER)
    async with migrated_reader(database_url, access=keys, clock=hand) as made:
        days = {
            "M1": ("2024-01-01", "2024-02-01"),
            "M2": ("2024-01-01", "2024-03-01", "2024-05-01"),
            "M3": ("2024-05-01",),
        }
        await made.given(run(), *(bought(each, day) for each, some in days.items() for day in some))
        await made.given(*(consented(each) for each in ("M1", "M2", "M3")), bought("M4", "2024-01-01"))
        await made.given(bought("M4", "2024-02-02"), defined(1, "s", rule=BOUGHT))
        await put_scores(
            database_url, [row(each, days) for each, days in (("M1", 2), ("M2", 3), ("M3", 1), ("M4", 2))]
        )
        yield made


def path(segment: str = "s") -> str:
    return f"/v1/segments/{segment}/customers"


async def listed(reader: Reader, who: Any = ANALYST, segment: str = "s", **query: Any) -> Any:
    answer = await reader.get(path(segment), who.header, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def names(reader: Reader, who: Any = ANALYST, segment: str = "s", **query: Any) -> set[str]:
    """The members that the list names, over all pages, none of them twice."""
    member_of = {customer(each): each for each in MEMBERS}
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await listed(reader, who, segment, **query, **cursor)
        found += [member_of[each["customer_id"]] for each in page["items"]]
        if page["next_cursor"] is None:
            assert len(set(found)) == len(found)
            return set(found)
        cursor = {"cursor": page["next_cursor"]}


async def test_a_segment_is_counted_before_it_is_listed_and_the_count_stays_with_its_pages(
    reader: Reader,
) -> None:
    first = await listed(reader, limit=1)
    assert (first["segment_id"], first["version"], first["as_of"]) == ("s", 1, "2024-06-01T00:00:00Z")
    assert (first["count"]["customers"], first["count"]["left_out"]) == (2, 1)
    position = await reader.given(defined(2, "s", 2, {"score": "purchase_days", "is": 1}))
    second = await listed(reader, limit=1, cursor=first["next_cursor"])
    assert second["count"] == first["count"], "it is that of the first page"
    assert (second["version"], second["as_of"]) == (1, first["as_of"])
    named = {each["customer_id"] for page in (first, second) for each in page["items"]}
    assert named == {customer("M1"), customer("M2")}
    anew = await listed(reader)
    assert (anew["version"], anew["count"]["customers"], anew["count"]["position"]) == (
        2,
        1,
        position.token(),
    )
    [item] = anew["items"]
    assert (item["customer_id"], item["lifecycle"], item["tier"]) == (customer("M3"), "new", "C")
    assert item["clv"]["currency"] == "EUR"


@pytest.mark.parametrize(
    ("rule", "members"),
    [
        ({"all": [BOUGHT, {"consent": "marketing", "is": True}]}, {"M2"}),
        (
            {"any": [{"consent": "marketing", "known": False}, {"score": "purchase_days", "is": 3}]},
            {"M1", "M2", "M3"},
        ),
        ({"not": {"profile": "language", "is": "th"}}, {"M2", "M3"}),
        (
            {"all": [{"profile": "language", "is": "th"}, {"not": {"score": "purchase_days", "is": 1}}]},
            {"M1"},
        ),
        ({"score": "last_purchase", "since": {"ago": {"months": 2}}}, {"M2", "M3"}),
    ],
)
async def test_rules_over_scores_profile_and_consent_are_counted_and_listed_alike(
    reader: Reader, rule: Any, members: set[str]
) -> None:
    await reader.given(
        consented("M2", "marketing"), described("M1", language="th"), described("M4", language="th"),
        defined(5, "r", rule=rule),
    )  # fmt: skip
    last = {"M1": (2, 1), "M2": (5, 1), "M3": (5, 1), "M4": (2, 2)}
    days = {"M1": 2, "M2": 3, "M3": 1, "M4": 2}
    await put_scores(
        reader.database_url,
        [row(each, days[each], last_purchase=datetime(2024, *last[each]).date()) for each in MEMBERS],  # noqa: DTZ001
    )
    assert await names(reader, segment="r") == await names(reader, segment="r", limit=1) == members
    assert (await listed(reader, segment="r"))["count"]["customers"] == len(members)


async def test_as_of_another_time_everything_is_computed_anew_for_bases_that_are_not_too_large(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, hand: Hand
) -> None:
    hand.now = datetime(2024, 8, 1, tzinfo=UTC)
    await reader.given(bought("M3", "2024-07-01"))
    assert await names(reader, as_of="2024-02-15T00:00:00Z") == {"M1"}
    assert await names(reader, as_of="2024-07-15T00:00:00Z") == {"M1", "M2", "M3"}
    assert (await listed(reader, as_of="2023-01-01T00:00:00Z"))["count"]["customers"] == 0
    monkeypatch.setattr(segment_members, "MOST_RECOMPUTED", 2)
    answer = await reader.get(path(), ANALYST.header, as_of="2024-02-15T00:00:00Z")
    assert (answer.status_code, answer.json()["code"]) == (422, "segment_too_large")
    assert "without as_of" in answer.json()["detail"]


async def test_consent_revoked_and_customers_merged_since_the_run_are_seen_by_list_and_count(
    reader: Reader,
) -> None:
    await reader.given(consented("M1", granted=False, day="2024-05-30"))
    page = await listed(reader)
    assert (page["count"]["customers"], page["count"]["left_out"]) == (1, 2)
    assert await names(reader) == {"M2"}
    await reader.given(consented("M4"), linked(1, ("member", "M2"), ("member", "M4"), "L1"))
    ids = [each["customer_id"] for each in (await listed(reader))["items"]]
    assert len(ids) == len(set(ids)) == 1
    assert ids[0] in {customer("M2"), customer("M4")}


async def test_a_rule_on_personal_data_takes_a_purpose_that_opens_them_and_the_read_is_recorded(
    reader: Reader,
) -> None:
    await reader.given(
        described("M1", name="Ada", dietary="nuts"), described("M2", name="Ada"), described("M3", name="Ben"),
        consented("M1", "marketing"), consented("M3", "marketing"),
        defined(5, "ada", rule={"profile": "name", "is": "Ada"}),
        defined(6, "nuts", rule={"not": {"profile": "dietary", "known": True}}),
    )  # fmt: skip
    for segment, who in (("ada", ANALYST), ("nuts", MARKETING)):
        refused = await reader.get(path(segment), who.header)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_purpose")
        assert "does not open; name one that does" in refused.json()["detail"]
        assert "customer_id" not in refused.text
    assert await names(reader, MARKETING, "ada") == {"M1"}
    assert await names(reader, BOTH, "ada", for_="outreach") == {"M1"}
    control = next(f"c-{n}" for n in range(99) if in_control(party(("member", "M1")), f"c-{n}"))
    assert await names(reader, BOTH, "ada", for_="outreach", campaign=control) == set()
    records = (await reader.get("/v1/access-records", OFFICER.header)).json()["items"]
    assert {(each["customer"], *each["categories"]) for each in records} == {
        (customer("M1"), "identity", "scores")
    }


async def test_personal_data_are_opened_of_so_many_alone(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_members, "MOST_OPENED", 1)
    await reader.given(
        *(described(each, name="Ada") for each in ("M1", "M2")),
        *(consented(each, "marketing") for each in ("M1", "M2")),
        defined(5, "ada", rule={"profile": "name", "is": "Ada"}),
        defined(6, "one", rule={"all": [{"score": "purchase_days", "is": 2}, {"profile": "name", "is": "Ada"}]}),
    )  # fmt: skip
    assert await names(reader, MARKETING, "one") == {"M1"}
    answer = await reader.get(path("ada"), MARKETING.header)
    assert (answer.status_code, answer.json()["code"]) == (422, "segment_too_large")
    assert "ask for scores first" in answer.json()["detail"]


async def test_an_unknown_segment_a_time_ahead_and_a_cursor_of_another_run_are_refused(
    reader: Reader,
) -> None:
    cursor = (await listed(reader, limit=1))["next_cursor"]
    await reader.given(run("run-2"))
    await put_scores(reader.database_url, [row("M1", 2)], "run-2")
    for segment, query, status, code in (
        ("t", {}, 404, "unknown_segment"),
        ("s", {"as_of": "2024-06-01T00:00:01Z"}, 422, "invalid_parameter"),
        ("s", {"cursor": cursor}, 422, "invalid_cursor"),
    ):
        answer = await reader.client.get(path(segment), params=query, headers=ANALYST.header)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_stored_and_computed_scores_answer_alike(reader: Reader) -> None:
    """What SQL leaves out, nobody would have named."""
    values = {"M1": Decimal("12.5"), "M2": Decimal("12.4999"), "M3": None, "M4": Decimal(0)}
    await put_scores(
        reader.database_url,
        [
            row(each, 2, clv=values[each], p_alive=0.7, usual_gap_days=None, tier="A")
            for each in MEMBERS
        ],
    )  # fmt: skip
    expected = {
        1: {"score": "clv", "at_least": "12.5"},
        2: {"score": "clv", "at_least": "12.4999"},
        3: {
            "all": [
                {"score": "p_alive", "at_most": 0.7, "at_least": 0.7},
                {"score": "usual_gap_days", "known": False},
            ]
        },
        0: {
            "any": [
                {"score": "p_alive", "above": 0.7},
                {"score": "tier", "in": ["B", "VIP"]},
                {"score": "r", "is": 1},
            ]
        },
    }
    for count, rule in expected.items():
        await reader.given(defined(10 + count, f"r-{count}", rule=rule))
        told = (await listed(reader, segment=f"r-{count}"))["count"]
        assert told["customers"] == count, rule
