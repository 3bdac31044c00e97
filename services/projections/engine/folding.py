"""From events to the rows of one view. Pure: nothing is loaded or written here, and batches are not known.

`contribution_of` says what an event gives a view and needs no row; `evolved` and `merged` fold one contribution into
the rows there are; `fold` does so for many, over rows that were loaded, and keeps the order of a stream key where one
fails. A rebuild uses the first three over rows it keeps in memory. The rows of a `Ledger`, which may ask for more of
them while they are folded, are in `ledger_rows`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from services.projections.engine.generations import LiveView
from services.projections.engine.row_shape import RowValues, shape_of
from services.projections.erasure import is_erasure
from services.projections.read_models.declaration import Entries, Key, Ledger, Mergeable, Ordered, Row
from shared.envelope import RecordedEvent


class Contribution(NamedTuple):
    """What an event gives one view.

    `keys` are those of the rows it needs, as far as the event tells: one for `Ordered`, none for `Entries`. `given` is
    for `Entries` the row's values as they are written, for `Mergeable` the lifted rows by key, else nothing. Where the
    read model raised, `error` is what it raised. Where it `erases`, the rows that go with its party go first.
    """

    event: RecordedEvent[Any]
    keys: Collection[Key]
    given: Any = None
    error: Exception | None = None
    erases: bool = False


class BehindParkedError(Exception):
    """An earlier event of the same stream key is parked in this view, so this one waits for its turn."""

    def __init__(self) -> None:
        super().__init__(
            "an earlier event of the same stream key is parked in this view; redrive takes them in order"
        )


class Failure(NamedTuple):
    """A contribution that changes no row, and why: `BehindParkedError`, or what the read model raised."""

    contribution: Contribution
    error: Exception


class Folded(NamedTuple):
    """The rows to write, each key once, None for a row that is to go; and what to park, in order.

    `entries` are the values of rows that are only added.
    """

    entries: list[RowValues]
    rows: dict[Key, Row | None]
    failures: list[Failure]


def contribution_of(view: LiveView, event: RecordedEvent[Any]) -> Contribution | None:
    """What the event gives the view, None for nothing. Raises whatever the read model's functions raise."""
    read_model = view.read_model
    erases = read_model.erased is not None and is_erasure(event)
    if type(event.data) not in read_model.consumes:
        return Contribution(event, (), {}, erases=True) if erases else None
    kind = read_model.kind
    if isinstance(kind, Entries):
        row = kind.row(event)
        if row is None:
            return Contribution(event, (), {}, erases=True) if erases else None
        return Contribution(event, (), shape_of(view.table).entry_values(row), erases=erases)
    if isinstance(kind, Ledger):
        keys = kind.keys(event)
        return Contribution(event, keys) if keys else None
    if isinstance(kind, Mergeable):
        lifted = kind.lift(event)
        return Contribution(event, lifted.keys(), lifted, erases=erases) if lifted or erases else None
    key = kind.key(event)
    return None if key is None else Contribution(event, (key,))


def evolved(
    kind: Ordered, before: Callable[[Key], Row | None], contribution: Contribution
) -> dict[Key, Row | None]:
    """The row of the contribution's key after it, `before` answering the earlier one. Raises as the read model does."""
    return {key: kind.evolve(before(key), contribution.event) for key in contribution.keys}


def merged(
    kind: Mergeable, before: Callable[[Key], Row | None], contribution: Contribution
) -> dict[Key, Row]:
    """The rows of the contribution's keys after it, all of them or an error. Raises as the read model does."""
    after: dict[Key, Row] = {}
    lifted: Mapping[Key, Row] = contribution.given
    for key, row in lifted.items():
        other = before(key)
        after[key] = row if other is None else kind.combine(other, row)
    return after


def fold(
    view: LiveView,
    contributions: Iterable[Contribution],
    loaded: Mapping[Key, Row],
    parked_keys: Collection[str] = (),
) -> Folded:
    """Folds contributions to a view that is no `Ledger`, in the order of the log, over the `loaded` rows of their keys.

    One that fails, and those after it that have its stream key, change nothing and are answered as failures; so are
    those of `parked_keys`, stream keys of which the view has parked events already. Raises nothing.
    """
    kind = view.read_model.kind
    if isinstance(kind, Ledger):
        raise TypeError("the rows of a ledger are folded by update_ledger")
    stopped = set(parked_keys)
    folded = Folded([], {}, [])
    for contribution in contributions:
        stream_key = contribution.event.stream_key
        if stream_key in stopped:
            folded.failures.append(Failure(contribution, BehindParkedError()))
            continue
        try:
            _fold_one(kind, contribution, loaded, folded)
        except Exception as error:  # noqa: BLE001 - whatever a fold raises stops that stream key in that view alone
            stopped.add(stream_key)
            folded.failures.append(Failure(contribution, error))
    return folded


def _fold_one(
    kind: Entries | Ordered | Mergeable, contribution: Contribution, loaded: Mapping[Key, Row], folded: Folded
) -> None:
    if contribution.error is not None:
        raise contribution.error
    if isinstance(kind, Entries):
        if contribution.given:
            folded.entries.append(contribution.given)
        return
    rows = folded.rows

    def before(key: Key) -> Row | None:
        return rows[key] if key in rows else loaded.get(key)

    rows.update(
        evolved(kind, before, contribution)
        if isinstance(kind, Ordered)
        else merged(kind, before, contribution)
    )


def combine_ahead(view: LiveView, contributions: Iterable[Contribution]) -> dict[Key, Row] | None:
    """What the contributions to a `Mergeable` view come to without the rows there are; None where one fails.

    To be combined by `fold_ahead` with the rows, once they are loaded. None for other kinds.
    """
    kind = view.read_model.kind
    if not isinstance(kind, Mergeable):
        return None
    ahead: dict[Key, Row] = {}
    try:
        for contribution in contributions:
            if contribution.error is not None or contribution.erases:
                return None
            for key, row in contribution.given.items():
                ahead[key] = kind.combine(ahead[key], row) if key in ahead else row
    except Exception:  # noqa: BLE001 - `fold` goes through them one by one and finds the one that fails
        return None
    return ahead


def fold_ahead(
    view: LiveView, ahead: Mapping[Key, Row], loaded: Mapping[Key, Row]
) -> dict[Key, Row | None] | None:
    """The rows that `ahead` and the loaded ones make together; None where combining them fails."""
    kind = view.read_model.kind
    if not isinstance(kind, Mergeable):
        return None
    try:
        return {key: kind.combine(loaded[key], row) if key in loaded else row for key, row in ahead.items()}
    except Exception:  # noqa: BLE001 - `fold` goes through them one by one and finds the one that fails
        return None
