"""The demo's complaints: the same in every run, and what each comes to by the view's own rules."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from services.ops.demo.check_complaints import ENDS, by_story
from services.ops.demo.complaint_events import NOW, Complaint, complaint_events, complaints_of
from services.ops.demo.programme import policies_file
from services.ops.demo.sample import purchases
from services.projections.complaints.escalation import escalations
from services.projections.complaints.evolve import evolve
from services.projections.complaints.policy_file import load
from services.projections.complaints.policy_history import PolicyHistory, Registration
from services.projections.read_models.declaration import Needs, Row
from shared.codec import decode_record
from shared.events.catalogue import Catalogue
from tests.strategies import record_of


@pytest.fixture(scope="module")
def complaints() -> list[Complaint]:
    return complaints_of(purchases())


def test_every_story_is_told_of_somebody_and_one_complaint_is_forgotten(complaints: list[Complaint]) -> None:
    ways = by_story(complaints)
    assert ways["forgotten"] == 1
    assert complaints[-1].story == "forgotten"
    assert min(ways["answered"], ways["compensated"], ways["lied_to"]) >= 10
    assert max(Counter(each.complaint_id for each in complaints).values()) == 1


def test_the_same_purchases_give_the_same_complaints(complaints: list[Complaint]) -> None:
    assert complaints_of(reversed(purchases())) == complaints


def test_every_complaint_begins_after_its_purchase_and_ends_within_the_sample(
    complaints: list[Complaint],
) -> None:
    for complaint in complaints:
        times = [datetime.fromisoformat(event["time"]) for event in complaint_events(complaint)]
        assert times == sorted(times)
        assert complaint.purchase.day < times[0].date()
        assert times[-1] < NOW


def test_points_for_a_complaint_name_it_as_their_cause(complaints: list[Complaint]) -> None:
    caused = [
        (complaint.complaint_id, event["causeid"])
        for complaint in complaints
        for event in complaint_events(complaint)
        if event["type"] == "loyalty.points_adjusted"
    ]
    assert len(caused) == by_story(complaints)["compensated"]
    assert all(complaint_id == cause for complaint_id, cause in caused)


def test_each_story_ends_by_the_rules_as_the_check_expects_and_only_the_forgotten_one_is_to_be_escalated(
    complaints: list[Complaint],
) -> None:
    fold = evolve(PolicyHistory([Registration(load(policies_file()), {})]))
    for complaint in complaints:
        row = folded(fold, complaint)
        expected = ENDS[complaint.story]
        assert (row["state"], row["reopened"], row["on_time"], row["handling_fault"]) == (
            expected.state,
            expected.reopened,
            expected.on_time,
            expected.handling_fault,
        )
        found = [event["id"] for event in escalations([(complaint.complaint_id, row)], NOW)]
        forgotten = complaint.story == "forgotten"
        assert found == ([f"sla:{complaint.complaint_id}:resolution:1"] if forgotten else [])


def folded(fold: Any, complaint: Complaint) -> Row:
    """The complaint's row after its last event."""
    catalogue = Catalogue()
    rows: Mapping[Any, Row | None] = {(complaint.complaint_id, 0): None}
    for offset, event in enumerate(complaint_events(complaint)):
        if event["type"].startswith("complaint."):
            evolved = fold(rows, decode_record(record_of(event, offset=offset), catalogue))
            assert not isinstance(evolved, Needs)
            rows = evolved.rows
    row = rows[(complaint.complaint_id, 0)]
    assert row is not None
    return row
