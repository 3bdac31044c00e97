"""How personal data looks in a log once a field cipher has encrypted it."""

from typing import Any

SEALED_PREFIX = "sealed:"
"""A sealed value is a text that begins so, whatever type the plain value had."""


def is_sealed(value: Any) -> bool:
    """Whether a value of a recorded event is a sealed one."""
    return isinstance(value, str) and value.startswith(SEALED_PREFIX)
