"""Tasks with their titles, where a purpose opens them."""

from typing import Any, Final

from services.api.access.disclosure import Disclosure
from services.projections.tasks.queries import TaskPage
from shared.events.vocabulary import PersonalCategory

HOLDS: Final[tuple[PersonalCategory, ...]] = ("free_text",)
"""What is personal about a task."""


async def opened_tasks(page: TaskPage, disclosure: Disclosure) -> list[dict[str, Any]]:
    """The tasks of a page. Raises the problem 503 `key_store_unavailable`."""
    if not disclosure.opens:
        return page.items
    titled = [(item, title) for item, title in zip(page.items, page.titles, strict=True) if title is not None]
    opened = await disclosure.open_parts(
        [(item["customer_id"] or title.subject, title) for item, title in titled]
    )
    for (item, _), values in zip(titled, opened, strict=True):
        item.update(values)
    return page.items
