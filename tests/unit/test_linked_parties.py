"""The memory of linked parties is bounded, and forgets who was added first."""

from services.projections.identity.linked_parties import LinkedParties


def test_of_too_many_parties_the_one_added_first_is_forgotten() -> None:
    linked = LinkedParties(most_parties=2)
    for party in ("one", "two", "two", "three"):
        linked.add(party)
    assert [party in linked for party in ("one", "two", "three")] == [False, True, True]
