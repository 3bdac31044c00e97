"""`rapport inspect` as a person runs it, a process of its own, against one database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.projections.read_models.declaration import Mergeable
from shared.events.purchase import PurchaseCompleted
from shared.identifiers import customer_id_of
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.identifying import linked, seen
from tests.integration.test_view_commands import Deployment
from tests.projecting import append, projection, purchase, reached, views_given, worker
from tests.strategies import PARTY_IDS

M1 = PARTY_IDS.of("member", "M1")
CUSTOMER = customer_id_of(M1)
EVENTS = 6
_FED_BY_OTHERS = {
    each.name for each in READ_MODELS if isinstance(each.kind, Mergeable) and each.kind.fed_by_others
}
"""Views whose rows the events of one stream key cannot tell."""


@pytest.fixture
async def deployed(database_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    """A deployment where M1 bought three times, an hour apart, and complained."""
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    deployment = Deployment(database_url, tmp_path, connection)
    complaint = purchase(
        4 * 3600,
        type="complaint.opened",
        id="complaint-1",
        data={
            "complaint_id": "c-1",
            "customer": [{"type": "member", "value": "M1"}],
            "summary": "my private words",
            "cause": "other",
            "severity": "low",
        },
    )
    bought = [purchase(number * 3600, f"M{number % 2}") for number in range(EVENTS)]
    position = await append(deployment.log, [*bought, complaint])
    async with worker(projection(database_url, deployment.log)):
        await reached(connection, position)
    yield deployment
    await connection.close()


async def test_a_customer_is_shown_with_its_cases_and_what_readers_see_of_it(deployed: Deployment) -> None:
    found = await deployed.run("inspect", "--customer", CUSTOMER, "--json")
    assert (found.code, found.err) == (0, "")
    answer = found.answer
    assert answer["customer_id"] == CUSTOMER
    assert answer["stream_keys"] == ["complaint:c-1", M1]
    assert [each["event_id"] for each in answer["events"]] == [
        "purchase-18000", "complaint-1", "purchase-10800", "purchase-3600",
    ]  # fmt: skip
    assert answer["event_count"] == 4
    newest = answer["events"][0]
    assert newest["time"] == "2024-05-01T03:00:00Z"
    assert newest["summary"].startswith("Bought")
    of_purchases = [each.name for each in READ_MODELS if PurchaseCompleted in each.consumes]
    assert newest["views"] == dict.fromkeys(of_purchases, "applied")
    for view in answer["views"]:
        assert (view["state"], view["generation"]) == ("live", 1)
        has_rows = view["name"] in {*views_given(purchase(1)), "complaints"} - _FED_BY_OTHERS
        assert (view["live"]["differing"], view["live"]["compared"] > 0, view["note"]) == (0, has_rows, None)
    assert "my private words" not in found.out
    told = await deployed.run("inspect", "--customer", M1)
    assert told.code == 0
    assert f"Customer {M1}" in told.out
    assert "with complaint:c-1" in told.out
    assert told.out.count("The live view agrees") == len(READ_MODELS)
    assert "my private words" not in told.out


async def test_any_party_shows_the_whole_customer_in_order_and_says_which_parties_that_are(
    deployed: Deployment,
) -> None:
    mail = ("email", "anna@example.org")
    position = await append(
        deployed.log,
        [seen(9000, mail), linked(20000, ("member", "M1"), mail, "L1")],
    )
    async with worker(projection(deployed.database_url, deployed.log)):
        await reached(deployed.connection, position)
    for asked in (M1, customer_id_of(PARTY_IDS.of(*mail))):
        found = await deployed.run("inspect", "--customer", asked, "--json")
        assert (found.code, found.err) == (0, "")
        assert (found.answer["customer_id"], found.answer["parties"]) == (CUSTOMER, [M1, PARTY_IDS.of(*mail)])
        assert [each["event_id"] for each in found.answer["events"]] == [
            "e20000", "purchase-18000", "complaint-1", "purchase-10800", "e9000", "purchase-3600",
        ]  # fmt: skip
        assert {each["live"]["differing"] for each in found.answer["views"]} == {0}
    by_then = ("--as-of", "2024-05-01T00:40:00Z")
    told = await deployed.run("inspect", "--customer", PARTY_IDS.of(*mail), *by_then)
    assert f"{CUSTOMER}, of 2 parties: {M1}, {PARTY_IDS.of(*mail)}" in told.out
    assert [told.out.count(each) for each in (" purchase-3600,", " e9000,", " purchase-10800,")] == [1, 1, 0]


async def test_a_time_shows_what_had_happened_or_was_known_by_then(deployed: Deployment) -> None:
    happened = await deployed.run("inspect", "--key", M1, "--as-of", "2024-05-01T01:00:00+02:00", "--json")
    assert [each["event_id"] for each in happened.answer["events"]] == ["purchase-3600"]
    assert happened.answer["as_of"] == "2024-04-30T23:00:00Z"
    [summary] = [each for each in happened.answer["views"] if each["name"] == "customer_summary"]
    assert [each["row"]["events"] for each in summary["rows"]] == [1]
    assert summary["live"] is None
    known = await deployed.run("inspect", "--key", M1, "--known-at", "2024-05-01T11:59:59Z")
    assert known.code == 0
    assert "No event by then." in known.out
    assert "Not compared" in known.out


async def test_more_events_than_asked_for_are_counted_and_the_way_to_them_told(deployed: Deployment) -> None:
    told = await deployed.run("inspect", "--customer", CUSTOMER, "--limit", "2")
    assert "2 of 4 events" in told.out
    assert "`--as-of 2024-05-01T02:00:00Z` goes on from there" in told.out


async def test_a_row_that_was_changed_by_hand_is_told(deployed: Deployment) -> None:
    await deployed.connection.execute(
        "update live.customer_summary set events = events + 1 where subject = $1", M1
    )
    told = await deployed.run("inspect", "--key", M1)
    assert told.code == 0
    assert "1 of 1 rows are not what readers see" in told.out
    assert f"changed in customer_summary: subject={M1}" in told.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "name a customer with --customer ID, or a stream key with --key KEY"),
        (("--customer", CUSTOMER, "--key", M1), 2, "name a customer with --customer ID"),
        (("--customer", "somebody"), 2, "--customer: not a customer or party id"),
        (
            ("--key", M1, "--as-of", "yesterday"),
            2,
            "--as-of: not 'yesterday'; an RFC 3339 time with an offset",
        ),
        (("--key", M1, "--known-at", "2024-05-01T12:00:00"), 2, "--known-at: not '2024-05-01T12:00:00'"),
        (("--key", "task:[bold]"), 1, "no event of stream key task:[bold] was applied; check the id"),
        (("--customer", f"cus_{'a' * 26}"), 1, f"no event of customer cus_{'a' * 26} was applied"),
    ],
)
async def test_what_cannot_be_shown_is_said_with_its_exit_code(
    deployed: Deployment, arguments: tuple[str, ...], code: int, said: Any
) -> None:
    refused = await deployed.run("inspect", *arguments)
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err
