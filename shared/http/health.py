"""Health over HTTP: /healthz (the process lives), /readyz (its dependencies answer) and /metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from shared.http.problems import Problem, described_problems

ReadinessCheck = Callable[[], Awaitable[None]]
"""Returns when a dependency answers; raises, with a reason for people, when it does not."""

MetricsText = Callable[[], Awaitable[bytes]]
"""Answers the metrics in Prometheus's text format, soon; must not raise."""

_CHECK_SECONDS = 3.0


def health_routes(
    readiness: Mapping[str, ReadinessCheck], exposed: CollectorRegistry | MetricsText
) -> APIRouter:
    """Routes for the probes of an orchestrator. `readiness` maps a dependency's name to its check.

    Checks run side by side and each counts as failed after 3 s. `exposed` is the registry whose metrics are
    shown, or makes their text for each scrape.
    """
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get(
        "/readyz", summary="Its dependencies answer", responses=described_problems({503: ["not_ready"]})
    )
    async def readyz() -> dict[str, object]:
        reasons = await asyncio.gather(*(_reason_against(check) for check in readiness.values()))
        checks = {name: reason or "ok" for name, reason in zip(readiness, reasons, strict=True)}
        failing = [f"{name}: {reason}" for name, reason in checks.items() if reason != "ok"]
        if failing:
            raise Problem(503, "not_ready", "; ".join(failing), retry_after_seconds=1, checks=checks)
        return {"status": "ready", "checks": checks}

    @routes.get("/metrics", summary="Metrics in Prometheus's text format", response_class=Response)
    async def metrics() -> Response:
        text = generate_latest(exposed) if isinstance(exposed, CollectorRegistry) else await exposed()
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    return routes


async def _reason_against(check: ReadinessCheck) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check()
    except TimeoutError:
        return f"no answer within {_CHECK_SECONDS:.0f} s"
    except Exception as error:  # noqa: BLE001 - whatever keeps a dependency from answering makes it not ready
        return str(error) or type(error).__name__
    return None
