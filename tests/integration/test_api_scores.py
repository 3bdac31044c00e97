"""A customer's scores over HTTP: from what, as of when, to whom, and why there are none."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api_reader import CUSTOMER, Reader, migrated_reader
from tests.credentials import access, key
from tests.identifying import linked
from tests.projecting import purchase
from tests.redeeming import Hand
from tests.score_rows import put_scores
from tests.scored_customers import AS_OF, bought, consented, run

ROUTE = f"/v1/customers/{CUSTOMER}/scores"
ANALYST = key("reader", roles=("analyst",))
DESK = key("reader", roles=("front_line",))
MARKETING = key("reader", roles=("marketing",))
OFFICER = key("reader", roles=("privacy_officer",))


@pytest.fixture
def hand() -> Hand:
    return Hand(AS_OF)


@pytest.fixture
async def reader(database_url: str, hand: Hand) -> AsyncIterator[Reader]:
    keys = access(ANALYST, DESK, MARKETING, OFFICER)
    async with migrated_reader(database_url, access=keys, clock=hand) as made:
        await made.given(
            *(bought("M1", f"2024-0{month}-01") for month in (1, 2, 3)), bought("M2", "2024-05-20")
        )
        yield made


async def scores(reader: Reader, who: Any = ANALYST, route: str = ROUTE, **query: Any) -> Any:
    answer = await reader.get(route, who.header, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def completed(reader: Reader) -> None:
    await reader.given(run(), consented("M1"))
    await put_scores(reader.database_url, [])


async def test_scores_come_with_inputs_and_with_reasons_in_words(reader: Reader) -> None:
    await completed(reader)
    told = await scores(reader)
    assert (told["run_id"], told["run_as_of"], told["as_of"]) == (
        "run-1",
        "2024-06-01T00:00:00Z",
        "2024-06-01T00:00:00Z",
    )
    assert (told["purpose"], told["withheld"], told["reason"]) == ("analysis", [], None)
    assert [each["day"] for each in told["inputs"]["days"]] == ["2024-01-01", "2024-02-01", "2024-03-01"]
    shown = told["scores"]
    assert shown["monetary"] == {"amount": "37.5", "currency": "EUR"}
    assert shown["margin_12m"] == {"amount": "18.75", "currency": "EUR"}
    assert (shown["recency_days"], shown["usual_gap_days"], shown["x"]) == (92, 30, 2)
    assert (shown["r"], shown["f"], shown["m"], shown["tier"]) == (1, 3, 4, "C")
    assert 0.4 < shown["p_alive"] < 0.5
    assert shown["silent_from"] < "2024-06-01"
    assert (shown["lifecycle"], shown["is_out_of_rhythm"]) == ("declining", True)
    assert "Has not bought for 92 days, and usually comes every 30 days." in told["why"]


async def test_what_happened_later_than_asked_for_is_not_known_then(reader: Reader) -> None:
    await completed(reader)
    early = await scores(reader, as_of="2024-02-10T00:00:00Z")
    assert (early["scores"]["purchase_days"], early["scores"]["lifecycle"]) == (2, "new")
    before = await scores(reader, as_of="2023-12-31T00:00:00Z")
    assert (before["scores"]["lifecycle"], before["scores"]["p_alive"]) == ("prospect", None)
    assert before["why"] == ["Has not bought anything yet."]
    ahead = await reader.get(ROUTE, ANALYST.header, as_of="2024-06-01T00:00:01Z")
    assert (ahead.status_code, ahead.json()["code"]) == (422, "invalid_parameter")
    assert "ahead of now, which is 2024-06-01T00:00:00Z" in ahead.json()["detail"]


async def test_merged_customers_are_scored_together_and_a_day_counts_once(reader: Reader) -> None:
    await completed(reader)
    await reader.given(bought("M2", "2024-03-01"), linked(9, ("member", "M1"), ("member", "M2"), "L1"))
    told = await scores(reader)
    assert (told["scores"]["purchase_days"], told["scores"]["monetary"]["amount"]) == (4, "62.5")
    assert [each["orders"] for each in told["inputs"]["days"]] == [1, 1, 2, 1]


async def test_without_a_run_without_consent_and_after_its_end_there_are_none_and_it_says_why(
    reader: Reader,
) -> None:
    assert "no scoring run" in (await scores(reader))["reason"]
    await reader.given(run())
    await put_scores(reader.database_url, [])
    for word, reason in (
        (None, "the customer has not consented to profiling"),
        (consented("M1"), None),
        (consented("M1", granted=False, day="2024-02-02"), "the customer has not consented to profiling"),
    ):
        if word is not None:
            await reader.given(word)
        told = await scores(reader)
        assert told["reason"] == reason
        assert (
            (told["scores"] is None)
            == (told["inputs"] is None)
            == (told["why"] == [])
            == (reason is not None)
        )


async def test_the_purpose_decides_and_every_read_that_shows_scores_is_on_record(reader: Reader) -> None:
    await completed(reader)
    assert (await scores(reader, DESK))["purpose"] == "greeting"
    ordering = await scores(reader, DESK, purpose="ordering")
    assert (ordering["scores"], ordering["withheld"]) == (None, ["scores"])
    assert ordering["reason"] == "the purpose ordering does not open scores"
    assert (await scores(reader, MARKETING))["reason"] == "the customer has not consented to marketing"
    await reader.given(consented("M1", "marketing"))
    assert (await scores(reader, MARKETING))["scores"] is not None
    refused = await reader.get(ROUTE, ANALYST.header, purpose="greeting")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_purpose")
    records = (await reader.get("/v1/access-records", OFFICER.header)).json()["items"]
    assert sorted(each["purpose"] for each in records) == ["greeting", "marketing"]
    assert {(each["customer"], each["call"], *each["categories"]) for each in records} == {
        (CUSTOMER, "/v1/customers/{id}/scores", "scores")
    }


async def test_a_customer_whom_nobody_knows_is_told_so(reader: Reader) -> None:
    await reader.given(purchase(1))
    answer = await reader.get(ROUTE.replace(CUSTOMER, "cus_" + "a" * 26), ANALYST.header)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")
