"""GET /v1/segments/{segment_id}/customers: how many are in a segment, and who, as of a time."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.access.disclosure import (
    PURPOSE_PROBLEMS,
    SCORES_PURPOSE_PARAMETER,
    UNOPENED,
    Disclosure,
    Disclosures,
)
from services.api.access.purposes import CATEGORIES, SCORES
from services.api.audiences import (
    AS_OF,
    CAMPAIGN,
    FOR,
    NO_RUN,
    campaign_of,
    consents_needed,
    disclosure_of,
    is_left_out,
    not_ahead,
    of_another_run,
    told,
)
from services.api.cursor import Cursors
from services.api.openapi import path_parameter, read_parameters, read_responses
from services.api.opened_profiles import opened_profiles
from services.api.parameters import query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import CURSOR, DEFAULT_LIMIT, LIMIT, MOST_LIMIT, in_one_snapshot
from services.api.score_documents import amount, share
from services.api.segment_documents import SegmentCustomerPage
from services.projections.analytics.current_run import CurrentRun, current_run
from services.projections.analytics.inputs import VIEWS
from services.projections.audiences.paging import Page, customers_of, page_of
from services.projections.audiences.segment_members import (
    Open,
    Question,
    SegmentTooLargeError,
    count_of,
    members_among,
    siblings_in_segment,
)
from services.projections.audiences.segment_rows import rows_after
from services.projections.moments import datetime_of, microseconds_of
from services.projections.segments.definitions import VIEWS as DEFINITIONS
from services.projections.segments.definitions import Definition, definition_of
from services.projections.segments.moments import AsOf
from services.projections.view_positions import position_of
from shared.clock import Clock
from shared.http.problems import Problem
from shared.segment_rules.refusal import RuleRefusedError
from shared.segment_rules.rule import categories_of

ROUTE: Final = "/v1/segments/{segment_id}/customers"

_MOST_SECONDS: Final = 30.0
_MOST_ID_CHARACTERS: Final = 128
_MOST_POSITION_CHARACTERS: Final = 400
"""Of a position that pages after the first still tell, so that their cursors do not grow with the partitions."""
_PARAMETERS: Final = ("as_of", "for", "campaign", "purpose", "limit", "cursor")
_SEGMENT_ID: Final = path_parameter("segment_id", "the id of a segment", {"type": "string"})


class _Place(NamedTuple):
    """Where a page ends, and what is told on all pages: of what version, run and time, and how many there are."""

    version: int
    run_id: str
    as_of: int
    customers: int
    left_out: int
    position: str
    party: str


class _Wanted(NamedTuple):
    segment_id: str
    as_of: datetime | None
    campaign: str | None
    limit: int
    after: _Place | None
    bound_to: tuple[str | None, ...]


def segment_customer_routes(
    reads: Reads, disclosures: Disclosures, cursors: Cursors, clock: Clock
) -> APIRouter:
    """The route of a segment's customers. `clock` says what is now. One segment at a time is counted."""
    routes = APIRouter(tags=["customers"])
    counting = asyncio.Lock()

    async def customers(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], _PARAMETERS)
        # What the rule looks at is known when it is read; that the purpose opens it is looked at then.
        disclosure = disclosure_of(disclosures, request.scope, given, ROUTE, *CATEGORIES)
        wanted = _wanted(request.path_params["segment_id"], given, disclosure, cursors, clock)

        async def query(connection: Any) -> Snapshot:
            await connection.execute(f"set local statement_timeout = '{_MOST_SECONDS:.0f}s'")
            position = await position_of(connection, (*VIEWS, *DEFINITIONS))
            listing = _Listing(connection, disclosure, disclosures, position.token())
            try:
                answer = await listing.answer(wanted)
            except SegmentTooLargeError as error:
                return Snapshot(Problem(422, "segment_too_large", str(error)), position)
            except Problem as problem:
                return Snapshot(problem, position)
            following = sealed(listing.next, wanted.bound_to, cursors)
            return Snapshot(msgspec.json.encode({**answer, "next_cursor": following}), position)

        snapshot = in_one_snapshot(query)
        if wanted.after is not None:
            answer = await reads.answer(request.scope, snapshot)
        elif counting.locked():
            detail = "this process counts a segment already, and does one at a time; send it again"
            raise Problem(503, "overloaded", detail, retry_after_seconds=1)
        else:
            async with counting:
                answer = await reads.answer(request.scope, snapshot, _MOST_SECONDS)
        await disclosure.record()
        return answer.response()

    routes.add_api_route(
        ROUTE,
        customers,
        methods=["GET"],
        summary="A segment's customers",
        description="Counted before they are listed, the control of a campaign included; the count is told on every "
        "page, with the definition's version and the time that it is of. As of the latest scoring run where `as_of` is "
        "absent. A rule that looks at personal data takes a purpose that opens them.",
        operation_id="list_segment_customers",
        responses=read_responses(
            SegmentCustomerPage,
            "one page",
            {
                **PURPOSE_PROBLEMS,
                404: ["unknown_segment"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_cursor", "invalid_position", "segment_too_large"],
                503: UNOPENED,
            },
        ),
        openapi_extra=read_parameters(
            _SEGMENT_ID, AS_OF, FOR, CAMPAIGN, LIMIT, CURSOR, SCORES_PURPOSE_PARAMETER
        ),
    )
    routes.add_api_route(ROUTE, customers, methods=["HEAD"], include_in_schema=False)
    return routes


def _wanted(
    segment_id: str, given: Mapping[str, str], disclosure: Disclosure, cursors: Cursors, clock: Clock
) -> _Wanted:
    as_of = not_ahead(clock, given.get("as_of"))
    limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
    campaign = campaign_of(given)
    bound_to = (ROUTE, segment_id, given.get("as_of"), disclosure.purpose, campaign)
    after = opened(given.get("cursor"), _Place, bound_to, cursors)
    return _Wanted(segment_id, as_of, campaign, limit, after, bound_to)


class _Listing:
    """Makes one answer from one snapshot. `next` is where the next page starts, once it is made."""

    def __init__(
        self, connection: Any, disclosure: Disclosure, disclosures: Disclosures, position: str
    ) -> None:
        self.next: _Place | None = None
        self._connection = connection
        self._disclosure = disclosure
        self._open: Open = partial(opened_profiles, disclosures.opener)
        self._position = position

    async def answer(self, wanted: _Wanted) -> dict[str, Any]:
        """The answer but for its cursor. Raises the problems of what cannot be answered, and `SegmentTooLargeError`."""
        definition = await self._definition(wanted)
        run = await current_run(self._connection)
        disclosure = self._disclosure
        document: dict[str, Any] = {
            "items": [], "segment_id": definition.segment_id, "version": definition.version, "as_of": None,
            "run_id": None, "count": None, "reason": NO_RUN, "purpose": disclosure.purpose,
            "withheld": [] if disclosure.opens_scores else [SCORES],
        }  # fmt: skip
        if run is None:
            return document
        if wanted.after is not None and wanted.after.run_id != run.run_id:
            raise of_another_run()
        question = self._question(definition, wanted, run)
        document |= {"as_of": told(question.as_of.time), "run_id": run.run_id}
        if not disclosure.opens_scores:
            return document | {"reason": f"the purpose {disclosure.purpose} does not open scores"}
        start = wanted.after or await self._counted(definition, question, run)
        page = await self._page(question, start, wanted, run)
        self.next = page.next
        count = {"customers": start.customers, "left_out": start.left_out, "position": start.position or None}
        return document | {"items": page.items, "count": count, "reason": None}

    async def _definition(self, wanted: _Wanted) -> Definition:
        """In the version in force, or that of the first page. Raises 404 `unknown_segment`, 403 `forbidden_purpose`."""
        segment_id = wanted.segment_id
        version = None if wanted.after is None else wanted.after.version
        known = len(segment_id) <= _MOST_ID_CHARACTERS and "\0" not in segment_id
        definition = await definition_of(self._connection, segment_id, version) if known else None
        if definition is None:
            detail = "no segment of this id is defined; GET /v1/segments lists those that are"
            raise Problem(404, "unknown_segment", detail)
        try:
            looked_at = categories_of(definition.rule)
        except RuleRefusedError as error:
            detail = f"its rule is none that can be evaluated: {error}; define a new version"
            raise Problem(422, "segment_too_large", detail) from error
        closed = [each for each in CATEGORIES if each in looked_at and each in self._disclosure.withheld]
        if closed:
            detail = (
                f"the rule of this segment looks at personal data ({', '.join(closed)}) that the purpose "
                f"{self._disclosure.purpose} does not open; name one that does"
            )
            raise Problem(403, "forbidden_purpose", detail)
        return definition

    def _question(self, definition: Definition, wanted: _Wanted, run: CurrentRun) -> Question:
        as_of = wanted.as_of or run.as_of
        if wanted.after is not None:
            as_of = datetime_of(wanted.after.as_of)
        return Question(
            definition.rule,
            AsOf(as_of, ZoneInfo(run.terms.zone)),
            run.terms,
            run.document["customers"],
            consents_needed(self._disclosure),
            as_of == run.as_of and run.has_rows,
        )

    async def _counted(self, definition: Definition, question: Question, run: CurrentRun) -> _Place:
        count = await count_of(self._connection, question, self._open)
        as_of = microseconds_of(question.as_of.time)
        return _Place(definition.version, run.run_id, as_of, *count, self._position, "")

    async def _page(
        self, question: Question, start: _Place, wanted: _Wanted, run: CurrentRun
    ) -> Page[dict[str, Any], _Place]:
        connection = self._connection
        prefilter = question.prefilter
        kept = start.position if len(start.position) <= _MOST_POSITION_CHARACTERS else ""

        async def fetch(after: _Place | None, limit: int) -> Sequence[Mapping[str, Any]]:
            return await rows_after(connection, prefilter, None if after is None else after.party, limit)

        async def siblings(parties: Sequence[str]) -> Sequence[str]:
            return await siblings_in_segment(connection, question, parties)

        async def named(rows: Sequence[Mapping[str, Any]]) -> Sequence[dict[str, Any] | None]:
            found = await customers_of(connection, rows, siblings)
            placed = [
                (place, each.component)
                for place, each in enumerate(found)
                if each is not None and not is_left_out(each.component, wanted.campaign)
            ]
            scores = await members_among(connection, question, [each for _, each in placed], self._open)
            items: list[dict[str, Any] | None] = [None] * len(found)
            for (place, component), score in zip(placed, scores, strict=True):
                if score is not None:
                    items[place] = _item(component.customer_id, score, run)
                    self._disclosure.note(component.customer_id, (SCORES, *categories_of(question.rule)))
            return items

        def place_of(row: Mapping[str, Any]) -> _Place:
            return start._replace(party=row["party"], position=kept)

        return await page_of(fetch, place_of, named, start, wanted.limit)


def _item(customer_id: str, score: Mapping[str, Any], run: CurrentRun) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "tier": score["tier"],
        "lifecycle": score["lifecycle"],
        "p_alive": share(score["p_alive"]),
        "clv": amount(score["clv"], run.currency),
    }
