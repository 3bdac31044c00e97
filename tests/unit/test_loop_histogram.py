"""A histogram that one thread observes, beside the one of the metrics library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from shared.loop_histogram import LoopHistogram

BOUNDS = (0.001, 0.5, 1.0, 10.0)


def samples(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@given(st.lists(st.sampled_from([*BOUNDS, 0.0, 0.25, 0.75, 11.0]) | st.floats(0, 100)))
def test_it_shows_what_the_librarys_histogram_shows(amounts: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    quick = LoopHistogram("seconds", "How long", buckets=BOUNDS, registry=ours)
    usual = Histogram("seconds", "How long", buckets=BOUNDS, registry=theirs)

    for amount in amounts:
        quick.observe(amount)
        usual.observe(amount)

    assert samples(ours) == samples(theirs)


def test_its_name_is_taken_once() -> None:
    registry = CollectorRegistry()
    LoopHistogram("seconds", "How long", buckets=BOUNDS, registry=registry)

    with pytest.raises(ValueError, match="seconds"):
        LoopHistogram("seconds", "How long", buckets=BOUNDS, registry=registry)
