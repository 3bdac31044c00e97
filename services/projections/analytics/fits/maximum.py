"""Finds the parameters under which what was seen is most likely: log parameters, L-BFGS-B, several starts."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from services.projections.analytics.fits.unfit import Unfit

LogLikelihood = Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]
"""Of parameters: the mean log-likelihood a customer, and its gradient by each parameter."""

_BOUND: Final = float(np.log(1e5))
"""Of a parameter's logarithm, either way."""
_AT_BOUND: Final = 1e-3
_OPTIONS: Final = {"maxiter": 2000, "maxfun": 4000, "ftol": 1e-14, "gtol": 1e-9}


def most_likely(
    log_likelihood: LogLikelihood, starts: Sequence[Sequence[float]], names: Sequence[str]
) -> NDArray[np.float64] | Unfit:
    """The parameters, all above 0, with the greatest likelihood that any start led to.

    `Unfit` where that is none, or lies at a bound: then what was seen does not tell the parameters.
    """

    def lost(logs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parameters = np.exp(logs)
        value, gradient = log_likelihood(parameters)
        return -value, -gradient * parameters

    bounds = [(-_BOUND, _BOUND)] * len(names)
    best = None
    for start in starts:
        found = minimize(lost, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=_OPTIONS)
        if np.isfinite(found.fun) and (best is None or found.fun < best.fun):
            best = found
    if best is None:
        return Unfit("no start led to parameters")
    at_bound = [name for name, value in zip(names, best.x, strict=True) if abs(value) > _BOUND - _AT_BOUND]
    if at_bound:
        return Unfit(f"what was bought does not tell {', '.join(at_bound)}: the fit ran to its bound")
    fitted: NDArray[np.float64] = np.exp(best.x)
    return fitted
