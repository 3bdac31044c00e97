"""The metrics of `rapport up`: this process's and those of its projection process, as one text."""

import asyncio
import shutil
from contextlib import suppress
from math import nan
from pathlib import Path
from typing import Final, Protocol

import httpx
from prometheus_client import generate_latest

from shared.metrics import OF_PROJECTIONS, OF_SUPERVISION, Metrics

_ANSWER_SECONDS: Final = 1.0
_FAMILY: Final = "# HELP "


class ServesMetrics(Protocol):
    """A process with metrics on the loopback interface."""

    @property
    def metrics_port(self) -> int | None:
        """Its port, or None while it serves none."""


class JoinedMetrics:
    """Answers scrapes. What projections observe comes from their process, or is absent while that does not answer."""

    def __init__(self, metrics: Metrics, projections: ServesMetrics, data: Path) -> None:
        self._metrics = metrics
        self._projections = projections
        self._data = data

    async def text(self) -> bytes:
        """Both in Prometheus's text format, each family once. Takes at most about a second; raises nothing."""
        theirs, _ = await asyncio.gather(self._theirs(), self._look_at_disk())
        self._metrics.projection_process_up.set(theirs is not None)
        own = generate_latest(self._metrics.registry).decode()
        return joined(own, theirs or "").encode()

    async def _theirs(self) -> str | None:
        port = self._projections.metrics_port
        if port is None:
            return None
        try:
            async with (
                asyncio.timeout(_ANSWER_SECONDS),
                httpx.AsyncClient(trust_env=False, timeout=_ANSWER_SECONDS) as client,
            ):
                answer = await client.get(f"http://127.0.0.1:{port}/metrics")
        except (httpx.HTTPError, TimeoutError):
            return None
        return answer.text if answer.status_code == httpx.codes.OK else None

    async def _look_at_disk(self) -> None:
        free, size = nan, nan
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS):
                usage = await asyncio.to_thread(shutil.disk_usage, self._data)
            free, size = usage.free, usage.total
        self._metrics.data_disk_free_bytes.set(free)
        self._metrics.data_disk_bytes.set(size)


def joined(own: str, of_projections: str) -> str:
    """Two texts of the same typed list as one: what projections observe from theirs, the rest from ours."""
    families = [family for family in _families(own) if not _observed_by_projections(family)]
    families += [family for family in _families(of_projections) if _observed_by_projections(family)]
    return "".join(_FAMILY + family for family in families)


def _families(text: str) -> list[str]:
    return text.split(_FAMILY)[1:]


def _observed_by_projections(family: str) -> bool:
    return family.startswith(OF_PROJECTIONS) and not family.startswith(OF_SUPERVISION)
