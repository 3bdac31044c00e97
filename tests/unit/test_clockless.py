"""The clocks that raise in projection code do raise there, and nowhere else."""

import random
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from services.projections.read_models import customer_summary
from tests.clockless import ClockReadError
from tests.complaint_trails import COMPLAINT_TRAILS


class Asking:
    """Stands for an event whose fold asks for what it must not know."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask

    @property
    def data(self) -> Any:
        return self._ask()


def datetime_of_projections() -> Any:
    """What a read model means by `datetime`."""
    return vars(customer_summary)["datetime"]


@pytest.mark.parametrize(
    ("source", "name"), [(time, "time"), (time, "monotonic"), (random, "random"), (uuid, "uuid4")]
)
def test_a_fold_that_asks_for_the_time_or_for_chance_is_stopped(source: Any, name: str) -> None:
    ask = getattr(source, name)
    with pytest.raises(ClockReadError, match=f"projection code called {source.__name__}.{name}"):
        COMPLAINT_TRAILS.kind.key(Asking(ask))  # type: ignore[arg-type, union-attr]
    ask()


@pytest.mark.parametrize("name", ["now", "utcnow", "today"])
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_a_fold_that_asks_for_the_day_is_stopped(name: str) -> None:
    ask = getattr(datetime_of_projections(), name)
    with pytest.raises(ClockReadError, match=f"datetime.{name}"):
        COMPLAINT_TRAILS.kind.key(Asking(ask))  # type: ignore[arg-type, union-attr]
    ask()


def test_times_are_still_times_for_projection_code() -> None:
    assert isinstance(datetime(2024, 5, 1, tzinfo=UTC), datetime_of_projections())
