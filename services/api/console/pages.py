"""Draws pages: templates that escape everything and miss nothing that they name."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.api.conditional import etag_of, matches
from services.api.console import moments
from services.api.console.assets import Assets
from services.api.console.clock_bars import REASONS
from services.projections.complaints.escalation_id import escalated_clock

_PRIVATE: Final = {"cache-control": "private, no-store"}


class Pages:
    """The templates of the console. `zone` is where its times are told, and named on every page."""

    def __init__(self, zone: ZoneInfo, assets: Assets) -> None:
        self.zone = zone
        environment = Environment(
            loader=PackageLoader("services.api.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals["asset"] = assets.address
        environment.globals["zone_name"] = zone.key
        environment.filters["clock_time"] = lambda told: moments.clock_time(moments.instant(told), zone)
        environment.filters["day_name"] = lambda told: moments.day_name(moments.instant(told), zone)
        environment.filters["short_time"] = lambda told: moments.short(moments.instant(told), zone)
        environment.filters["due"] = lambda told, now: moments.due(moments.instant(told), now)
        environment.filters["duration"] = moments.duration
        environment.filters["words"] = lambda code: str(code).replace("_", " ")
        environment.filters["told"] = _told
        environment.filters["reason"] = lambda code: REASONS[code]
        environment.filters["escalated_clock"] = lambda item: escalated_clock(
            item["event_id"], item["source"]
        )
        self._environment = environment

    def text(self, template: str, given: Mapping[str, Any]) -> str:
        """A template filled in. Raises jinja2's `UndefinedError` for a name that it was not given."""
        return self._environment.get_template(template).render(given)

    def part(self, template: str, given: Mapping[str, Any], request: Request) -> Response:
        """A part of a page as an answer that tells by its ETag whether it is what the reader has."""
        text = self.text(template, given).encode()
        etag = etag_of(text)
        headers = {**_PRIVATE, "etag": etag.decode()}
        if matches(request.scope["headers"], etag):
            return Response(status_code=304, headers=headers)
        return HTMLResponse(text, headers=headers)

    def page(self, template: str, given: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """It as an answer that no cache keeps, since pages hold personal data."""
        return HTMLResponse(self.text(template, given), status, headers=dict(_PRIVATE))


def _told(value: Any) -> str:
    """A value that a channel system noted, as people say it."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
