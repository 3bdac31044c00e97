"""One full example of the data of every event type."""

from typing import Any

CONTEXT: dict[str, Any] = {
    "customer": [
        {"type": "phone", "value": "030 / 901820"},
        {"type": "member", "value": "m-0012 34"},
        {"type": "email", "value": "Guest@Example.org"},
    ],
    "direction": "inbound",
    "staff": "s-17",
    "location": "hq/guangdong/gz-03",
    "conversation_id": "conv-9",
}
NOBODYS: dict[str, Any] = {name: value for name, value in CONTEXT.items() if name != "customer"}
EURO = {"amount": "12.50", "currency": "EUR"}
ASSIGNEE = {"person": "s-17", "department": "service"}
LINE = {
    "sku": "tea-1",
    "description": "Jasmine tea",
    "quantity": 2,
    "unit_price": {"amount": "6.25", "currency": "EUR"},
    "category": "drinks",
}
BY_WEIGHT = {**LINE, "sku": "rice-1", "quantity": "0.350"}
COMPLAINT = {**CONTEXT, "complaint_id": "c-1"}
NOTE = {**COMPLAINT, "note": "Called back at noon."}
REASON = {**COMPLAINT, "reason": "as agreed"}
ACCOUNT = {**CONTEXT, "account_id": "m-0012 34"}
TASK_CHANGE = {
    **CONTEXT,
    "task_id": "t-1",
    "assignee": ASSIGNEE,
    "due_at": "2024-05-02T17:00:00+07:00",
    "outcome": "reached",
}

