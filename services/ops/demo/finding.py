"""What a check of the demo finds."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that was checked, as it should be and as it is."""

    what: str
    expected: object
    found: object

    @property
    def right(self) -> bool:
        """Whether it is as it should be."""
        return self.expected == self.found
