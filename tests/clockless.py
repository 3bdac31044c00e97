"""A machine whose clock and dice raise for whoever folds: projections know neither (guarantee G10).

Everybody else on the same machine, in other threads too, still has them.
"""

import os
import random
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import wraps
from typing import Any

from services.projections.read_models.declaration import ReadModel

_PROJECTION_CODE = (
    "services.projections.read_models.",
    "services.projections.complaints.",
    "services.projections.early_events",
    "services.projections.identity.",
    "services.projections.loyalty.",
    "services.projections.moments",
    "services.projections.tasks.",
    "services.projections.subjects",
    "services.projections.categories",
    "tests.case_ledger",
    "tests.complaint_trails",
    "tests.channel_totals",
    "tests.touch_counts",
)
_SOURCES = {
    time: ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"),
    random: ("random", "randint", "randrange", "choice", "choices", "shuffle", "sample", "uniform"),
    secrets: ("token_bytes", "token_hex", "token_urlsafe", "randbelow", "choice"),
    uuid: ("uuid1", "uuid4"),
    os: ("urandom",),
}
_folding = threading.local()


class ClockReadError(BaseException):
    """Projection code asked for the time, or for something random. It is no `Exception`, so that nothing parks it."""


def take_away_clocks(read_models: Iterable[ReadModel]) -> None:
    """From now on every clock and every dice raises while a function of these read models runs. For a whole process."""
    stand_ins: dict[int, Any] = {id(datetime): _Datetime, id(date): _Date}
    for source, names in _SOURCES.items():
        for name in names:
            found = getattr(source, name)
            stand_ins[id(found)] = _guarded(f"{source.__name__}.{name}", found)
            setattr(source, name, stand_ins[id(found)])
    for module in [module for name, module in sys.modules.items() if name.startswith(_PROJECTION_CODE)]:
        for name, value in list(vars(module).items()):
            if id(value) in stand_ins:
                setattr(module, name, stand_ins[id(value)])
    for read_model in read_models:
        for name in ("row", "key", "keys", "evolve", "lift", "combine"):
            if hasattr(read_model.kind, name):
                object.__setattr__(read_model.kind, name, _marked(getattr(read_model.kind, name)))


def _marked(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def marked(*arguments: Any) -> Any:
        _folding.active = True
        try:
            return function(*arguments)
        finally:
            _folding.active = False

    return marked


def _refuse_when_folding(what: str) -> None:
    if getattr(_folding, "active", False):
        raise ClockReadError(f"projection code called {what}: time comes from events, and nothing is random")


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        _refuse_when_folding(name)
        return function(*arguments, **named)

    return guarded


class _StandIn(type):
    """What is an instance of the class stood in for is one of the stand-in."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])


class _Datetime(datetime, metaclass=_StandIn):
    now = classmethod(_guarded("datetime.now", lambda _, *zone: datetime.now(*zone)))  # noqa: DTZ005
    utcnow = classmethod(_guarded("datetime.utcnow", lambda _: datetime.utcnow()))  # noqa: DTZ003
    today = classmethod(_guarded("datetime.today", lambda _: datetime.today()))  # noqa: DTZ002


class _Date(date, metaclass=_StandIn):
    today = classmethod(_guarded("date.today", lambda _: date.today()))  # noqa: DTZ011
