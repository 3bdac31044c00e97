"""The load generator's list: acknowledged exactly once, refused never, unanswered at most once."""

from decimal import Decimal

import pytest

from shared.position import Position
from tests.e2e.chaos.ledger import Fate, Ledger, Sent, Tally


@pytest.fixture
def ledger() -> Ledger:
    """Of member M: `a` and `b` acknowledged, `r` refused, `u` unanswered. Of member N: `n` acknowledged."""
    ledger = Ledger()
    for event_id in ("a", "b", "r", "u"):
        ledger.send(Sent(event_id, "M", "web", "enquiry"))
    ledger.send(Sent("n", "N", "store", "sales", Decimal("1.50")))
    ledger.acknowledge(["a"], Position({0: 1}))
    ledger.acknowledge(["b"], Position({0: 2, 1: 1}))
    ledger.acknowledge(["n"], Position({1: 2}))
    ledger.refuse("r")
    return ledger


@pytest.mark.parametrize("shown", [["a", "b"], ["b", "u", "a"]])
def test_what_is_unanswered_may_be_there_or_not(ledger: Ledger, shown: list[str]) -> None:
    assert ledger.wrong_with("M", shown) == []


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        (["a"], "M: ['b'] acknowledged, but not there"),
        (["a", "b", "r"], "M: ['r'] refused, but there"),
        (["a", "b", "b"], "M: ['b'] there more than once"),
        (["a", "b", "u", "u"], "M: ['u'] there more than once"),
        (["a", "b", "n"], "M: ['n'] not this member's"),
    ],
)
def test_what_is_wrong_is_told(ledger: Ledger, shown: list[str], wrong: str) -> None:
    assert ledger.wrong_with("M", shown) == [wrong]


def test_an_unanswered_event_sent_again_takes_its_answer(ledger: Ledger) -> None:
    ledger.send(Sent("u", "M", "web", "enquiry"))
    assert ledger.fate("u") is Fate.UNANSWERED
    ledger.acknowledge(["u"], Position({0: 3}))
    assert ledger.fate("u") is Fate.ACKNOWLEDGED
    assert ledger.acknowledged_of("M") == (3, Position({0: 3, 1: 1}))


def test_an_acknowledged_event_sent_again_stays_acknowledged_and_counts_once(ledger: Ledger) -> None:
    ledger.send(Sent("a", "M", "web", "enquiry"))
    ledger.acknowledge(["a"], Position({0: 9}))
    assert ledger.acknowledged_of("M") == (2, Position({0: 9, 1: 1}))
    assert ledger.contradictions == []


def test_an_event_that_is_acknowledged_and_refused_is_a_contradiction(ledger: Ledger) -> None:
    ledger.refuse("a")
    assert ledger.contradictions == ["a was acknowledged and then refused"]
    assert ledger.fate("a") is Fate.ACKNOWLEDGED


def test_a_tally_is_what_a_summary_has_to_say(ledger: Ledger) -> None:
    tally = ledger.tally(["a", "n"])
    assert tally == Tally(2, {"web": 1, "store": 1}, {"enquiry": 1, "sales": 1}, Decimal("1.50"))  # type: ignore[arg-type]
