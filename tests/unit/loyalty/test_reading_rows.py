"""An account with many lots is read from the rows it takes, and from no more."""

from typing import Any

from services.projections.loyalty.evolve import evolve, keys
from services.projections.loyalty.programme_file import parse
from services.projections.loyalty.reading import account_view, latest_event
from services.projections.read_models.declaration import Key, Needs, Row
from tests.unit.loyalty.ledger import ACCOUNT, CIRCLE, Happened, Ledger, at, earned, held


def read(ledger: Ledger, time: str, most_lots: int | None = None) -> tuple[dict[str, Any], set[Key]]:
    """The account from stored rows, loaded as they are asked for, and the keys of those."""
    rows: dict[Key, Row | None] = {}
    wanted: set[Key] = {(ACCOUNT, "account", "")}
    while True:
        rows.update({key: ledger.folded.rows.get(key) for key in wanted})
        found = account_view(parse(CIRCLE, "test.toml"), rows, ACCOUNT, at(time), most_lots=most_lots)
        if not isinstance(found, Needs):
            assert found is not None
            return found, set(rows)
        assert set(found.keys) - rows.keys()
        wanted = set(found.keys)


def many(lots: int) -> list[Happened]:
    return [earned("2024-01-01", 1, f"2024-{2 + number % 10:02d}-01") for number in range(lots)]


def test_a_small_account_is_read_from_one_row() -> None:
    ledger = Ledger(many(20))
    view, rows = read(ledger, "2024-01-02")
    assert (view["balance"], len(rows)) == (20, 1)


def test_a_large_account_is_read_the_same_from_its_rows_as_from_its_events() -> None:
    ledger = Ledger(many(3000))
    for time in ("2024-01-02", "2024-06-01", "2025-01-01"):
        assert read(ledger, time)[0] == {**ledger.view(time), "anomalies": []}


def test_a_bounded_list_of_lots_reads_few_rows_and_shows_whole_expiries_only() -> None:
    ledger = Ledger(many(3000))
    view, rows = read(ledger, "2024-01-02", most_lots=350)
    assert (view["balance"], len(view["lots"])) == (3000, 350)
    assert view["expiring"] == [{"points": 300, "expires_at": "2024-02-01T00:00:00Z"}]
    assert len(rows) < 20


def test_a_hold_that_expired_is_asked_for_by_name() -> None:
    ledger = Ledger([earned("2024-01-01", 10), held("2024-01-02", "h-1", 5, "2024-01-03")])
    assert read(ledger, "2024-01-02")[1] == {(ACCOUNT, "account", "")}
    view, rows = read(ledger, "2024-01-03")
    assert (view["held"], view["available"]) == (0, 10)
    assert rows == {(ACCOUNT, "account", ""), (ACCOUNT, "hold", "h-1")}


def test_the_latest_time_of_an_account_is_told_by_its_row() -> None:
    ledger = Ledger([earned("2024-05-01", 10), earned("2024-01-02", 5)])
    assert latest_event(ledger.folded.rows, ACCOUNT) == at("2024-05-01")
    assert latest_event({("M9", "account", ""): None}, "M9") is None


def test_the_fold_changes_no_row_that_it_was_not_given() -> None:
    ledger = Ledger([earned("2024-01-01", 1 + number % 3) for number in range(200)])
    step = evolve(ledger.programmes)
    rows: dict[Key, Row | None] = {}
    for event in ledger.events:
        for key in keys(event):
            rows.setdefault(key)
        while isinstance(answer := step(rows, event), Needs):
            rows.update(dict.fromkeys(answer.keys))
        assert answer.rows.keys() <= rows.keys()
        rows.update(answer.rows)
    assert sum(kind == "lots" for _, kind, _ in rows) > 3
