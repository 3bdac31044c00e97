"""GET /v1/analytics/distributions: how customers are spread over a measure, as numbers or as a picture."""

from typing import Any, Final, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.charts.distribution import Told, drawn, in_words
from services.api.charts.drawing import THEMES, Theme
from services.api.distribution_documents import Distribution as DistributionDocument
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import one_of, query_parameters, required
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import in_one_snapshot
from services.projections.analytics.current_run import CurrentRun, current_run
from services.projections.analytics.distributions import (
    MEASURES,
    Bin,
    Distribution,
    Kind,
    Point,
    Shown,
    distribution_of,
)
from services.projections.analytics.runs import VIEWS
from services.projections.moments import microseconds_of, text_of
from services.projections.view_positions import position_of
from shared.http.problems import Problem

ROUTE: Final = "/v1/analytics/distributions"
_SVG: Final = (b"content-type", b"image/svg+xml; charset=utf-8")
_JSON: Final = (b"content-type", b"application/json")
_VARY: Final = (b"vary", b"accept")
_FORMATS: Final = ("json", "svg")
_MOST_SECONDS: Final = 10.0
_MOST_REMEMBERED: Final = 64


class _Wanted(NamedTuple):
    measure: str
    picture: bool
    theme: Theme


class _Remembered:
    """Distributions of the run in force: they never change. Of earlier runs nothing is kept."""

    def __init__(self) -> None:
        self._run_id = ""
        self._found: dict[str, Distribution] = {}

    async def of(self, connection: Any, run: CurrentRun, measure: str) -> Distribution:
        if run.run_id != self._run_id:
            self._run_id, self._found = run.run_id, {}
        found = self._found.get(measure)
        if found is None:
            found = await distribution_of(connection, measure, run.as_of, run.terms.zone)
            if run.run_id == self._run_id and len(self._found) < _MOST_REMEMBERED:
                self._found[measure] = found
        return found


def analytics_distribution_routes(reads: Reads) -> APIRouter:
    """The route of distributions."""
    routes = APIRouter(tags=["analytics"])
    remembered = _Remembered()

    async def distributions(request: Request) -> Response:
        wanted = _wanted(request)

        async def query(connection: Any) -> Snapshot:
            await connection.execute(f"set local statement_timeout = '{_MOST_SECONDS:.0f}s'")
            position = await position_of(connection, VIEWS)
            run = await current_run(connection)
            if run is None:
                return Snapshot(no_run_yet(), position)
            found = await remembered.of(connection, run, wanted.measure)
            told = Told(MEASURES[wanted.measure], _unit(wanted.measure, run), run.as_of, found)
            body = drawn(told, wanted.theme) if wanted.picture else _document(wanted.measure, told, run)
            return Snapshot(body, position)

        media_type = _SVG if wanted.picture else _JSON
        answer = await reads.answer(request.scope, in_one_snapshot(query), _MOST_SECONDS, media_type)
        return answer._replace(headers=[*answer.headers, _VARY]).response()

    names = {"type": "string", "enum": list(MEASURES)}
    responses = read_responses(
        DistributionDocument,
        "the distribution",
        {404: ["no_scoring_run"], 413: ["too_large"], 422: ["invalid_parameter", "invalid_position"]},
    )
    responses[200]["content"] = {"image/svg+xml": {"schema": {"type": "string"}}}
    routes.add_api_route(
        ROUTE,
        distributions,
        methods=["GET"],
        summary="How customers are spread over a measure",
        description="Counted over all customers of the latest scoring run, nobody told singly. As JSON, or as SVG "
        "with `format=svg` or where `Accept` prefers that: histograms, the curve of `value`, and `silence` over time.",
        operation_id="read_distribution",
        responses=responses,
        openapi_extra=read_parameters(
            {**query_parameter("measure", "what customers are counted by", names), "required": True},
            query_parameter(
                "format", "as `Accept` says where absent", {"type": "string", "enum": list(_FORMATS)}
            ),
            query_parameter("theme", "colours of the picture", {"type": "string", "enum": list(THEMES)}),
        ),
    )
    routes.add_api_route(ROUTE, distributions, methods=["HEAD"], include_in_schema=False)
    return routes


def no_run_yet() -> Problem:
    """The problem of scores that were never computed."""
    detail = "no scoring run was completed yet; `rapport score` makes one, or wait for the scheduled one"
    return Problem(404, "no_scoring_run", detail)


def _wanted(request: Request) -> _Wanted:
    given = query_parameters(request.scope["query_string"], ("measure", "format", "theme"))
    measure = required("measure", one_of("measure", given.get("measure"), MEASURES))
    form = one_of("format", given.get("format"), _FORMATS)
    theme = one_of("theme", given.get("theme"), THEMES) or THEMES[0]
    accepted = request.headers.get("accept", "")
    picture = form == "svg" if form is not None else _prefers_picture(accepted)
    return _Wanted(measure, picture, next(each for each in THEMES if each == theme))


def _prefers_picture(accept: str) -> bool:
    """Whether SVG is named before JSON, or alone, as `<img>` and people who ask for a picture do."""
    media_types = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    pictures = [place for place, each in enumerate(media_types) if each in ("image/svg+xml", "image/*")]
    numbers = [
        place for place, each in enumerate(media_types) if each in ("application/json", "application/*")
    ]
    return bool(pictures) and (not numbers or pictures[0] < numbers[0])


def _unit(measure: str, run: CurrentRun) -> str | None:
    known = MEASURES[measure]
    if known.money:
        return run.currency
    return known.unit or None


def _document(measure: str, told: Told, run: CurrentRun) -> bytes:
    kind, shown = _shown(told)
    return msgspec.json.encode(
        {
            "measure": measure,
            "kind": kind,
            "title": told.measure.title,
            "unit": told.unit,
            "run_id": run.run_id,
            "as_of": text_of(microseconds_of(run.as_of)),
            "customers": told.found.customers,
            "unknown": told.found.unknown,
            "told": in_words(told),
            kind: shown,
        }
    )


def _shown(told: Told) -> tuple[str, list[dict[str, Any]]]:
    shown: Shown = told.found.shown
    kinds = {"kinds": "kinds", "value": "points", "silence": "steps"}
    return kinds.get(told.measure.shape, "bins"), [_item(each) for each in shown]


def _item(each: Any) -> dict[str, Any]:
    match each:
        case Bin(least, most, customers):
            return {"from": least, "to": most, "customers": customers}
        case Kind() | Point():
            return each._asdict()
        case _:
            return {"day": each.day.isoformat(), "customers": each.customers}
