"""Every screen of the console, as its routes have them: where it shows something, and where there is nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, cast
from zoneinfo import ZoneInfo

from services.api.console.app import console_app
from services.api.console.assets import Assets
from services.api.console.pages import Pages
from tests.credentials import key

EVERYTHING = key("reader", roles=("front_line", "case_handler", "loyalty_desk", "care", "operator"))
"""The key of somebody to whom no screen is closed."""
UNKNOWN_CUSTOMER: Final = "cus_aaaaaaaaaaaaaaaaaaaaaaaaaa"


class Subject(NamedTuple):
    """Whom or what screens are opened for."""

    customer: str
    case: str = "C-1"
    task: str = "T-1"
    place: str = "0/0"
    job: str = "1"


class Screen(NamedTuple):
    """A route, with an address of it in which a subject's ids are to be put. `unknown` is one where there is nothing;
    `form` is what is sent there; `open` are those that one sees without having signed in.
    """

    method: str
    route: str
    address: str
    unknown: str | None = None
    form: Mapping[str, str] | None = None
    open: bool = False

    def of(self, subject: Subject) -> str:
        return self.address.format(**subject._asdict())


def _get(route: str, address: str | None = None, unknown: str | None = None, *, open: bool = False) -> Screen:  # noqa: A002 - as the door calls it
    return Screen("GET", route, address or route, unknown, open=open)


def _post(route: str, address: str, unknown: str | None = None, *, open: bool = False, **form: str) -> Screen:  # noqa: A002
    return Screen("POST", route, address, unknown, form, open)


SCREENS: Final = (
    _get("/console", open=True),
    _get("/console/"),
    _get("/console/assets/{name}", Assets().address("console.js"), "/console/assets/none.js", open=True),
    _get("/console/sign-in", open=True),
    _post("/console/sign-in", "/console/sign-in", open=True, credential="rapport_wrong"),
    _post("/console/sign-out", "/console/sign-out", open=True),
    _get("/console/search", open=True),
    _post("/console/search", "/console/search", q="M404-nobody"),
    _get("/console/c/{id}", "/console/c/{customer}", f"/console/c/{UNKNOWN_CUSTOMER}"),
    _get("/console/c/{id}/loyalty", "/console/c/{customer}/loyalty", f"/console/c/{UNKNOWN_CUSTOMER}/loyalty"),
    _get(
        "/console/c/{id}/timeline.json",
        "/console/c/{customer}/timeline.json",
        f"/console/c/{UNKNOWN_CUSTOMER}/timeline.json",
    ),
    _get(
        "/console/c/{id}/statement/{number:int}",
        "/console/c/{customer}/statement/1",
        f"/console/c/{UNKNOWN_CUSTOMER}/statement/1",
    ),
    _get("/console/case.json/{id:path}", "/console/case.json/{case}", "/console/case.json/C-404"),
    _get("/console/cases", unknown="/console/cases?cursor=nothing"),
    _get("/console/cases/{id:path}", "/console/cases/{case}", "/console/cases/C-404"),
    _post(
        "/console/cases/{id:path}", "/console/cases/{case}", "/console/cases/C-404",
        action="note_added", note="seen", once="once-1",
    ),
    _get("/console/tasks", "/console/tasks?assignee=", "/console/tasks?cursor=nothing"),
    _post(
        "/console/tasks/{id:path}", "/console/tasks/{task}", "/console/tasks/T-404",
        action="completed", outcome="called", once="once-1",
    ),
    _get("/console/desk", "/console/desk?location=hq/bangkok/bkk-01/door"),
    _get("/console/ops/views"),
    _get("/console/ops/views/{name}", "/console/ops/views/timeline", "/console/ops/views/nothing"),
    _get("/console/ops/parked", unknown="/console/ops/parked?view=nothing"),
    _get("/console/ops/events", unknown="/console/ops/events?source=/nowhere&id=nothing"),
    _get("/console/ops/events/{partition}/{offset}", "/console/ops/events/{place}", "/console/ops/events/0/99999"),
    _get("/console/ops/tail", unknown="/console/ops/tail?type=nothing"),
    _get("/console/ops/order", "/console/ops/order?kind=redrive&view=timeline", "/console/ops/order?kind=nothing"),
    _post("/console/ops/order", "/console/ops/order", kind="roll_back", view="timeline", typed="timeline"),
    _get("/console/ops/jobs", unknown="/console/ops/jobs?cursor=nothing"),
    _get("/console/ops/jobs/{number}", "/console/ops/jobs/{job}", "/console/ops/jobs/99999"),
    _get("/console/{rest:path}", "/console/nowhere", "/console/nowhere"),
)  # fmt: skip
STREAM: Final = ("GET", "/console/live")
"""The one address of the console that is no page."""


def routes() -> set[tuple[str, str]]:
    """The methods and routes of the console itself."""
    nothing, assets = cast("Any", None), Assets()
    console = cast(
        "Any",
        console_app(
            nothing,
            access=nothing,
            sessions=nothing,
            acting=nothing,
            pages=Pages(ZoneInfo("UTC"), assets),
            assets=assets,
            clock=lambda: datetime.now(UTC),
            machine_clock=lambda: datetime.now(UTC),
        ),
    )
    return {
        (method, route.path)
        for route in console._app.routes
        for method in (route.methods or {"GET"}) - {"HEAD"}
    }
