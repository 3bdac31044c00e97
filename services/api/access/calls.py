"""Every call of the API and the part of it that it belongs to: roles are given parts."""

from collections.abc import Mapping
from typing import Final, Literal

Part = Literal[
    "look_up",
    "customers",
    "loyalty",
    "redeeming",
    "settlement",
    "complaints",
    "complaint_report",
    "handling",
    "tasks",
    "shared_identifiers",
    "access_records",
    "scores",
    "analytics",
    "audiences",
    "operations",
]

_ACCOUNT: Final = "/v1/loyalty/accounts/{account_id}"

CALLS: Final[Mapping[tuple[str, str], Part]] = {
    ("POST", "/v1/customers/lookup"): "look_up",
    ("GET", "/v1/customers/lookup"): "look_up",  # is answered 405
    ("GET", "/v1/customers/{id}"): "customers",
    ("GET", "/v1/customers/{id}/timeline"): "customers",
    ("GET", "/v1/customers/{id}/card"): "customers",
    ("GET", "/v1/customers/{id}/consents"): "customers",
    ("GET", "/v1/customers/{id}/loyalty"): "loyalty",
    ("GET", "/v1/customers/{id}/complaints"): "complaints",
    ("GET", "/v1/customers/{id}/tasks"): "tasks",
    ("GET", "/v1/loyalty/accounts"): "loyalty",
    ("GET", _ACCOUNT): "loyalty",
    ("GET", _ACCOUNT + "/entries"): "loyalty",
    ("GET", _ACCOUNT + "/redemptions/{redemption_id}"): "loyalty",
    ("GET", _ACCOUNT + "/holds/{hold_id}"): "loyalty",
    ("POST", _ACCOUNT + "/redemptions"): "redeeming",
    ("POST", _ACCOUNT + "/holds"): "redeeming",
    ("POST", _ACCOUNT + "/holds/{hold_id}/capture"): "redeeming",
    ("POST", _ACCOUNT + "/holds/{hold_id}/release"): "redeeming",
    ("GET", "/v1/loyalty/settlement"): "settlement",
    ("GET", "/v1/complaints"): "complaints",
    ("GET", "/v1/complaints/report"): "complaint_report",
    ("GET", "/v1/complaints/{complaint_id}"): "complaints",
    ("GET", "/v1/complaints/{complaint_id}/history"): "complaints",
    ("GET", "/v1/tasks"): "tasks",
    ("GET", "/v1/identity/shared"): "shared_identifiers",
    ("GET", "/v1/access-records"): "access_records",
    ("GET", "/v1/arrivals"): "customers",
    ("GET", "/v1/live"): "customers",  # and the part of each topic besides
    ("GET", "/v1/customers/{id}/scores"): "scores",
    ("GET", "/v1/customers/{id}/recommendations"): "scores",
    ("GET", "/v1/customers/at-risk"): "audiences",
    ("GET", "/v1/segments"): "analytics",
    ("GET", "/v1/segments/{segment_id}/customers"): "audiences",
    ("GET", "/v1/analytics/runs"): "analytics",
    ("GET", "/v1/analytics/runs/{run_id}"): "analytics",
    ("GET", "/v1/analytics/distributions"): "analytics",
    ("GET", "/v1/analytics/satisfaction"): "analytics",
    ("GET", "/v1/analytics/contact-centre"): "analytics",
    ("GET", "/v1/analytics/winback"): "analytics",
    ("POST", "/v1/analytics/what-if"): "analytics",
    ("GET", "/v1/operations/views"): "operations",
    ("GET", "/v1/operations/views/{name}"): "operations",
    ("GET", "/v1/operations/parked"): "operations",
    ("GET", "/v1/operations/events"): "operations",
    ("GET", "/v1/operations/events/{partition}/{offset}"): "operations",
    ("GET", "/v1/operations/tail"): "operations",
    ("GET", "/v1/operations/parked/count"): "operations",
    ("GET", "/v1/operations/jobs"): "operations",
    ("POST", "/v1/operations/jobs"): "operations",
    ("GET", "/v1/operations/jobs/{number}"): "operations",
}
"""By method and route. A call that is not listed is nobody's, so that a new one is opened by decision; `HEAD` is
`GET`.
"""


def part_of(method: str, route: str) -> Part | None:
    """The part that a call belongs to, None for one that is not listed."""
    return CALLS.get(("GET" if method == "HEAD" else method, route))
