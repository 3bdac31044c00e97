"""The recognition card over HTTP: all that staff should know of a customer, and no more than the purpose opens."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from shared.log.port import NewRecord
from shared.metrics import Metrics
from shared.personal_data.key_table import destroy_keys
from shared.personal_data.subject_keys import open_subject_keys
from tests.api_reader import CUSTOMER, M2, Reader, migrated_reader, settings
from tests.credentials import access, key
from tests.identifying import linked, party, seen, unlinked
from tests.projecting import eventually, purchase
from tests.redeeming import Hand
from tests.score_rows import put_scores
from tests.scored_customers import bought as bought_on
from tests.scored_customers import consented
from tests.scored_customers import run as completed_run
from tests.strategies import PARTY_IDS, JsonObject, record_of

PATH = f"/v1/customers/{CUSTOMER}/card"
NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)  # noon in Berlin, where the default programme is at home
M1_NAMED = [{"type": "member", "value": "M1"}]
TOLD: dict[str, Any] = {
    "name": "Ada",
    "salutation": "Ms",
    "language": "th",
    "birthday": "1984-07-04",
    "address": "1 High Street",
    "preferences": {"seat": "window"},
    "dietary": "no nuts",
    "tags": ["regular"],
}


@pytest.fixture
def hand() -> Hand:
    return Hand(NOW)


@pytest.fixture
async def reader(database_url: str, hand: Hand) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url, clock=hand) as made:
        yield made


def event(id_: str, type_: str, time: str, channel: str = "store", **data: Any) -> JsonObject:
    named = {"customer": M1_NAMED, **data}
    return purchase(0, id=id_, type=type_, time=time, channel=channel, data=named)


def told(time: str = "2023-01-01T10:00:00Z", id_: str = "told", **attributes: Any) -> JsonObject:
    return event(id_, "customer.described", time, attributes=attributes)


def visit(time: str, **data: Any) -> JsonObject:
    return event(f"visit-{time}", "interaction.recorded", time, kind="visit", category="sales", **data)


def bought(time: str, order_id: str, *items: tuple[str, int], charge: str = "10.00") -> JsonObject:
    price = {"amount": "1.00", "currency": "EUR"}
    lines = [
        {"sku": sku, "description": sku.title(), "quantity": quantity, "unit_price": price}
        for sku, quantity in items
    ]
    total = {"amount": charge, "currency": "EUR"}
    promised = {"amount": "10.00", "currency": "EUR"}
    return event(
        order_id, "purchase.completed", time, order_id=order_id, total=total, promised_total=promised, lines=lines
    )  # fmt: skip


def consent(purpose: str, *, granted: bool, by: str | None = None) -> JsonObject:
    said = {"customer": M1_NAMED, "purpose": purpose, "granted": granted, "channel": by}
    id_ = f"consent-{purpose}-{by}"
    return purchase(0, id=id_, type="consent.changed", time="2023-01-02T10:00:00Z", data=said)


def complained(time: str = "2026-06-30T03:00:00Z") -> JsonObject:
    said = {"complaint_id": "C-1", "summary": "cold soup", "cause": "other", "severity": "normal"}
    return event("complaint", "complaint.opened", time, "phone", **said)


def to_do(id_: str, due_at: str, **data: Any) -> JsonObject:
    task = {"task_id": id_, "title": f"do {id_}", "due_at": due_at, "assignee": {"person": "kim"}, **data}
    return event(f"task-{id_}", "task.created", "2026-06-01T10:00:00Z", **task)


async def card(reader: Reader, purpose: str = "greeting") -> Any:
    answer = await reader.get(PATH, purpose=purpose)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_guest_gone_three_years_is_known_in_one_call(reader: Reader) -> None:
    position = await reader.given(
        told(**TOLD),
        visit("2023-06-20T12:00:00Z", location="hq/bkk-01", details={"seat": "terrace 4", "guests": 2}),
        bought("2023-06-20T13:00:00Z", "o-1", ("tea", 2), ("cake", 1), ("rice", 5)),
        bought("2023-05-20T13:00:00Z", "o-2", ("tea", 4), ("wine", 1)),
        event(
            "points",
            "loyalty.points_earned",
            "2023-06-21T10:00:00Z",
            account_id="M1",
            points=120,
            reason="welcome",
            expires_at=None,
        ),
        consent("marketing", granted=True),
        consent("marketing", granted=False, by="sms"),
        event(
            "letter",
            "interaction.recorded",
            "2026-05-01T10:00:00Z",
            "mail",
            kind="letter",
            category="marketing",
            direction="outbound",
        ),
        to_do("T-1", "2026-07-02T10:00:00Z"),
    )
    answer = await reader.get(PATH, purpose="greeting")
    assert answer.headers["rapport-position"] == position.token()
    assert answer.json() == {
        "customer_id": CUSTOMER,
        "purpose": "greeting",
        "withheld": ["contact", "health", "free_text"],
        "name": "Ada",
        "salutation": "Ms",
        "language": "th",
        "company": None,
        "tags": ["regular"],
        "preferences": {"seat": "window"},
        "address": None,
        "dietary": None,
        "health_notes": None,
        "tier": "base",
        "available_points": 120,
        "value_tier": None,
        "lifecycle": None,
        "loyalty_type": None,
        "silence": None,
        "scores_reason": "the customer has not consented to profiling",
        "accounts": [{"account_id": "M1", "programme": "circle", "tier": "base", "available_points": 120}],
        "last_visit": {
            "time": "2023-06-20T12:00:00.000000Z",
            "location": "hq/bkk-01",
            "details": {"guests": 2, "seat": "terrace 4"},
            "days_ago": 1107,
            "ago": {"years": 3, "days": 11},
        },
        "lapsed_years": 3,
        "last_contact": {"mail": "2026-05-01T10:00:00.000000Z", "store": "2023-06-20T13:00:00.000000Z"},
        "favourites": [
            {"sku": "tea", "description": "Tea", "quantity": 6},
            {"sku": "rice", "description": "Rice", "quantity": 5},
            {"sku": "cake", "description": "Cake", "quantity": 1},
        ],
        "birthday": {"in_days": 3},
        "open_complaints": [],
        "tasks_due": [
            {
                "task_id": "T-1",
                "complaint_id": None,
                "title": None,
                "due_at": "2026-07-02T10:00:00.000000Z",
                "overdue": False,
            }
        ],
        "price_kept": True,
        "price_not_kept": None,
        "consents": {"marketing": True},
        "consents_by_channel": {"marketing": {"sms": False}},
        "notices": [],
    }


async def test_what_is_not_known_is_null_or_left_out_and_never_zero(reader: Reader) -> None:
    await reader.given(told(language="th"))
    found = await card(reader)
    assert found.pop("language") == "th"
    assert found.pop("withheld") == ["contact", "health", "free_text"], "as for a customer who has such data"
    empty = {name: value for name, value in found.items() if value in ([], {})}
    assert sorted(empty) == [
        "accounts", "consents", "consents_by_channel", "favourites", "last_contact", "notices", "open_complaints",
        "tasks_due",
    ]  # fmt: skip
    others = {name: value for name, value in found.items() if name not in empty}
    assert others.pop("customer_id") == CUSTOMER
    assert others.pop("purpose") == "greeting"
    assert others.pop("scores_reason") == "the customer has not consented to profiling"
    assert set(others.values()) == {None}


@pytest.mark.parametrize(
    ("purpose", "shown", "withheld"),
    [
        ("greeting", {"name", "preferences"}, ["contact", "health", "free_text"]),
        ("ordering", {"name", "preferences", "address"}, ["health", "free_text", "scores"]),
        ("complaint_handling", {"name", "address", "title"}, ["preference", "health", "scores"]),
        ("care", {"name", "dietary"}, ["contact", "preference", "free_text", "scores"]),
    ],
)
async def test_p2_a_purpose_opens_its_categories_and_names_those_that_stay_closed(
    reader: Reader, purpose: str, shown: set[str], withheld: list[str]
) -> None:
    await reader.given(told(**TOLD), to_do("T-1", "2026-07-02T10:00:00Z"))
    found = await card(reader, purpose)
    values = {name: found[name] for name in ("name", "preferences", "address", "dietary")}
    values["title"] = found["tasks_due"][0]["title"]
    assert {name for name, value in values.items() if value is not None} == shown
    assert found["withheld"] == withheld
    assert (found["birthday"] is None) == ("name" not in shown)


async def test_p2_marketing_opens_nothing_of_a_customer_who_did_not_consent(reader: Reader) -> None:
    await reader.given(told(**TOLD))
    found = await card(reader, "marketing")
    assert (found["name"], found["address"], found["birthday"]) == (None, None, None)
    assert found["withheld"] == ["identity", "contact", "preference", "health", "free_text", "scores"]
    assert [each["code"] for each in found["notices"]] == ["no_consent"]
    await reader.given(consent("marketing", granted=True, by="email"))
    found = await card(reader, "marketing")
    assert (found["name"], found["address"], found["withheld"]) == (
        "Ada",
        "1 High Street",
        ["health", "free_text"],
    )
    assert (found["consents"], found["consents_by_channel"]) == ({}, {"marketing": {"email": True}})


async def test_the_last_word_on_an_attribute_counts_whenever_it_arrives(reader: Reader) -> None:
    await reader.given(
        told("2026-02-01T10:00:00Z", "later", name="Bea", language=None, dietary=None),
        told("2026-01-01T10:00:00Z", "earlier", name="Ada", language="th", dietary="no nuts"),
    )
    found = await card(reader)
    assert (found["name"], found["language"]) == ("Bea", None)
    assert (await card(reader, "care"))["dietary"] is None


async def test_a_complaint_and_its_tasks_show_until_they_end(reader: Reader) -> None:
    await reader.given(
        complained(),
        purchase(
            0,
            id="task",
            type="task.created",
            time="2026-06-30T04:00:00Z",
            data={
                "task_id": "T-1",
                "complaint_id": "C-1",
                "title": "call back",
                "due_at": "2026-06-30T09:00:00Z",
                "assignee": {"person": "kim"},
            },
        ),
        to_do("T-2", "2026-07-08T09:59:00Z"),
        to_do("T-3", "2026-07-08T10:01:00Z"),
    )
    found = await card(reader, "complaint_handling")
    [complaint] = found["open_complaints"]
    assert (complaint["complaint_id"], complaint["state"], complaint["overdue"]) == ("C-1", "open", True)
    due_at = datetime.fromisoformat(complaint["next_due_at"])
    assert due_at < NOW
    assert [(each["task_id"], each["title"], each["overdue"]) for each in found["tasks_due"]] == [
        ("T-1", "call back", True),
        ("T-2", "do T-2", False),
    ]
    [notice] = found["notices"]
    assert (notice["code"], notice["about"]) == ("complaint_overdue", {"complaint_id": "C-1"})
    assert notice["detail"] == f"complaint C-1 should have had its answer by {due_at:%Y-%m-%d %H:%M} UTC"

    ended = [
        event("ended", "complaint.withdrawn", "2026-06-30T06:00:00Z", complaint_id="C-1"),
        event("done", "task.completed", "2026-06-30T06:00:00Z", task_id="T-1"),
    ]
    await reader.given(*ended)
    found = await card(reader)
    assert (found["open_complaints"], [each["task_id"] for each in found["tasks_due"]]) == ([], ["T-2"])


async def test_a_price_that_was_not_kept_is_told_with_its_order(reader: Reader) -> None:
    await reader.given(
        bought("2026-06-01T10:00:00Z", "o-1", charge="10.01"),
        bought("2026-06-02T10:00:00Z", "o-2", charge="12.00"),
        bought("2026-06-03T10:00:00Z", "o-3", charge="9.00"),
    )
    found = await card(reader)
    assert found["price_kept"] is False
    assert found["price_not_kept"] == {
        "order_id": "o-2",
        "time": "2026-06-02T10:00:00.000000Z",
        "promised": {"amount": "10.00", "currency": "EUR"},
        "charged": {"amount": "12.00", "currency": "EUR"},
        "orders": 2,
    }
    notices = {each["code"]: each["detail"] for each in found["notices"]}
    assert notices == {"price_not_kept": "order o-2 was charged EUR 12.00 after EUR 10.00 had been promised"}


async def test_anomalies_of_accounts_and_open_complaints_are_told_in_words(reader: Reader) -> None:
    cancelled = {"account_id": "M1", "redemption_id": "r-9", "reason": "changed their mind"}
    await reader.given(
        event("cancelled", "loyalty.redemption_cancelled", "2026-06-01T10:00:00Z", **cancelled),
        complained(),
        event("accepted", "complaint.accepted", "2026-06-30T04:00:00Z", complaint_id="C-1"),
    )
    notices = {each["code"]: each for each in (await card(reader))["notices"]}
    assert notices.keys() == {"complaint_overdue", "unknown_redemption", "not_allowed_in_open"}
    assert notices["unknown_redemption"]["about"] == {"account_id": "M1"}
    assert "r-9" in notices["unknown_redemption"]["detail"]
    assert notices["not_allowed_in_open"]["about"] == {"complaint_id": "C-1"}


async def test_an_account_of_more_lots_than_its_row_holds_is_counted_whole(reader: Reader) -> None:
    granted = [
        event(
            f"grant-{number}",
            "loyalty.points_earned",
            f"2026-06-01T10:{number // 60:02}:{number % 60:02}Z",
            account_id="M1",
            points=10,
            reason="visit",
            expires_at=f"2026-{7 + number % 3:02}-01T00:00:00Z",
        )
        for number in range(150)
    ]
    await reader.given(*granted)
    assert (await card(reader))["available_points"] == 1000  # those of 1 July have lapsed


async def test_today_is_that_of_the_default_programmes_time_zone(reader: Reader, hand: Hand) -> None:
    await reader.given(told(birthday="--07-02"), visit("2026-07-01T10:00:00Z"))
    hand.now = datetime(2026, 7, 1, 21, 59, tzinfo=UTC)
    found = await card(reader)
    assert (found["birthday"], found["last_visit"]["days_ago"]) == ({"in_days": 1}, 0)
    hand.now = datetime(2026, 7, 1, 22, 0, tzinfo=UTC)
    found = await card(reader)
    assert (found["birthday"], found["last_visit"]["days_ago"]) == ({"in_days": 0}, 1)


async def test_a_card_that_the_client_holds_is_not_sent_again(reader: Reader, hand: Hand) -> None:
    await reader.given(told(**TOLD))
    first = await reader.get(PATH, purpose="greeting")
    hand.move(minutes=5)
    again = await reader.get(PATH, headers={"if-none-match": first.headers["etag"]}, purpose="greeting")
    assert again.status_code == 304


async def test_a_card_needs_a_purpose_that_there_is_and_a_customer_that_is_known(reader: Reader) -> None:
    await reader.given(told(**TOLD))
    as_of = {"purpose": "greeting", "as_of": "2026-01-01T00:00:00Z"}
    queries: list[dict[str, Any]] = [{}, {"purpose": "curiosity"}, as_of]
    for query in queries:
        answer = await reader.get(PATH, **query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    answer = await reader.get(f"/v1/customers/{M2}/card", purpose="greeting")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


async def test_i5_a_card_is_of_the_whole_customer_until_the_link_is_revoked(reader: Reader) -> None:
    web = ("external", "web-1")
    by_web = {"customer": [{"type": web[0], "value": web[1]}]}
    await reader.given(
        purchase(1, id="asked", type="interaction.recorded", time="2026-06-01T10:00:00Z", channel="web",
            data={**by_web, "kind": "chat", "category": "enquiry"}),
        purchase(2, id="told", type="customer.described", time="2026-06-02T10:00:00Z",
            data={**by_web, "attributes": {"name": "Ada", "language": "de"}}),
        purchase(3, id="said", type="consent.changed", time="2026-06-02T10:00:00Z",
            data={**by_web, "purpose": "marketing", "granted": False}),
        told("2026-06-01T10:00:00Z", name="A.", salutation="Ms"),
        bought("2026-06-03T10:00:00Z", "o-1", ("tea", 2), ("rice", 1)),
        consent("marketing", granted=True),
        event("points", "loyalty.points_earned", "2026-06-03T10:00:00Z", account_id="M1", points=120, reason="visit"),
    )  # fmt: skip
    apart = await card(reader)
    assert (apart["name"], apart["language"], apart["consents"]) == ("A.", None, {"marketing": True})

    await reader.given(linked(9, ("member", "M1"), web, "link-1"))
    merged = await card(reader)
    assert (merged["name"], merged["salutation"], merged["language"]) == ("Ada", "Ms", "de")
    assert (merged["consents"], merged["available_points"]) == ({"marketing": False}, 130)
    assert merged["last_contact"].keys() == {"store", "web"}
    for any_id in (merged["customer_id"], party(web), PARTY_IDS.of("member", "M1")):
        answer = await reader.get(f"/v1/customers/{any_id}/card", purpose="greeting")
        assert answer.json() == merged
    words = (await reader.get(f"/v1/customers/{party(web)}/consents")).json()["items"]
    assert [each["event_id"] for each in words] == ["said"]

    await reader.given(unlinked(10, "link-1"))
    assert await card(reader) == apart


async def test_i4_a_card_of_a_shared_identifier_says_so(reader: Reader) -> None:
    kiosk = ("phone", "+49301234567")
    await reader.given(*(seen(number, ("member", f"M{number}"), kiosk) for number in (1, 2)), seen(3, kiosk))
    found = (await reader.get(f"/v1/customers/{party(kiosk)}/card", purpose="greeting")).json()
    assert [each["code"] for each in found["notices"]] == ["shared_identifier"]
    assert (await card(reader))["notices"] == []


async def test_p2_a_reader_sees_cards_for_the_purposes_of_their_key_alone(
    database_url: str, hand: Hand
) -> None:
    desk = key("reader", roles=("front_line",))
    async with migrated_reader(database_url, clock=hand, access=access(desk)) as reader:
        await reader.given(told(**TOLD))
        for purpose, status in (("ordering", 200), ("care", 403), ("marketing", 403)):
            answer = await reader.get(PATH, headers=desk.header, purpose=purpose)
            assert answer.status_code == status
            assert status == 200 or answer.json()["code"] == "forbidden_purpose"
            assert status == 200 or "Ada" not in answer.text


async def test_p1_sealed_values_are_opened_and_those_whose_key_is_destroyed_are_absent(
    reader: Reader,
) -> None:
    party = PARTY_IDS.of("member", "M1")
    events = (told(**TOLD), to_do("T-1", "2026-07-02T10:00:00Z"))
    async with open_subject_keys(settings(reader.database_url), Metrics(CollectorRegistry())) as keys:
        cipher = await keys.cipher_of([party])
        async with reader.log.writer() as writer:
            stored = [record_of(each, cipher=cipher) for each in events]
            await writer.append([NewRecord(each.key or b"", each.value or b"") for each in stored])
        await reader.given()
    assert "Ada" not in str(await kept_of(reader))
    found = await card(reader, "complaint_handling")
    assert (found["name"], found["tasks_due"][0]["title"]) == ("Ada", "do T-1")
    assert (await card(reader))["preferences"] == {"seat": "window"}

    connection = await asyncpg.connect(reader.database_url)
    async with connection.transaction():
        await destroy_keys(connection, [party])
    await connection.close()
    found = await eventually(lambda: _without_name(reader))
    assert (found["tasks_due"][0]["title"], found["salutation"]) == (None, "Ms")


async def _without_name(reader: Reader) -> Any:
    found = await card(reader, "complaint_handling")
    return found if found["name"] is None else None


async def kept_of(reader: Reader) -> list[Any]:
    connection = await asyncpg.connect(reader.database_url)
    rows = await connection.fetch("select * from live.profile")
    await connection.close()
    return [tuple(row) for row in rows]


async def test_a_card_tells_value_stage_and_loyalty_and_says_a_silence_in_words(reader: Reader) -> None:
    await reader.given(
        *(bought_on("M1", day) for day in ("2026-01-01", "2026-02-01", "2026-03-01")),
        completed_run(as_of=datetime(2026, 6, 1, tzinfo=UTC)),
    )
    await put_scores(reader.database_url, [])
    reckoned = ("value_tier", "lifecycle", "loyalty_type", "silence", "scores_reason")
    closed = (None, None, None, None, "the customer has not consented to profiling")
    found = await card(reader)
    assert tuple(found[name] for name in reckoned) == closed
    await reader.given(consented("M1", day="2026-06-02"))
    found = await card(reader)
    assert tuple(found[name] for name in reckoned) == (
        "C",
        "declining",
        "unknown",
        {
            "days": 122,
            "usual_gap_days": 29.5,
            "last_purchase": "2026-03-01",
            "reason": "Has not bought for 122 days, and usually comes every 29.5 days.",
        },
        None,
    )
    ordering = await card(reader, "ordering")
    assert tuple(ordering[name] for name in reckoned[:4]) == closed[:4]
    assert "does not open scores" in ordering["scores_reason"]
    await reader.given(bought_on("M1", "2026-06-30"))
    assert (await card(reader))["silence"] is None
