"""Which matters the first contact settled."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.analytics.contact_chains import (
    Contact,
    FirstContacts,
    Matter,
    Outcome,
    first_contacts,
    matters,
)

DAY = timedelta(days=1)
START = datetime(2026, 7, 1, tzinfo=UTC)
JULY = (START, START + 31 * DAY)
LATER = START + 100 * DAY


def contact(
    day: float, customer: str = "a", category: str = "service", conversation_id: str | None = None
) -> Contact:
    return Contact(customer, category, START + day * DAY, f"e-{day}", conversation_id, "phone", None)


def outcomes(*contacts: Contact, complaints: tuple[float, ...] = (), now: datetime = LATER) -> list[Outcome]:
    opened = [("a", START + day * DAY) for day in complaints]
    return [each.outcome for each in matters(contacts, opened, JULY, now)]


@pytest.mark.parametrize(
    ("contacts", "found"),
    [
        ([contact(0)], ["settled"]),
        ([contact(0), contact(7)], ["not_settled"]),
        ([contact(0), contact(7.01)], ["settled", "settled"]),
        ([contact(0), contact(6), contact(12)], ["not_settled"]),
        ([contact(0), contact(1, category="enquiry")], ["settled", "settled"]),
        ([contact(0), contact(1, customer="b")], ["settled", "settled"]),
        ([contact(0, conversation_id="c"), contact(1, conversation_id="c")], ["settled"]),
        ([contact(0, conversation_id="c"), contact(1, conversation_id="d")], ["not_settled"]),
        ([contact(0, conversation_id="c"), contact(1)], ["not_settled"]),
        ([contact(-1), contact(1)], []),
        ([contact(-8), contact(1)], ["settled"]),
        ([contact(30.9)], ["settled"]),
        ([contact(31)], []),
    ],
)
def test_a_chain_breaks_after_seven_days_and_a_conversation_is_one_contact(
    contacts: list[Contact], found: list[Outcome]
) -> None:
    assert outcomes(*contacts) == found


@pytest.mark.parametrize(
    ("day", "found"), [(-0.1, "settled"), (0, "not_settled"), (7, "not_settled"), (7.1, "settled")]
)
def test_a_complaint_meanwhile_says_that_it_was_not_settled(day: float, found: Outcome) -> None:
    assert outcomes(contact(0), complaints=(day,)) == [found]


def test_a_matter_is_pending_until_seven_days_have_passed_unless_it_is_known_already() -> None:
    assert outcomes(contact(0), now=START + 7 * DAY) == ["pending"]
    assert outcomes(contact(0), now=START + 7 * DAY + timedelta(seconds=1)) == ["settled"]
    assert outcomes(contact(0), contact(1), now=START + 2 * DAY) == ["not_settled"]
    assert outcomes(contact(0), complaints=(1,), now=START + 2 * DAY) == ["not_settled"]
    assert outcomes(contact(0), complaints=(3,), now=START + 2 * DAY) == ["pending"]


def test_the_share_leaves_out_what_is_pending() -> None:
    found = matters([contact(0), contact(9), contact(10), contact(30)], [], JULY, START + 32 * DAY)
    assert first_contacts(found) == FirstContacts(matters=2, settled=1, pending=1)
    assert first_contacts(found).figures()["share"] == 0.5
    assert first_contacts([]).figures()["share"] is None


def told(found: list[Matter]) -> list[tuple[Any, ...]]:
    return sorted((*each.first[:4], each.last, each.outcome) for each in found)


CONTACTS = st.lists(
    st.builds(
        contact,
        st.integers(-10, 40).map(float),
        st.sampled_from("ab"),
        st.sampled_from(["service", "enquiry"]),
        st.sampled_from([None, "c", "d"]),
    ),
    max_size=12,
)


@given(contacts=CONTACTS, data=st.data(), until=st.integers(0, 45))
def test_the_order_of_contacts_does_not_matter_and_what_is_decided_stays_so(
    contacts: list[Contact], data: st.DataObject, until: int
) -> None:
    now = START + until * DAY
    known = [each for each in contacts if each.time <= now]
    then = matters(known, [], JULY, now)
    assert told(matters(data.draw(st.permutations(known)), [], JULY, now)) == told(then)
    in_the_end = {(each.first[:3]): each.outcome for each in matters(contacts, [], JULY, LATER)}
    for matter in then:
        if matter.outcome != "pending":
            assert in_the_end[matter.first[:3]] == matter.outcome
