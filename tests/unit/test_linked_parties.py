"""The memory of linked parties is bounded, and forgets who was added first."""

from services.projections.identity.linked_parties import LinkedParties


def test_of_too_many_parties_the_one_added_first_is_forgotten() -> None:
    linked = LinkedParties(most_parties=2)
    for party in ("one", "two", "two", "three"):
        linked.add(party, "plain")
    assert [linked.get(party) for party in ("one", "two", "three")] == [None, "plain", "plain"]


def test_how_a_party_is_linked_is_what_was_found_last() -> None:
    linked = LinkedParties()
    linked.add("one", "plain")
    linked.add("one", "tangled")
    assert linked.get("one") == "tangled"
