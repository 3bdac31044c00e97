"""Brings what folds know besides events up to date, before they are used."""

from collections.abc import Iterable

import asyncpg

from services.projections.read_models.declaration import ReadModel


async def refresh(connection: asyncpg.Connection, read_models: Iterable[ReadModel]) -> None:
    """Every read model's `refresh`, once for each different one.

    Whoever folds events up to some position calls it once that position is known, or once it has read the live set's
    revision: what comes into force later does so behind the barrier, for events from there on, and raises the revision.
    Raises asyncpg's errors.
    """
    for each in dict.fromkeys(
        read_model.refresh for read_model in read_models if read_model.refresh is not None
    ):
        await each(connection)
