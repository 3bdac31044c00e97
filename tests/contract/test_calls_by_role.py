"""Which call is open to which role: every call of the document, every role."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from services.api.access.calls import CALLS
from services.api.access.roles import ROLES
from shared.credentials.access import Access
from tests.api_reader import CUSTOMER, Reader, migrated_reader
from tests.complaining import created, opened
from tests.credentials import access, key
from tests.projecting import purchase
from tests.redeeming import grant

NEEDS_NO_KEY = {"/healthz", "/metrics", "/readyz"}
EVERY_DESK = {"front_line", "loyalty_desk", "case_handler", "care", "marketing", "operator"}
POINTS = EVERY_DESK - {"care"}
ACCOUNT = "/v1/loyalty/accounts/{account_id}"
HOLD = ACCOUNT + "/holds/{hold_id}"

ROLES_OF_CALLS = {
    "POST /v1/customers/lookup": EVERY_DESK | {"privacy_officer"},
    "GET /v1/customers/{id}": EVERY_DESK | {"privacy_officer"},
    "GET /v1/customers/{id}/timeline": EVERY_DESK | {"privacy_officer"},
    "GET /v1/customers/{id}/card": EVERY_DESK | {"privacy_officer"},
    "GET /v1/customers/{id}/consents": EVERY_DESK | {"privacy_officer"},
    "GET /v1/customers/{id}/scores": {"front_line", "loyalty_desk", "marketing", "analyst"},
    "GET /v1/customers/at-risk": {"marketing", "analyst"},
    "GET /v1/customers/{id}/loyalty": POINTS,
    "GET /v1/customers/{id}/complaints": {"case_handler", "operator"},
    "GET /v1/customers/{id}/tasks": {"front_line", "case_handler", "care", "operator"},
    "GET /v1/loyalty/accounts": POINTS,
    f"GET {ACCOUNT}": POINTS,
    f"GET {ACCOUNT}/entries": POINTS,
    f"GET {ACCOUNT}/redemptions/{{redemption_id}}": POINTS,
    f"GET {HOLD}": POINTS,
    f"POST {ACCOUNT}/redemptions": {"loyalty_desk"},
    f"POST {ACCOUNT}/holds": {"loyalty_desk"},
    f"POST {HOLD}/capture": {"loyalty_desk"},
    f"POST {HOLD}/release": {"loyalty_desk"},
    "GET /v1/loyalty/settlement": {"analyst", "operator"},
    "GET /v1/complaints": {"case_handler", "operator"},
    "GET /v1/complaints/report": {"analyst", "operator"},
    "GET /v1/complaints/{complaint_id}": {"case_handler", "operator"},
    "GET /v1/complaints/{complaint_id}/history": {"case_handler", "operator"},
    "GET /v1/analytics/runs": {"marketing", "analyst", "operator"},
    "GET /v1/analytics/runs/{run_id}": {"marketing", "analyst", "operator"},
    "GET /v1/analytics/distributions": {"marketing", "analyst", "operator"},
    "GET /v1/customers/{id}/recommendations": {"front_line", "loyalty_desk", "marketing", "analyst"},
    "GET /v1/analytics/satisfaction": {"marketing", "analyst", "operator"},
    "GET /v1/analytics/contact-centre": {"marketing", "analyst", "operator"},
    "GET /v1/analytics/winback": {"marketing", "analyst", "operator"},
    "POST /v1/analytics/what-if": {"marketing", "analyst", "operator"},
    "GET /v1/segments/{segment_id}/customers": {"marketing", "analyst"},
    "GET /v1/segments": {"marketing", "analyst", "operator"},
    "GET /v1/access-records": {"privacy_officer"},
    "GET /v1/arrivals": EVERY_DESK | {"privacy_officer"},
    "GET /v1/live": EVERY_DESK | {"privacy_officer"},
    "GET /v1/tasks": {"front_line", "case_handler", "care", "operator"},
    "GET /v1/identity/shared": {"operator", "privacy_officer"},
    "GET /v1/operations/views": {"operator"},
    "GET /v1/operations/views/{name}": {"operator"},
    "GET /v1/operations/parked": {"operator"},
    "GET /v1/operations/events": {"operator"},
    "GET /v1/operations/events/{partition}/{offset}": {"operator"},
    "GET /v1/operations/tail": {"operator"},
    "GET /v1/operations/parked/count": {"operator"},
    "GET /v1/operations/jobs": {"operator"},
    "POST /v1/operations/jobs": {"operator"},
    "GET /v1/operations/jobs/{number}": {"operator"},
}
"""What each call is open to, by hand: a new call fails these tests until somebody decides whose it is."""

KEYS = {role: key("reader", roles=(role,)) for role in ROLES} | {
    "no role": key("reader", roles=()),
    "a sender": key("source", prefixes=("/",)),
    "an unknown role": key("reader", roles=("king",)),
}
PLACES = {
    "id": CUSTOMER,
    "account_id": "M1",
    "complaint_id": "C-1",
    "redemption_id": "r",
    "hold_id": "h",
    "run_id": "run-1",
    "segment_id": "s",
    "name": "timeline",
    "number": "1",
    "partition": "0",
    "offset": "0",
}


@pytest.fixture(scope="module")
def by_role() -> Access:
    return access(*KEYS.values())


@pytest.fixture
async def reader(database_url: str, by_role: Access) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url, access=by_role) as made:
        await made.given(purchase(1), grant(100), opened("09:00"), created("10:00", complaint_id="C-1"))
        yield made


async def ask(reader: Reader, call: str, headers: Mapping[str, str]) -> Any:
    """The answer to a call. Those that would change something carry nothing, and are refused for that."""
    method, path = call.split(" ")
    return await reader.client.request(method, path.format(**PLACES), headers=headers)


async def test_every_call_is_open_to_the_roles_it_is_for_and_to_no_others(reader: Reader) -> None:
    document = (await reader.get("/openapi.json")).json()
    calls = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if path not in NEEDS_NO_KEY
    }
    assert calls == set(ROLES_OF_CALLS), "list a new call here, with the roles that it is for"
    assert calls <= {f"{method} {route}" for method, route in CALLS}
    for call, roles in ROLES_OF_CALLS.items():
        assert (await ask(reader, call, {})).json()["code"] == "unauthorized", call
        for role, each in KEYS.items():
            answer = await ask(reader, call, each.header)
            if role in roles:
                assert answer.status_code not in (401, 403), (call, role, answer.text)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_call"), (call, role)


async def test_a_head_request_is_judged_like_a_get_and_what_is_nowhere_is_404_to_who_came_in(
    reader: Reader,
) -> None:
    analyst, desk = KEYS["analyst"].header, KEYS["front_line"].header
    timeline = f"/v1/customers/{CUSTOMER}/timeline"
    assert (await reader.client.head(timeline, headers=analyst)).status_code == 403
    assert (await reader.client.head(timeline, headers=desk)).status_code == 200
    assert (await reader.client.head("/v1/complaints/C-1", headers=desk)).status_code == 403
    assert (await reader.client.get("/v1/nowhere", headers=desk)).json()["code"] == "not_found"
    assert (await reader.client.get("/v1/nowhere")).json()["code"] == "unauthorized"
    assert (await reader.client.get("/v1/customers/lookup", headers=desk)).status_code == 405


async def test_probes_and_descriptions_need_no_key(reader: Reader) -> None:
    for path in (*NEEDS_NO_KEY, "/openapi.json"):
        assert (await reader.client.get(path)).status_code == 200


async def test_limits_are_told_on_every_answer_of_the_api_too(database_url: str) -> None:
    limited = key("reader", roles=("front_line",), requests_per_minute=3)
    async with migrated_reader(database_url, access=access(limited)) as asked:
        paths = ("/v1/tasks", "/v1/complaints", f"/v1/customers/{CUSTOMER}/timeline", "/v1/tasks")
        answers = [await asked.get(path, headers=limited.header) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 403, 404, 429]
    assert [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers] == [
        '"credential";r=2', '"credential";r=1', '"credential";r=0', '"credential";r=0',
    ]  # fmt: skip
    assert int(answers[-1].headers["retry-after"]) <= 20
