"""The demo's sample is the published one, and its events are the same in every run."""

import hashlib
import json
from collections import Counter
from datetime import datetime
from decimal import Decimal

import pytest

from services.ops.demo.events import demo_events
from services.ops.demo.sample import CUSTOMERS, PURCHASES, TOTAL, Purchase, purchases
from shared.events.catalogue import Catalogue

ORIGINAL_SHA256 = "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a"


@pytest.fixture(scope="module")
def sample() -> list[Purchase]:
    return purchases()


def test_the_sample_has_the_published_figures(sample: list[Purchase]) -> None:
    assert len(sample) == PURCHASES == 6919
    assert len({purchase.sample_id for purchase in sample}) == CUSTOMERS == 2357
    assert sum(purchase.dollars for purchase in sample) == TOTAL == Decimal("244091.94")


def test_the_sample_is_byte_for_byte_the_original_when_written_in_its_layout(sample: list[Purchase]) -> None:
    lines = (
        f" {each.master_id} {each.sample_id} {each.day:%Y%m%d} {each.cds:2d} {each.dollars:>7}\r\n"
        for each in sample
    )

    assert hashlib.sha256("".join(lines).encode()).hexdigest() == ORIGINAL_SHA256


def test_every_purchase_becomes_one_event_with_its_amount(sample: list[Purchase]) -> None:
    bought = [event for event in demo_events(sample) if event["type"] == "purchase.completed"]

    assert len(bought) == PURCHASES
    assert sum(Decimal(event["data"]["total"]["amount"]) for event in bought) == TOTAL
    assert {event["channel"] for event in bought} == {"store", "web", "app"}


def test_events_have_ids_of_their_own_and_come_in_the_order_of_their_times(sample: list[Purchase]) -> None:
    events = demo_events(sample)

    assert max(Counter((event["source"], event["id"]) for event in events).values()) == 1
    times = [datetime.fromisoformat(event["time"]) for event in events]
    assert times == sorted(times)
    assert all(moment.tzinfo is not None for moment in times)


def test_the_same_purchases_give_the_same_events(sample: list[Purchase]) -> None:
    assert json.dumps(demo_events(sample)) == json.dumps(demo_events(reversed(sample)))


def test_every_event_passes_the_catalogue(sample: list[Purchase]) -> None:
    catalogue = Catalogue()
    for event in demo_events(sample):
        catalogue.decode(event["type"], None, json.dumps(event["data"]).encode())
