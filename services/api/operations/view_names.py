"""Views by the names that clients use: what is parked for all of them is `undecodable`, elsewhere it is `*`."""

from typing import Final

from services.projections.control import EVERY_VIEW

UNDECODABLE: Final = "undecodable"


def stored_view(view: str) -> str:
    """A view's name as the control tables have it."""
    return EVERY_VIEW if view == UNDECODABLE else view


def said_view(view: str) -> str:
    """A view's name for clients."""
    return UNDECODABLE if view == EVERY_VIEW else view
