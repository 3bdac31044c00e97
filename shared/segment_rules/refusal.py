"""Why a segment's rule is not taken."""

from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Names and places in arrays, from the rule's root."""


class RuleRefusedError(ValueError):
    """A rule that is wrong at `path`, for a reason that says what would do."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{pointer_of(path) or 'the rule'}: {reason}")
        self.path = path
        self.reason = reason


def pointer_of(path: Path) -> str:
    """The path as an RFC 6901 pointer, rooted at the rule."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
