"""What is done to a deployment, in which order and how long apart: drawn from a seed, and nothing but the seed."""

import os
from enum import StrEnum
from random import Random
from typing import NamedTuple

SEED_VARIABLE = "RAPPORT_CHAOS_SEED"
DEFAULT_SEED = 20
WORKERS = 3
LONGEST_GAP_SECONDS = 2.0
LONGEST_AWAY_SECONDS = 4.0


class Kind(StrEnum):
    """What can happen to a deployment."""

    WORKER_KILLED = "worker killed"
    WORKER_FROZEN = "worker frozen"
    INGEST_KILLED = "ingest killed"
    KAFKA_RESTARTED = "Kafka restarted"
    KAFKA_CRASHED = "Kafka crashed"
    POSTGRESQL_RESTARTED = "PostgreSQL restarted"
    POSTGRESQL_CRASHED = "PostgreSQL crashed"


class Fault(NamedTuple):
    """One thing that happens `after_seconds` of quiet, to the `worker`-th worker where it is one's fate.

    What is stopped comes back after `away_seconds`, and a worker woken that long after others took its partitions.
    With `worker_dies` that worker is killed meanwhile as well.
    """

    kind: Kind
    after_seconds: float
    away_seconds: float
    worker: int
    worker_dies: bool


class Operations(NamedTuple):
    """What operations staff does meanwhile: rebuilds, the first of which is killed, each `after_seconds` of quiet."""

    after_seconds: tuple[float, ...]
    killed_after_seconds: float


class Schedule(NamedTuple):
    """All that happens in one run."""

    faults: tuple[Fault, ...]
    operations: Operations


def chosen_seed() -> int:
    """The seed that RAPPORT_CHAOS_SEED names, else always the same one."""
    return int(os.environ.get(SEED_VARIABLE, DEFAULT_SEED))


def schedule(seed: int) -> Schedule:
    """Every kind of fault at least once and the death of a worker twice, in an order of the seed's."""
    random = Random(f"schedule {seed}")
    kinds = [*Kind, Kind.WORKER_KILLED]
    random.shuffle(kinds)
    faults = tuple(
        Fault(
            kind,
            after_seconds=random.uniform(0.2, LONGEST_GAP_SECONDS),
            away_seconds=random.uniform(0.5, LONGEST_AWAY_SECONDS),
            worker=random.randrange(WORKERS),
            worker_dies=random.random() < 1 / 3,
        )
        for kind in kinds
    )
    operations = Operations(
        tuple(random.uniform(1.0, 8.0) for _ in range(3)), killed_after_seconds=random.uniform(1.0, 4.0)
    )
    return Schedule(faults, operations)
