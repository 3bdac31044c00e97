"""Timelines over HTTP: filters, pages, conditional requests, and problems that say what to do."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api_reader import M1, M2, TIMELINE, Reader, migrated_reader
from tests.projecting import purchase


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


async def test_a_page_has_items_and_a_cursor_and_names_its_position(reader: Reader) -> None:
    position = await reader.given(purchase(1), purchase(2), purchase(3))
    answer = await reader.get(limit=2)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["rapport-position"] == position.token()
    assert answer.headers["cache-control"] == "private, no-cache"
    page = answer.json()
    assert [item["event_id"] for item in page["items"]] == ["purchase-3", "purchase-2"]
    rest = (await reader.get(limit=2, cursor=page["next_cursor"])).json()
    assert [item["event_id"] for item in rest["items"]] == ["purchase-1"]
    assert rest["next_cursor"] is None


async def test_customer_and_party_ids_name_the_same_timeline(reader: Reader) -> None:
    await reader.given(purchase(1))
    assert await reader.ids() == await reader.ids(path=f"/v1/customers/{M1}/timeline") == ["purchase-1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"channel": "web"}, ["purchase-2"]),
        ({"type": "purchase.completed"}, ["purchase-3", "purchase-2", "purchase-1"]),
        ({"type": "purchase.refunded"}, []),
        ({"category": "sales", "order": "asc"}, ["purchase-1", "purchase-2", "purchase-3"]),
        ({"from_": "2024-04-30T22:00:02Z"}, ["purchase-3", "purchase-2"]),
        ({"to": "2024-05-01T00:00:02+02:00"}, ["purchase-1"]),
        ({"limit": 1}, ["purchase-3"]),
    ],
)
async def test_filters_order_and_limit_do_as_they_say(
    reader: Reader, query: dict[str, Any], expected: list[str]
) -> None:
    await reader.given(purchase(1), purchase(2, channel="web"), purchase(3), purchase(4, "M2"))
    assert await reader.ids(**query) == expected


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_following_cursors_neither_repeats_nor_skips_while_events_arrive(
    reader: Reader, order: str
) -> None:
    before = [f"purchase-{number}" for number in range(20, 40)]
    await reader.given(*(purchase(number) for number in range(20, 40)))
    seen, arriving = list[str](), iter([*range(5), *range(50, 55)])
    query: dict[str, Any] = {}
    while True:
        page = (await reader.get(limit=6, order=order, **query)).json()
        seen += [item["event_id"] for item in page["items"]]
        query = {"cursor": page["next_cursor"]}
        if page["next_cursor"] is None:
            break
        if (number := next(arriving, None)) is not None:
            await reader.given(purchase(number), purchase(number + 100, "M2"))
    assert len(seen) == len(set(seen))
    there_from_the_first = [each for each in seen if each in before]
    assert there_from_the_first == (before if order == "asc" else before[::-1])


async def test_a_cursor_is_good_for_its_own_list_only(reader: Reader) -> None:
    await reader.given(*(purchase(number, member) for number in range(4) for member in ("M1", "M2")))
    cursor = (await reader.get(limit=1)).json()["next_cursor"]
    other_customer = await reader.get(f"/v1/customers/{M2}/timeline", cursor=cursor)
    other_filter = await reader.get(channel="store", cursor=cursor)
    tampered = await reader.get(cursor=cursor[:-1] + ("A" if cursor[-1] != "A" else "B"))
    for answer in (other_customer, other_filter, tampered):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_customer_whom_no_event_names_is_unknown_even_with_filters(reader: Reader) -> None:
    position = await reader.given(purchase(1, "M2"))
    queries: list[dict[str, Any]] = [{}, {"channel": "web"}]
    for query in queries:
        answer = await reader.get(**query)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")
        assert answer.headers["rapport-position"] == position.token()


@pytest.mark.parametrize(
    "customer", ["cus_short", "cus_" + "A" * 26, "%00" * 30, "x" * 5000, "cus_%F0%9F%92%A3", "cus_%ff"]
)
async def test_what_is_no_id_is_an_unknown_customer(reader: Reader, customer: str) -> None:
    answer = await reader.get(f"/v1/customers/{customer}/timeline")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


async def test_an_answer_that_the_client_holds_is_not_sent_again(reader: Reader) -> None:
    await reader.given(purchase(1), purchase(2))
    first = await reader.get()
    etag = first.headers["etag"]
    assert etag.startswith('"')
    again = await reader.get(headers={"if-none-match": f'"other", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert again.headers["rapport-position"] == first.headers["rapport-position"]
    await reader.given(purchase(3))
    assert (await reader.get(headers={"if-none-match": etag})).status_code == 200


async def test_head_answers_what_get_would_without_the_body(reader: Reader) -> None:
    await reader.given(purchase(1))
    get, head = await reader.get(), await reader.client.head(TIMELINE)
    assert head.status_code == 200
    assert head.content == b""
    assert dict(head.headers) == dict(get.headers)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/customers/", 404, "not_found"),
        ("GET", TIMELINE + "/", 404, "not_found"),
        ("DELETE", TIMELINE, 405, "method_not_allowed"),
        ("GET", "/v1/customers/lookup", 405, "method_not_allowed"),
        ("GET", TIMELINE + "?page=2", 422, "invalid_parameter"),
    ],
)
async def test_every_error_is_a_problem_document(
    reader: Reader, method: str, path: str, status: int, code: str
) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    answer = await reader.client.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"].endswith(trace_id)


async def test_latency_is_counted_by_route_and_never_by_what_clients_invent(reader: Reader) -> None:
    await reader.given(purchase(1))
    for path in (TIMELINE, "/v1/invented", "/v1/customers/lookup"):
        await reader.get(path)
    exposed = (await reader.get("/metrics")).text
    for series in (
        'route="/v1/customers/{id}/timeline",status="200"',
        'route="unmatched",status="404"',
        'route="/v1/customers/lookup",status="405"',
    ):
        assert f"rapport_api_request_seconds_count{{{series}}} 1.0" in exposed
    assert "invented" not in exposed
