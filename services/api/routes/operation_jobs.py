"""/v1/operations/jobs: order a redrive, a switch, a rollback or a verification, and see how far it is, and whose."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.access.reader import reader_in
from services.api.cursor import Cursors
from services.api.database import DatabaseUnavailableError
from services.api.ledger_bodies import body_schema, read_body
from services.api.openapi import (
    UNADMITTED,
    path_parameter,
    query_parameter,
    read_parameters,
    read_responses,
)
from services.api.operations.job_documents import EXAMPLE, Job, JobBody, JobPage
from services.api.operations.jobs import Jobs, job_of, job_page
from services.api.operations.live import live_position
from services.api.parameters import given_id, query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import CURSOR, DEFAULT_LIMIT, LIMIT, MOST_LIMIT, in_one_snapshot
from shared.http.problems import Problem, described_problems

JOBS: Final = "/v1/operations/jobs"
JOB: Final = JOBS + "/{number}"
_MOST_DIGITS: Final = 18
_MOST_CHARACTERS: Final = 300
_NUMBER: Final = path_parameter("number", "the job's number", {"type": "string", "pattern": "^[0-9]{1,18}$"})
_DESCRIPTION: Final = """
The order is recorded, with who gave it, and carried out by a projection process: one at a time, taken up again where
that process ends. A redrive names in `events` how many events were counted; it is refused where more are chosen now.
A verification folds the whole log again and takes as long as a rebuild.
"""


def operation_job_routes(reads: Reads, jobs: Jobs, cursors: Cursors) -> APIRouter:
    """The routes of jobs."""
    routes = APIRouter(tags=["operations"])

    @routes.post(
        JOBS,
        status_code=202,
        summary="Order a redrive, a switch, a rollback or a verification",
        description=_DESCRIPTION,
        operation_id="order_job",
        responses={
            202: {
                "model": Job,
                "description": "the order is recorded; poll the Location",
                "headers": _LOCATION,
            },
            **_PROBLEMS,
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": body_schema(JobBody), "example": EXAMPLE}},
            }
        },
    )
    async def order(request: Request) -> Response:
        query_parameters(request.scope["query_string"], ())
        body = read_body(JobBody, request.headers.get("content-type", ""), await request.body())
        try:
            made = await jobs.order(body, reader_in(request.scope).name)
        except DatabaseUnavailableError as error:
            detail = f"{error}; whether it was recorded is not known: look at the jobs, then send it again"
            raise Problem(503, "database_unavailable", detail, retry_after_seconds=1) from error
        return Response(
            msgspec.json.encode(made),
            202,
            {"location": f"{JOBS}/{made['number']}"},
            media_type="application/json",
        )

    async def job(request: Request) -> Response:
        query_parameters(request.scope["query_string"], ())
        number = request.path_params["number"]
        if not number.isascii() or not number.isdecimal() or len(number) > _MOST_DIGITS:
            raise _unknown()

        async def query(connection: Any) -> Snapshot:
            found = await job_of(connection, int(number))
            answer = _unknown() if found is None else msgspec.json.encode(found)
            return Snapshot(answer, await live_position(connection))

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    async def every(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("view", "limit", "cursor"))
        view = given_id("view", given.get("view"), _MOST_CHARACTERS)
        limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
        bound_to = (JOBS, view)
        place = opened(given.get("cursor"), tuple[int], bound_to, cursors)

        async def query(connection: Any) -> Snapshot:
            page = await job_page(connection, view, None if place is None else place[0], limit)
            following = sealed(None if page.next is None else (page.next,), bound_to, cursors)
            answer = msgspec.json.encode({"items": page.items, "next_cursor": following})
            return Snapshot(answer, await live_position(connection))

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    routes.add_api_route(
        JOBS,
        every,
        methods=["GET"],
        summary="What was ordered",
        description="Newest first: who ordered what, of how many events, and what came of it. Keyset pages.",
        operation_id="list_jobs",
        responses=read_responses(
            JobPage,
            "one page",
            {413: ["too_large"], 422: ["invalid_parameter", "invalid_cursor", "invalid_position"]},
        ),
        openapi_extra=read_parameters(
            query_parameter(
                "view",
                "of this view; `undecodable` for what no view could read",
                {"type": "string", "minLength": 1, "maxLength": _MOST_CHARACTERS},
            ),
            LIMIT,
            CURSOR,
        ),
    )
    routes.add_api_route(JOBS, every, methods=["HEAD"], include_in_schema=False)
    routes.add_api_route(
        JOB,
        job,
        methods=["GET"],
        summary="A job as it is",
        operation_id="read_job",
        responses=read_responses(
            Job,
            "the job",
            {
                404: ["unknown_job", "not_found"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_position"],
            },
        ),
        openapi_extra=read_parameters(_NUMBER),
    )
    routes.add_api_route(JOB, job, methods=["HEAD"], include_in_schema=False)
    return routes


def _unknown() -> Problem:
    return Problem(404, "unknown_job", "there is no such job; the list of jobs names those that there are")


_LOCATION: Final[dict[str, Any]] = {
    "Location": {"description": "where it is read", "schema": {"type": "string", "format": "uri-reference"}}
}
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    **described_problems(
        {
            **UNADMITTED,
            400: ["invalid_json"],
            404: ["unknown_view", "not_found"],
            409: ["nothing_parked", "count_changed", "switch_refused", "verification_refused", "view_busy"],
            413: ["too_large"],
            415: ["unsupported_media_type"],
            422: ["schema_violation", "invalid_parameter"],
            500: ["internal_error"],
            503: ["database_unavailable", "issuer_unavailable", "overloaded"],
        }
    )
}
