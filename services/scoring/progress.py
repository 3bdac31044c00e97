"""How a run tells what it is doing."""

from collections.abc import Callable

Report = Callable[[str], None]
"""Is told the step that begins, in words; must not block."""


def unheard(_step: str) -> None:
    """For those who need not be told."""
