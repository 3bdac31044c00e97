"""What a scenario reports: figures, their medians and paired ratios, and whether what was wanted is met."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median

Measure = Callable[[], Awaitable[float]]
"""Makes one measurement of one contender and answers its figure; may be repeated."""


class BenchError(Exception):
    """A measurement that would mean nothing: a contender failed, refused work, or could not be started."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One contender's figure of each round, in the order of the rounds; at least one."""

    contender: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle figure."""
        return median(self.rounds)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Bounds of which at least one has to hold: a ratio to the yardstick, a least or a largest figure."""

    least_ratio: float | None = None
    least: float | None = None
    most: float | None = None

    def met(self, figure: float, ratio: float | None) -> bool:
        """Whether one of the bounds holds; a bound on a ratio never holds without a ratio."""
        return (
            (self.least_ratio is not None and ratio is not None and ratio >= self.least_ratio)
            or (self.least is not None and figure >= self.least)
            or (self.most is not None and figure <= self.most)
        )

    def __str__(self) -> str:
        bounds = [
            f"≥ {self.least:,.10g}" if self.least is not None else "",
            f"≤ {self.most:,.10g}" if self.most is not None else "",
            f"≥ {self.least_ratio:g}x" if self.least_ratio is not None else "",
        ]
        return " or ".join(bound for bound in bounds if bound)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. Both figures are in `unit`; without a yardstick the figure stands alone."""

    scenario: str
    unit: str
    ours: Figures
    yardstick: Figures | None = None
    wanted: Wanted | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over the yardstick: the median of the rounds' ratios, so that a machine's drift cancels."""
        if self.yardstick is None:
            return None
        return median(
            ours / theirs for ours, theirs in zip(self.ours.rounds, self.yardstick.rounds, strict=True)
        )

    @property
    def met(self) -> bool | None:
        """Whether what was wanted is met; None where nothing was wanted."""
        return None if self.wanted is None else self.wanted.met(self.ours.median, self.ratio)


@dataclass(frozen=True, slots=True)
class Left:
    """Something that was not measured, and why."""

    what: str
    why: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scenario found."""

    rows: tuple[Row, ...]
    left: tuple[Left, ...] = ()


async def interleave(contenders: Mapping[str, Measure], rounds: int) -> dict[str, Figures]:
    """Measures every contender once a round, in the order given (A B A B …); answers each one's figures."""
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            figures[name].append(await measure())
    return {name: Figures(name, tuple(measured)) for name, measured in figures.items()}


def percentile(values: list[float], share: float) -> float:
    """The smallest value that a `share` (0 to 1) of them do not exceed. Raises `ValueError` on none."""
    if not values:
        raise ValueError("a percentile of no values")
    ordered = sorted(values)
    rank = -(-share * len(ordered) // 1)  # rounded up: nearest-rank
    return ordered[max(int(rank), 1) - 1]
