"""The ingest application: the bare posting route in front, everything else on FastAPI."""

from collections.abc import Awaitable, Mapping
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Receive, Scope, Send

from services.ingest.asyncapi import asyncapi_document
from services.ingest.limits import Limits
from services.ingest.openapi import describe_posting
from services.ingest.posting import PATH, EventPosting
from shared.events.catalogue import Catalogue
from shared.events.refusal import EventRefusedError
from shared.http.health import ReadinessCheck, health_routes
from shared.http.problems import Problem, described_problems, install_problem_handlers


class IngestApplication:
    """Sends `/v1/events` to the posting and all else to the framework."""

    def __init__(self, posting: EventPosting, rest: ASGIApp) -> None:
        self._posting = posting
        self._rest = rest

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serves one request."""
        if scope["type"] == "http" and scope["path"] == PATH:
            return self._posting(scope, receive, send)
        return self._rest(scope, receive, send)


def descriptive_app(
    catalogue: Catalogue,
    limits: Limits,
    readiness: Mapping[str, ReadinessCheck],
    registry: CollectorRegistry,
    *,
    version: str,
    log_address: str,
) -> FastAPI:
    """Health, metrics and the descriptions of what may be posted."""
    app = FastAPI(title="Rapport ingest", version=version, docs_url=None, redoc_url=None)
    install_problem_handlers(app)
    app.include_router(health_routes(readiness, registry))

    @app.get("/v1/events/schemas", tags=["events"], summary="All event types")
    async def schemas() -> dict[str, Any]:
        return {
            "items": [
                {
                    "type": event_type,
                    "version": newest,
                    "dataschema": f"urn:rapport:{event_type}:{newest}",
                    "href": f"/v1/events/schemas/{event_type}/{newest}",
                }
                for event_type, newest in catalogue.types()
            ]
        }

    @app.get(
        "/v1/events/schemas/{event_type}/{schema_version}",
        tags=["events"],
        summary="JSON Schema of one event type as posted",
        responses=described_problems({404: ["unknown_type", "unknown_version"], 422: ["invalid_parameter"]}),
    )
    async def schema(event_type: str, schema_version: int) -> dict[str, Any]:
        try:
            return catalogue.schema(event_type, schema_version)
        except EventRefusedError as error:
            raise Problem(
                404, error.code, f"{error.detail}; /v1/events/schemas lists what there is"
            ) from None

    @app.get("/asyncapi.json", tags=["events"], summary="AsyncAPI description of the event log")
    async def asyncapi() -> dict[str, Any]:
        return asyncapi_document(catalogue, version, log_address)

    @cache
    def openapi() -> dict[str, Any]:
        document = get_openapi(title=app.title, version=version, routes=app.routes)
        return describe_posting(document, catalogue, limits)

    app.openapi = openapi  # type: ignore[method-assign]
    return app
