"""GET /v1/customers/{id}/timeline: what happened with a customer, page by page."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, get_args

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.access.disclosure import (
    PURPOSE_PARAMETER,
    PURPOSE_PROBLEMS,
    UNOPENED,
    Disclosure,
    Disclosures,
)
from services.api.access.reader import reader_in
from services.api.cursor import Cursors, EntryKey, InvalidCursorError
from services.api.documents import TimelinePage
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.opened_items import opened_items
from services.api.parameters import moment, one_of, query_parameters, whole_number
from services.api.reads import Answer, Reads, Snapshot
from services.api.whole_customers import CUSTOMER_ID, of_whole_customers, party_of, unknown_customer
from services.projections.identity.component import found
from services.projections.identity.linked_parties import LinkedParties
from services.projections.read_models import timeline
from shared.events import EVENT_CLASSES
from shared.events.interaction import InteractionCategory
from shared.events.vocabulary import Channel
from shared.http.problems import Problem

ROUTE: Final = "/v1/customers/{id}/timeline"
_PATH: Final = re.compile("/v1/customers/([^/]+)/timeline")
DEFAULT_LIMIT: Final = 50
MOST_LIMIT: Final = 200

_CHANNELS: Final[Sequence[str]] = get_args(Channel)
_CATEGORIES: Final[Sequence[str]] = get_args(InteractionCategory)
_TYPES: Final[Sequence[str]] = tuple(event_class.TYPE for event_class in EVENT_CLASSES)
_ORDERS: Final[Sequence[str]] = ("desc", "asc")

_TRUTHS: Final[Sequence[str]] = ("true", "false")

_NOTHING: Final = b"[]"
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_PARAMETERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "channel": ("entries of this channel", {"type": "string", "enum": list(_CHANNELS)}),
    "type": ("entries of this event type", {"type": "string", "enum": list(_TYPES)}),
    "category": ("entries of this category", {"type": "string", "enum": list(_CATEGORIES)}),
    "from": ("entries at this time or later; RFC 3339 with an offset", _TIME),
    "to": ("entries before this time; RFC 3339 with an offset", _TIME),
    "points": (
        "`true`: purchases and refunds say what they did to the customer's points, as loyalty events always do",
        {"type": "string", "enum": list(_TRUTHS), "default": "false"},
    ),
    "order": ("`desc`, newest first, or `asc`", {"type": "string", "enum": list(_ORDERS), "default": "desc"}),
    "limit": (
        "most entries of a page",
        {"type": "integer", "minimum": 1, "maximum": MOST_LIMIT, "default": DEFAULT_LIMIT},
    ),
    "cursor": (
        "`next_cursor` of the page before, sent with the same path and filters",
        {"type": "string", "minLength": 1, "maxLength": 128},
    ),
}


_KNOWN: Final = (*_PARAMETERS, "purpose")


class Wanted(NamedTuple):
    """One page of one party's timeline, as a request asks for it."""

    party_id: str
    filters: timeline.Filters
    ascending: bool
    limit: int
    after: timeline.Keyset | None
    bound_to: tuple[str | None, ...]
    points: bool
    purpose: str | None


class Timelines:
    """Answers with pages of timelines."""

    def __init__(self, reads: Reads, cursors: Cursors, disclosures: Disclosures) -> None:
        self._reads = reads
        self._cursors = cursors
        self._disclosures = disclosures
        self._linked = LinkedParties()

    async def answer(self, scope: Scope, customer: str) -> Answer:
        """The page of the customer's timeline that the request of `scope` asks for. Raises problems."""
        wanted = wanted_page(customer, scope["query_string"], self._cursors)
        disclosure = self._disclosures.of(scope, wanted.purpose, ROUTE)
        answer = await self._reads.answer(
            scope,
            of_whole_customers(
                lambda connection: _read(connection, wanted, self._linked, self._cursors, disclosure)
            ),
        )
        await disclosure.record()
        return answer


