"""How different customers are in value and in need is told by shares that do not depend on how many there are."""

import math
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.analytics.customer_arrays import CategorySpend
from services.projections.analytics.needs import gini, need_share

amounts = st.lists(st.integers(0, 10**9), min_size=1, max_size=20)


def _spend(*rows: tuple[int, int, int]) -> CategorySpend:
    """Rows of customer, category and amount."""
    customer, category, spend = (np.array([row[index] for row in rows], np.int64) for index in range(3))
    names = [f"category {number}" for number in range(int(category.max(initial=-1)) + 1)]
    ones = np.ones(len(rows), np.int32)
    return CategorySpend(customer.astype(np.int32), category.astype(np.int32), spend, ones, names)


def test_value_is_spread_from_all_alike_to_one_has_all() -> None:
    assert gini(np.array([7, 7, 7])) == pytest.approx(0)
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(3 / 4)
    assert gini(np.array([1, 2, 3, 4])) == pytest.approx(1 / 4)


def test_losses_count_as_nothing_and_nothing_has_no_spread() -> None:
    assert gini(np.array([-5, 0, 8])) == gini(np.array([0, 0, 8]))
    assert gini(np.array([0, -1])) is None
    assert gini(np.array([], np.int64)) is None


@given(amounts)
def test_gini_is_half_the_mean_difference_over_the_mean(values: list[int]) -> None:
    found = gini(np.array(values))
    if not sum(values):
        assert found is None
        return
    pairs = sum(abs(one - other) for one, other in combinations_with_replacement(values, 2))
    assert found == pytest.approx(pairs / (len(values) * sum(values)), abs=1e-12)
    assert gini(np.array(values * 2)) == pytest.approx(found, abs=1e-12)


def test_needs_are_apart_where_each_buys_one_category_and_alike_where_all_buy_the_same() -> None:
    assert need_share(_spend((0, 0, 5), (1, 1, 7), (2, 1, 2))) == pytest.approx(1)
    assert need_share(_spend((0, 0, 1), (0, 1, 3), (1, 0, 10), (1, 1, 30))) == pytest.approx(0, abs=1e-12)


def test_needs_are_told_by_shares_of_spend() -> None:
    joint = {(0, 0): 6, (0, 1): 2, (1, 1): 8}
    customer, category = {0: 0.5, 1: 0.5}, {0: 6 / 16, 1: 10 / 16}
    information = sum(
        amount / 16 * math.log(amount / 16 / (customer[who] * category[what]))
        for (who, what), amount in joint.items()
    )
    entropy = -sum(each * math.log(each) for each in category.values())
    found = need_share(_spend(*((who, what, amount) for (who, what), amount in joint.items())))
    assert found == pytest.approx(information / entropy)


def test_needs_of_fewer_than_two_categories_cannot_differ() -> None:
    assert need_share(_spend()) is None
    assert need_share(_spend((0, 0, 5), (1, 0, 7))) is None
    assert need_share(_spend((0, 0, 5), (1, 1, -7))) is None


@given(st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 3)), st.integers(1, 10**6), max_size=20))
def test_needs_are_a_share(joint: dict[tuple[int, int], int]) -> None:
    found = need_share(_spend(*((who, what, joint[who, what]) for who, what in sorted(joint))))
    assert found is None or -1e-9 <= found <= 1 + 1e-9
