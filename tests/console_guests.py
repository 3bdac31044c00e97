"""People to show on the console's screens: one of whom everything is known, all of it hostile text, and a neighbour."""

from typing import Any

from tests.complaining import acknowledged, created, happened, opened
from tests.credentials import key
from tests.projecting import purchase
from tests.strategies import JsonObject

XSS = "<script>alert(1)</script><img src=x onerror=alert(2)>"
ADA: list[JsonObject] = [{"type": "member", "value": "M1"}]
PHONE, EMAIL, SHARED_PHONE = "+491711234567", "ada@example.org", "+4930111"
ALIKE = ("AX-771234", "BX-771234")
"""Cards of two strangers that end alike."""
DESK = key("reader", roles=("front_line", "case_handler"))
OPERATOR = key("reader", roles=("operator",))
LOYALTY_DESK = key("reader", roles=("loyalty_desk",))


def event(id_: str, type_: str, time: str = "2026-06-01T10:00:00Z", **data: Any) -> JsonObject:
    """An event of Ada's, unless it names others."""
    return purchase(0, id=id_, type=type_, time=time, channel="store", data={"customer": ADA, **data})


def guests() -> list[JsonObject]:
    """What was posted of them."""
    reached = [*ADA, {"type": "phone", "value": PHONE}, {"type": "email", "value": EMAIL}]
    shared = {"type": "phone", "value": SHARED_PHONE}
    neighbour = [{"type": "member", "value": "M2"}, shared]
    attributes = {"name": f"Ada {XSS}", "dietary": "secret-nuts", "tags": [XSS]}
    return [
        event("told", "customer.described", attributes=attributes),
        event(
            "met", "interaction.recorded", kind="visit", category="sales", customer=reached, summary=XSS, body=XSS,
            location="hq/bar", details={"seat": XSS}, staff=XSS,
        ),
        event("one", "interaction.recorded", kind="call", category="sales", customer=[*ADA, shared]),
        event("two", "interaction.recorded", kind="call", category="sales", customer=neighbour),
        event("joined", "loyalty.points_earned", account_id="M1", points=70, reason=XSS),
        event("more", "loyalty.points_earned", account_id="M1", points=20, reason="again"),
        *(
            event(f"looked-{minute}", "interaction.recorded", f"2026-05-01T10:0{minute}:00Z", kind="page_view",
                  category="sales")
            for minute in range(4)
        ),
        event(
            "came", "interaction.recorded", "2026-07-01T09:30:00Z", kind="visit", category="sales",
            location="hq/bangkok/bkk-01/door",
        ),
        *(purchase(number, card) for number, card in enumerate(ALIKE, 7000)),
        opened("08:00", customer=ADA, summary=XSS, description=XSS),
        opened("07:00", "C-PAUSED", customer=ADA, summary="x"),
        acknowledged("07:30", "C-PAUSED"),
        happened("customer_awaited", "09:30", "C-PAUSED"),
        happened("customer_replied", "10:30", "C-PAUSED"),
        happened("customer_awaited", "11:00", "C-PAUSED"),
        created("2026-07-02T10:00", customer=ADA, title=XSS),
    ]  # fmt: skip
