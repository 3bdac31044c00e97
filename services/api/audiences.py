"""What requests for lists of customers have in common: whom they may name, for what, and as of when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from services.api.access.disclosure import Disclosure, Disclosures
from services.api.access.purposes import Disclosed
from services.api.openapi import query_parameter
from services.api.parameters import invalid_parameter, moment, one_of
from services.projections.analytics.win_back import in_control
from services.projections.identity.component import Component
from services.projections.moments import microseconds_of, text_of
from shared.clock import Clock
from shared.events.consent import ConsentPurpose
from shared.http.problems import Problem

FOR: Final = query_parameter(
    "for",
    "`outreach`: to write to them or call them; it is read for the purpose `marketing`, and names those alone who "
    "consented to marketing as well",
    {"type": "string", "enum": ["outreach"]},
)
CAMPAIGN: Final = query_parameter(
    "campaign",
    "with `for=outreach`: the campaign it is for, by whose id its control, one customer in ten, is left out, so that "
    "`GET /v1/analytics/winback` can tell what would have happened anyhow",
    {"type": "string", "minLength": 1, "maxLength": 512},
)
AS_OF: Final = query_parameter(
    "as_of", "a time that is not ahead; RFC 3339 with an offset", {"type": "string", "format": "date-time"}
)
_OUTREACH: Final = ("outreach",)
_MOST_CAMPAIGN_CHARACTERS: Final = 512


def disclosure_of(
    disclosures: Disclosures, scope: Any, given: Mapping[str, str], call: str, *holds: Disclosed
) -> Disclosure:
    """The disclosure of a list that is for what the request says. `holds` is what it looks at besides scores.

    Raises the problems 422 `invalid_parameter` and 403 `forbidden_purpose`.
    """
    purpose = given.get("purpose")
    if one_of("for", given.get("for"), _OUTREACH) is not None:
        if purpose not in (None, "marketing"):
            raise invalid_parameter("purpose", "an outreach is for marketing; leave one of the two out")
        purpose = "marketing"
    return disclosures.of_scores(scope, purpose, call, holds)


def campaign_of(given: Mapping[str, str]) -> str | None:
    """The campaign that a list is for, None where it is for none. Raises the problem 422 `invalid_parameter`."""
    campaign = given.get("campaign")
    if campaign is None:
        return None
    if given.get("for") not in _OUTREACH:
        raise invalid_parameter("campaign", "goes with for=outreach")
    if not campaign or len(campaign) > _MOST_CAMPAIGN_CHARACTERS or "\0" in campaign:
        raise invalid_parameter("campaign", f"not an id of 1 to {_MOST_CAMPAIGN_CHARACTERS} characters")
    return campaign


def is_left_out(component: Component, campaign: str | None) -> bool:
    """Whether a customer is of the control of a list's campaign."""
    return campaign is not None and in_control(component.parties[0], campaign)


def consents_needed(disclosure: Disclosure) -> tuple[ConsentPurpose, ...]:
    """The purposes that customers must have consented to, to be named."""
    return ("profiling", "marketing") if disclosure.purpose == "marketing" else ("profiling",)


def not_ahead(clock: Clock, value: str | None) -> datetime | None:
    """The time of a parameter `as_of`. Raises the problem 422 `invalid_parameter` for one that is yet to come."""
    as_of = moment("as_of", value)
    now = clock()
    if as_of is not None and as_of > now:
        raise invalid_parameter(
            "as_of", f"ahead of now, which is {told(now.replace(microsecond=0))}; nothing is known of it"
        )
    return as_of


def told(time: datetime) -> str:
    """RFC 3339 in UTC."""
    return text_of(microseconds_of(time)) or ""


def of_another_run() -> Problem:
    """The problem of a cursor of a list that an earlier run made."""
    detail = "this cursor is of a list from before the latest scoring run; begin again without a cursor"
    return Problem(422, "invalid_cursor", detail)


NO_RUN: Final = "no scoring run was completed yet, so there are no scores; `rapport score` makes one"
"""What answers without scores say where there are none of anybody."""
