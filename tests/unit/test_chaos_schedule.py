"""The fault schedule of the chaos test: the seed decides all of it, and no seed leaves anything out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.chaos.schedule import (
    DEFAULT_SEED,
    LONGEST_AWAY_SECONDS,
    LONGEST_GAP_SECONDS,
    SEED_VARIABLE,
    WORKERS,
    Kind,
    chosen_seed,
    schedule,
)

SEEDS = st.integers()


@given(SEEDS)
def test_a_seed_gives_the_same_schedule_every_time(seed: int) -> None:
    assert schedule(seed) == schedule(seed)


@given(SEEDS)
def test_every_kind_of_fault_is_in_every_schedule(seed: int) -> None:
    assert {fault.kind for fault in schedule(seed).faults} == set(Kind)


@given(SEEDS)
def test_schedules_are_bounded(seed: int) -> None:
    faults = schedule(seed).faults
    assert all(0 < fault.after_seconds <= LONGEST_GAP_SECONDS for fault in faults)
    assert all(0 < fault.away_seconds <= LONGEST_AWAY_SECONDS for fault in faults)
    assert all(fault.worker in range(WORKERS) for fault in faults)
    assert len(faults) <= len(Kind) + 1


def test_seeds_give_different_orders() -> None:
    assert len({tuple(fault.kind for fault in schedule(seed).faults) for seed in range(50)}) > 40


def test_the_environment_chooses_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SEED_VARIABLE, raising=False)
    assert chosen_seed() == DEFAULT_SEED
    monkeypatch.setenv(SEED_VARIABLE, "77")
    assert chosen_seed() == 77
