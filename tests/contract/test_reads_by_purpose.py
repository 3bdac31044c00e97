"""What of a person is shown to whom: every call that holds personal data, every role, every purpose."""

import itertools
from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from services.api.access.purposes import PURPOSES
from services.api.access.roles import ROLES
from shared.events.vocabulary import PersonalCategory
from tests.api_reader import M1, TIMELINE, Reader, migrated_reader
from tests.complaining import created, happened, opened
from tests.contract.test_calls_by_role import KEYS, PLACES, ROLES_OF_CALLS
from tests.credentials import access
from tests.integration.test_api_segments import defined
from tests.projecting import purchase
from tests.score_rows import put_scores
from tests.scored_customers import AS_OF, bought, run
from tests.scored_customers import consented as scores_consented
from tests.strategies import JsonObject

SECRETS: dict[str, dict[str, str]] = {
    "/v1/customers/{id}/timeline": {
        "secret-name": "identity",
        "secret-address": "contact",
        "secret-seat": "preference",
        "secret-nuts": "health",
        "secret-body": "free_text",
        "secret-soup": "free_text",
        "secret-note": "free_text",
        "secret-title": "free_text",
    },
    "/v1/customers/{id}/card": {
        "secret-name": "identity",
        "secret-address": "contact",
        "secret-seat": "preference",
        "secret-nuts": "health",
        "secret-title": "free_text",
        '"lifecycle":"': "scores",
    },
    "/v1/complaints/{complaint_id}": {"secret-soup": "free_text"},
    "/v1/tasks": {"secret-title": "free_text"},
    "/v1/customers/{id}/tasks": {"secret-title": "free_text"},
    "/v1/customers/{id}/scores": {'"p_alive":': "scores"},
    "/v1/customers/{id}/recommendations": {"no scoring run has looked": "scores"},
    "/v1/customers/at-risk": {'"p_alive":': "scores"},
    "/v1/segments/{segment_id}/customers": {'"p_alive":': "scores"},
}
"""By call the personal texts that it could show. A call that takes a purpose has to be here."""

NEEDS_PURPOSE = {"/v1/customers/{id}/card"}
OPENED_BY = {
    "greeting": {"identity", "preference", "scores"},
    "ordering": {"identity", "contact", "preference"},
    "complaint_handling": {"identity", "contact", "free_text"},
    "care": {"identity", "health"},
    "marketing": {"identity", "preference", "contact", "scores"},
    "analysis": {"scores"},
    None: set(),
}
PURPOSES_OF = {
    "front_line": {"greeting", "ordering"},
    "loyalty_desk": {"greeting"},
    "case_handler": {"greeting", "complaint_handling"},
    "care": {"greeting", "care"},
    "marketing": {"marketing"},
    "analyst": {"analysis"},
}
"""By hand, as the rules have them; roles that are not here have none."""
UNSAID = {
    "front_line": "greeting",
    "loyalty_desk": "greeting",
    "marketing": "marketing",
    "analyst": "analysis",
}
"""What a request for scores is for that does not say it, by role."""


def event(event_id: str, event_type: str, **data: Any) -> JsonObject:
    named = {"customer": [{"type": "member", "value": "M1"}], **data}
    return purchase(1, id=event_id, type=event_type, data=named)


def consented(*, granted: bool, time: str) -> JsonObject:
    return event("c-" + time, "consent.changed", purpose="marketing", granted=granted) | {"time": time}