class TimelineFirst:
    """Serves the timeline without a framework, which would double its cost, and the rest by `others`."""

    def __init__(self, timelines: Timelines, others: ASGIApp) -> None:
        self._timelines = timelines
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request. Raises problems."""
        path = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if path is None or scope["method"] not in ("GET", "HEAD"):
            await self._others(scope, receive, send)
            return
        scope["rapport.route"] = ROUTE
        reader_in(scope).check_call("GET", ROUTE)
        answer = await self._timelines.answer(scope, path[1])
        await answer.send(send)


def timeline_routes(timelines: Timelines) -> APIRouter:
    """The route of the timeline in the framework, which describes it in the OpenAPI document."""
    routes = APIRouter(tags=["customers"])

    async def customer_timeline(request: Request) -> Response:
        return (await timelines.answer(request.scope, request.path_params["id"])).response()

    routes.add_api_route(
        ROUTE,
        customer_timeline,
        methods=["GET"],
        summary="A customer's timeline",
        description="Keyset pages: following `next_cursor` neither repeats nor skips while events arrive.",
        operation_id="read_timeline",
        responses=read_responses(
            TimelinePage,
            "one page",
            {
                **PURPOSE_PROBLEMS,
                404: ["unknown_customer"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_cursor", "invalid_position", "customer_too_large"],
                503: UNOPENED,
            },
        ),
        openapi_extra=read_parameters(
            CUSTOMER_ID,
            *(query_parameter(name, text, schema) for name, (text, schema) in _PARAMETERS.items()),
            PURPOSE_PARAMETER,
        ),
    )
    routes.add_api_route(ROUTE, customer_timeline, methods=["HEAD"], include_in_schema=False)
    return routes


def wanted_page(customer: str, query_string: bytes, cursors: Cursors) -> Wanted:
    """The page a request asks for.

    Raises the problems 404 `unknown_customer`, 422 `invalid_parameter` and 422 `invalid_cursor`.
    """
    given = _given(query_string)
    party_id = party_of(customer)
    filters = timeline.Filters(
        channel=one_of("channel", given.get("channel"), _CHANNELS),
        type=one_of("type", given.get("type"), _TYPES),
        category=one_of("category", given.get("category"), _CATEGORIES),
        since=moment("from", given.get("from")),
        until=moment("to", given.get("to")),
    )
    order = one_of("order", given.get("order"), _ORDERS) or _ORDERS[0]
    limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
    times = (each.isoformat() if each is not None else None for each in (filters.since, filters.until))
    bound_to = (ROUTE, party_id, filters.channel, filters.type, filters.category, *times, order)
    points = one_of("points", given.get("points"), _TRUTHS) == "true"
    after = _keyset(given.get("cursor"), bound_to, cursors)
    return Wanted(party_id, filters, order == "asc", limit, after, bound_to, points, given.get("purpose"))


@lru_cache(maxsize=256)
def _given(query_string: bytes) -> Mapping[str, str]:
    """The parameters, remembered: clients ask for the first pages of all their customers by the same."""
    return query_parameters(query_string, _KNOWN)


def _keyset(token: str | None, bound_to: Sequence[str | None], cursors: Cursors) -> timeline.Keyset | None:
    if token is None:
        return None
    try:
        return timeline.Keyset(*cursors.read(token, bound_to))
    except InvalidCursorError as error:
        raise Problem(422, "invalid_cursor", str(error)) from error


async def _read(
    connection: Any, wanted: Wanted, linked: LinkedParties, cursors: Cursors, disclosure: Disclosure
) -> Snapshot:
    party, filters, ascending, limit, after, _, points, purpose = wanted
    page, customer_id = None, ""
    if not points and purpose is None:
        page = await timeline.page_at_once(
            connection, party, linked, filters, after, limit=limit, ascending=ascending
        )
    if page is None or page.items == _NOTHING:
        component, _, position = await found(connection, party)
        if component is None:
            return Snapshot(unknown_customer(), position)
        parties, customer_id = list(component.parties), component.customer_id
        await disclosure.ask_consent(connection, parties)
        page = await timeline.page(
            connection,
            parties,
            filters,
            after,
            limit,
            ascending=ascending,
            points=points,
            personal=disclosure.opens,
        )
        page = page._replace(position=page.position.common(position))
    following = b"null"
    if page.next is not None:
        following = b'"%s"' % cursors.write(EntryKey(*page.next), wanted.bound_to).encode()
    items = page.items
    if disclosure.opens:
        items = await opened_items(items, customer_id, disclosure)
    withheld = b",".join(b'"%s"' % each.encode() for each in disclosure.withheld)
    text = b'{"items":%s,"next_cursor":%s,"withheld":[%s]}' % (items, following, withheld)
    return Snapshot(text, page.position)
