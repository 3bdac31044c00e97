"""Ingest and the query API behind one port: one address, one OpenAPI document, one health."""

from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.health import MetricsText, ReadinessCheck, health_routes
from shared.http.problems import install_problem_handlers
from shared.http.service import Service

_INGEST_PATHS = ("/v1/events", "/asyncapi.json")
_PAGE_FILES = "/docs-files"
_OWN_PATHS = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")


class FrontDoor:
    """Hands each request to the service it is for; answers what both have in common from both."""

    def __init__(self, ingest: Service, api: Service, common: ASGIApp) -> None:
        self._ingest = ingest
        self._api = api
        self._common = common

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        path = scope.get("path", "")
        if path in _OWN_PATHS or path.startswith(_PAGE_FILES):
            await self._common(scope, receive, send)
        elif path in _INGEST_PATHS or path.startswith("/v1/events/"):
            await self._ingest(scope, receive, send)
        else:
            await self._api(scope, receive, send)


def common_app(
    ingest: Service, api: Service, further_readiness: dict[str, ReadinessCheck], metrics: MetricsText
) -> FastAPI:
    """Health, metrics, the merged OpenAPI document, and a page to read it on at /docs, which needs no other host."""
    app = FastAPIOffline(docs_url="/docs", redoc_url=None, title="Rapport", static_url=_PAGE_FILES)
    install_problem_handlers(app)
    readiness = {**ingest.readiness, **api.readiness, **further_readiness}
    app.include_router(health_routes(readiness, metrics))

    @cache
    def openapi() -> dict[str, Any]:
        return merged_openapi(api.openapi(), ingest.openapi())

    app.openapi = openapi  # type: ignore[method-assign]
    return app


def merged_openapi(*documents: dict[str, Any]) -> dict[str, Any]:
    """One document with the paths and components of all; where two say something of one name, the first holds."""
    merged: dict[str, Any] = {**documents[0], "paths": {}, "components": {}}
    infos = [document["info"] for document in documents]
    described = "\n\n".join(info["description"] for info in infos if "description" in info)
    merged["info"] = {
        **infos[0],
        "title": "Rapport",
        "summary": "Events in, timelines out",
        "description": described,
    }
    for document in documents:
        merged["paths"] = {**document["paths"], **merged["paths"]}
        for kind, named in document.get("components", {}).items():
            merged["components"][kind] = {**named, **merged["components"].get(kind, {})}
    return merged