EVENTS = (
    event(
        "d-1",
        "customer.described",
        attributes={
            "name": "secret-name",
            "address": "secret-address",
            "preferences": {"seat": "secret-seat"},
            "dietary": "secret-nuts",
            "language": "th",
        },
    ),
    event("i-1", "interaction.recorded", kind="call", category="service", body="secret-body"),
    opened("09:00", summary="secret-soup"),
    happened("note_added", "09:30", note="secret-note"),
    created("10:00", complaint_id="C-1", title="secret-title"),
    happened("resolved", "11:00", staff="kim", resolution="apology"),
    *(bought("M1", f"2024-0{month}-01") for month in (1, 2, 3)),
    scores_consented("M1"),
    run(),
    defined(1, "S-1", rule={"score": "p_alive", "known": True}),
)
ROW = {
    "party": M1, "parties": [M1], "purchase_days": 3, "p_alive": 0.4, "silent_from": AS_OF, "profiled": True,
    "value_at_stake": 1, "tier_rank": 4,
}  # fmt: skip


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url, access=access(*KEYS.values())) as made:
        await made.given(*EVENTS, consented(granted=True, time="2024-01-01T00:00:00Z"))
        await put_scores(database_url, [ROW])
        yield made


def path_of(call: str) -> str:
    return call.format(**(PLACES | {"segment_id": "S-1"}))


def shown_in(text: str, secrets: dict[str, str]) -> set[str]:
    return {secret for secret in secrets if secret in text}


async def test_each_role_sees_for_each_purpose_what_the_rules_open_and_nothing_else(reader: Reader) -> None:
    document = (await reader.get("/openapi.json")).json()
    with_purpose = {
        path
        for path, methods in document["paths"].items()
        if any(each["name"] == "purpose" for each in methods.get("get", {}).get("parameters", ()))
    }
    assert with_purpose == set(SECRETS), "list a call that takes a purpose here, with what it could show"
    for call, role, purpose in itertools.product(SECRETS, ROLES, (*PURPOSES, None)):
        given = {} if purpose is None else {"purpose": purpose}
        answer = await reader.get(path_of(call), KEYS[role].header, **given)
        case = (call, role, purpose, answer.text[:300])
        secrets = SECRETS[call]
        if role not in ROLES_OF_CALLS[f"GET {call}"]:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_call"), case
        elif purpose is not None and purpose not in PURPOSES_OF.get(role, ()):
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_purpose"), case
            assert not shown_in(answer.text, secrets), case
        elif purpose is None and call in NEEDS_PURPOSE:
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter"), case
        else:
            assert answer.status_code == 200, case
            opened_by = OPENED_BY[
                UNSAID[role] if purpose is None and set(secrets.values()) == {"scores"} else purpose
            ]
            if role not in UNSAID:
                opened_by = opened_by - {"scores"}
            expected = {text for text, category in secrets.items() if category in opened_by}
            assert shown_in(answer.text, secrets) == expected, case
            holds = set(secrets.values())
            assert set(answer.json()["withheld"]) == holds - opened_by, case


async def test_no_other_call_shows_anything_personal_to_anybody(reader: Reader) -> None:
    every = set().union(*SECRETS.values())
    for call, roles in ROLES_OF_CALLS.items():
        method, path = call.split(" ")
        if method == "GET" and path not in SECRETS and "{account_id}" not in path:
            for role in roles:
                answer = await reader.get(path_of(path), KEYS[role].header)
                assert not shown_in(answer.text, dict.fromkeys(every, "")), (call, role)


async def test_marketing_opens_nothing_of_a_customer_whose_last_word_was_no(reader: Reader) -> None:
    marketing = KEYS["marketing"].header
    assert "secret-name" in (await reader.get(TIMELINE, marketing, purpose="marketing")).text
    await reader.given(consented(granted=False, time="2024-02-01T00:00:00Z"))
    refused = await reader.get(TIMELINE, marketing, purpose="marketing")
    assert not shown_in(refused.text, SECRETS["/v1/customers/{id}/timeline"])
    assert refused.json()["withheld"] == list(get_args(PersonalCategory))
    other = await reader.get(TIMELINE, KEYS["front_line"].header, purpose="greeting")
    assert "secret-name" in other.text, "staff at the counter need no such consent"


async def test_an_unknown_purpose_is_told_what_there_is(reader: Reader) -> None:
    answer = await reader.get(TIMELINE, KEYS["front_line"].header, purpose="curiosity")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert "greeting" in answer.json()["detail"]