GOLDEN_DATA: dict[str, dict[str, Any]] = {
    "interaction.recorded": {
        **CONTEXT,
        "kind": "visit",
        "category": "service",
        "summary": "Asked for the usual table.",
        "body": "First line.\nSecond line.",
        "outcome": "seated",
        "duration_seconds": 5400,
        "details": {"seat": "terrace 4", "guests": 3, "menu": "set B", "window": True},
    },
    "purchase.completed": {
        **CONTEXT,
        "order_id": "o-1",
        "total": EURO,
        "promised_total": {"amount": "12.00", "currency": "EUR"},
        "lines": [LINE, BY_WEIGHT],
        "coupons": ["SPRING"],
        "list_total": {"amount": "14.00", "currency": "EUR"},
    },
    "purchase.refunded": {
        **CONTEXT,
        "refund_id": "r-1",
        "order_id": "o-1",
        "amount": EURO,
        "reason": "spoilt",
    },
    "customer.described": {
        **CONTEXT,
        "attributes": {
            "name": "张 Ann",
            "salutation": "Dr",
            "language": "zh-Hans-CN",
            "birthday": "--02-29",
            "address": "1 High Street",
            "company": None,
            "preferences": {"pillow": "soft", "floor": 3},
            "dietary": "no nuts",
            "health_notes": None,
            "tags": ["regular"],
        },
    },
    "customer.erasure_requested": {**CONTEXT, "request_id": "e-1", "reason": "moved away"},
    "identity.linked": {
        **CONTEXT,
        "link_id": "l-1",
        "identifiers": [{"type": "member", "value": "m-0012 34"}, {"type": "cookie", "value": " ck-7 "}],
        "reason": "said so at the desk",
    },
    "identity.unlinked": {**CONTEXT, "link_id": "l-1", "reason": "was the wife's"},
    "consent.changed": {
        **CONTEXT,
        "purpose": "marketing",
        "granted": False,
        "channel": "sms",
        "evidence": "form 3",
    },
    "feedback.recorded": {
        **CONTEXT,
        "instrument": "servqual",
        "scores": {"reliability": 1, "tangibles": 7, "responsiveness": 4, "assurance": 5, "empathy": 6},
        "expectations": {"reliability": 7, "tangibles": 5, "responsiveness": 6, "assurance": 6, "empathy": 6},
        "comment": "Friendly, but slow.",
        "about": "o-1",
    },
    "referral.made": {**CONTEXT, "referred": [{"type": "email", "value": "Friend@Example.org"}]},
    "relationship.ended": {**CONTEXT, "reason": "moved to another country"},
    "loyalty.enrolled": {**ACCOUNT, "programme": "circle", "partner": "airline"},
    "loyalty.points_earned": {
        **ACCOUNT,
        "points": 50,
        "reason": "welcome",
        "qualifying": False,
        "expires_at": None,
        "partner": "airline",
        "order_id": "o-1",
    },
    "loyalty.points_adjusted": {
        **ACCOUNT,
        "points": -20,
        "reason": "typing error",
        "actor": "s-17",
        "expires_at": "2025-06-01T00:00:00+07:00",
    },
    "loyalty.redemption_requested": {
        **ACCOUNT,
        "redemption_id": "red-1",
        "points": 30,
        "reward": "dessert",
        "partner": "airline",
    },
    "loyalty.redemption_cancelled": {**ACCOUNT, "redemption_id": "red-1", "reason": "sold out"},
    "loyalty.hold_placed": {
        **ACCOUNT,
        "hold_id": "h-1",
        "points": 30,
        "expires_at": "2024-05-02T00:00:00+07:00",
    },
    "loyalty.hold_captured": {**ACCOUNT, "hold_id": "h-1", "points": 20, "reward": "dessert"},
    "loyalty.hold_released": {**ACCOUNT, "hold_id": "h-1"},
    "complaint.opened": {
        **COMPLAINT,
        "summary": "The soup was cold.",
        "description": "Twice.",
        "cause": "quality_below_expectation",
        "severity": "normal",
        "order_id": "o-1",
        "desired_outcome": "a new one",
        "claim": EURO,
    },
    "complaint.acknowledged": COMPLAINT,
    "complaint.started": COMPLAINT,
    "complaint.assigned": {**COMPLAINT, "assignee": ASSIGNEE, "level": "province"},
    "complaint.customer_awaited": NOTE,
    "complaint.customer_replied": NOTE,
    "complaint.note_added": NOTE,
    "complaint.escalated": {**COMPLAINT, "to_level": "headquarters", "reason": "regulator"},
    "complaint.resolved": {**COMPLAINT, "resolution": "apology", "handling_fault": "complacency"},
    "complaint.compensated": {**COMPLAINT, "kind": "voucher", "amount": EURO},
    "complaint.accepted": REASON,
    "complaint.reopened": REASON,
    "complaint.withdrawn": REASON,
    "complaint.closed": REASON,
    "task.created": {
        **CONTEXT,
        "task_id": "t-1",
        "title": "Call the guest back",
        "due_at": "2024-05-02T12:00:00+07:00",
        "assignee": ASSIGNEE,
        "complaint_id": "c-1",
    },
    "task.assigned": TASK_CHANGE,
    "task.rescheduled": TASK_CHANGE,
    "task.completed": TASK_CHANGE,
    "task.cancelled": TASK_CHANGE,
    "segment.defined": {
        **NOBODYS,
        "segment_id": "regulars",
        "version": 2,
        "rule": {
            "all": [
                {"score": "tier", "in": ["VIP", "A"]},
                {"score": "last_purchase", "before": {"ago": {"months": 3}}},
                {"any": [{"profile": "language", "is": "th"}, {"profile": "tags", "has": "tea"}]},
                {"not": {"consent": "marketing", "channel": "sms", "is": False}},
            ]
        },
    },
    "analytics.run_completed": {
        **NOBODYS,
        "run_id": "run-1",
        "as_of": "1997-10-01T00:00:00Z",
        "position": "0:9,1:12",
        "customers": 2357,
        "parameters": {
            "bg_nbd": {
                "r": 0.242593,
                "alpha": 4.41353,
                "a": 0.792886,
                "b": 2.42575,
                "log_likelihood": -9582.43,
            },
            "mbg_nbd": {
                "r": 0.524838,
                "alpha": 6.18299,
                "a": 0.891356,
                "b": 1.614,
                "log_likelihood": -9582.13,
            },
            "gamma_gamma": {"p": 6.2488, "q": 3.7446, "v": 15.4477, "log_likelihood": -4055.92},
        },
        "cuts": {"recency": [99.0, 198.0], "frequency": [1.0, 1.0], "monetary": [14.96, 27.99]},
        "backtest": {
            "sentence": "52 % right against a base of 34 %; finds 51 %",
            "rules": [
                {
                    "rule": "mbg_0.5",
                    "customers": 507,
                    "gone": 173,
                    "flagged": 169,
                    "right": 88,
                    "precision": 0.520710,
                    "recall": 0.508671,
                }
            ],
        },
        "settings": {"zone": "UTC", "base_currency": "USD"},
        "figures": {"coupon_share": 0.1},
        "notes": ["no category is known"],
    },
}
