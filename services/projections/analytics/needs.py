"""How different customers are in what they are worth, and in what they need [Peppers, Rogers 1993]."""

import numpy as np
from numpy.typing import NDArray

from services.projections.analytics.customer_arrays import CategorySpend


def gini(values: NDArray[np.int64]) -> float | None:
    """The Gini coefficient of values, those below 0 taken as 0: 0 where all are equal, towards 1 where one has all.

    None where nobody has anything.
    """
    worth = np.sort(np.maximum(values, 0)).astype(np.float64)
    total = float(worth.sum())
    if not total:
        return None
    count = len(worth)
    ranks = np.arange(1, count + 1)
    return float(2 * (ranks @ worth) / (count * total) - (count + 1) / count)


def need_share(spend: CategorySpend) -> float | None:
    """I(customer; category) / H(category) over what was spent: 1 where each customer buys one category, 0 where all buy
    alike. None with fewer than two categories, of which needs cannot differ.
    """
    positive = spend.spend > 0
    owner, category = spend.customer[positive], spend.category[positive]
    share = spend.spend[positive] / max(1, int(spend.spend[positive].sum()))
    entropy = _entropy(_sums(category, share))
    if entropy <= 0:
        return None
    return float((_entropy(_sums(owner, share)) + entropy - _entropy(share)) / entropy)


def _sums(places: NDArray[np.int32], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(places, weights=shares).astype(np.float64)


def _entropy(shares: NDArray[np.float64]) -> float:
    held = shares[shares > 0]
    return float(-(held * np.log(held)).sum()) if len(held) > 1 else 0.0
