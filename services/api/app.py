"""The query API's ASGI application: routes, problems, and what surrounds every request."""

from collections.abc import Mapping

from fastapi import Depends, FastAPI

from services.api.access.disclosure import Disclosures
from services.api.access.identified import IdentifiedReaders
from services.api.access.reader import check_call
from services.api.console.acting import Acting
from services.api.console.app import ConsoleFirst, console_app
from services.api.console.assets import Assets
from services.api.console.pages import Pages
from services.api.console.sessions import Sessions
from services.api.cursor import Cursors
from services.api.ledger_writes import LedgerWrites
from services.api.live.hub import Hub
from services.api.observed_requests import ObservedRequests
from services.api.operations.room import OperationsRoom
from services.api.reads import Reads
from services.api.routes.access_records import access_record_routes
from services.api.routes.analytics_distributions import analytics_distribution_routes
from services.api.routes.analytics_runs import analytics_run_routes
from services.api.routes.arrivals import arrival_routes
from services.api.routes.at_risk import at_risk_routes
from services.api.routes.card import card_routes
from services.api.routes.complaint import complaint_routes
from services.api.routes.complaint_report import complaint_report_routes
from services.api.routes.complaints import complaint_list_routes
from services.api.routes.consents import consent_routes
from services.api.routes.contact_centre import contact_centre_routes
from services.api.routes.customer import customer_routes
from services.api.routes.customer_cases import customer_case_routes
from services.api.routes.customer_loyalty import customer_loyalty_routes
from services.api.routes.customer_scores import customer_score_routes
from services.api.routes.holds import hold_routes
from services.api.routes.identity_shared import identity_shared_routes
from services.api.routes.live import live_routes
from services.api.routes.lookup import Lookup, LookupFirst, lookup_routes
from services.api.routes.loyalty_account import loyalty_account_routes
from services.api.routes.loyalty_accounts import loyalty_accounts_routes
from services.api.routes.loyalty_settlement import loyalty_settlement_routes
from services.api.routes.operation_events import operation_event_routes
from services.api.routes.operation_jobs import operation_job_routes
from services.api.routes.operation_parked import operation_parked_routes
from services.api.routes.operation_views import operation_view_routes
from services.api.routes.recommendations import recommendation_routes
from services.api.routes.redemptions import redemption_routes
from services.api.routes.satisfaction import satisfaction_routes
from services.api.routes.segment_customers import segment_customer_routes
from services.api.routes.segments import segment_routes
from services.api.routes.tasks import task_routes
from services.api.routes.timeline import TimelineFirst, Timelines, timeline_routes
from services.api.routes.what_if import what_if_routes
from services.api.routes.winback import winback_routes
from services.projections.complaints.case_reads import CaseReads
from services.projections.loyalty.account_source import LedgerReads
from shared.clock import Clock
from shared.credentials.access import Access
from shared.credentials.described import with_bearers
from shared.http.disconnects import EndedByDisconnect
from shared.http.health import ReadinessCheck, health_routes
from shared.http.problems import ProblemBoundary, install_problem_handlers
from shared.http.service import Service
from shared.identifiers import PartyIds
from shared.metrics import Metrics

_DESCRIPTION = """
Customers, and what happened with them, from the views that projections keep.

Every answer carries `Rapport-Position`. Send it, or the `position` of an ingest answer, as
`Rapport-At-Least` to read what you wrote. Errors are RFC 9457 problem documents with a `code`.
"""


def api_app(
    reads: Reads,
    writes: LedgerWrites,
    *,
    access: Access,
    ledger: LedgerReads,
    cases: CaseReads,
    disclosures: Disclosures,
    cursors: Cursors,
    sessions: Sessions,
    acting: Acting,
    hub: Hub,
    operations: OperationsRoom,
    party_ids: PartyIds,
    phone_region: str,
    clock: Clock,
    readiness: Mapping[str, ReadinessCheck],
    metrics: Metrics,
) -> Service:
    """The application with its readiness checks and OpenAPI document. It starts and stops nothing itself.

    `clock` is the business's, of which deadlines and birthdays are.
    """
    app = FastAPI(
        title="Rapport query API",
        version="1",
        summary="Reads customers, their timelines and points, and redeems points",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    install_problem_handlers(app)
    lookup = Lookup(reads, party_ids, phone_region)
    timelines = Timelines(reads, cursors, disclosures)
    for routes in (
        timeline_routes(timelines),
        lookup_routes(lookup),
        at_risk_routes(reads, disclosures, cursors, clock),
        customer_score_routes(reads, disclosures, clock),
        customer_routes(reads),
        customer_loyalty_routes(reads, ledger, cursors, clock),
        loyalty_account_routes(reads, ledger, cursors, clock),
        loyalty_accounts_routes(reads),
        loyalty_settlement_routes(reads, ledger, clock),
        redemption_routes(reads, writes, party_ids),
        hold_routes(reads, writes, party_ids, clock),
        complaint_list_routes(reads, cases.policies, cursors, clock),
        complaint_report_routes(reads),
        complaint_routes(reads, cases, disclosures, cursors, clock),
        consent_routes(reads, cursors),
        card_routes(reads, ledger, disclosures, clock),
        customer_case_routes(reads, cases.policies, disclosures, cursors, clock),
        task_routes(reads, disclosures, cursors, clock),
        identity_shared_routes(reads, cursors),
        access_record_routes(reads, cursors),
        live_routes(hub, operations.samples.behind_seconds, clock),
        arrival_routes(reads, clock),
        analytics_run_routes(reads, cursors),
        analytics_distribution_routes(reads),
        segment_routes(reads, cursors),
        segment_customer_routes(reads, disclosures, cursors, clock),
        satisfaction_routes(reads, clock),
        contact_centre_routes(reads, clock),
        what_if_routes(reads),
        winback_routes(reads, clock),
        recommendation_routes(reads, disclosures),
        operation_view_routes(reads, operations),
        operation_parked_routes(reads, cursors),
        operation_event_routes(reads, operations, cursors),
        operation_job_routes(reads, operations.jobs, cursors),
    ):
        app.include_router(routes, dependencies=[Depends(check_call)])
    app.include_router(health_routes(readiness, metrics.registry))
    described = app.openapi
    app.openapi = lambda: with_bearers(described(), lambda path: path.startswith("/v1/"))  # type: ignore[method-assign]
    calls = TimelineFirst(timelines, others=LookupFirst(lookup, others=app))
    assets = Assets()
    console = console_app(
        calls,
        access=access,
        sessions=sessions,
        acting=acting,
        pages=Pages(ledger.programmes.default.zone, assets),
        assets=assets,
        clock=clock,
        machine_clock=operations.clock,
    )
    served = ConsoleFirst(console, others=IdentifiedReaders(calls, access))
    asgi = EndedByDisconnect(ProblemBoundary(served))
    observed = ObservedRequests(asgi, metrics.api_request_seconds)
    return Service(observed, readiness, app.openapi, on_stop=hub.subscriptions.close)
