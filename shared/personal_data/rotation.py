"""Wraps every data key with the current master key, while services run."""

from collections.abc import Callable
from typing import Final, NamedTuple

import asyncpg

from shared.personal_data.data_key import DataKey, RandomBytes
from shared.personal_data.key_table import rewrap, wrapped_by_others
from shared.personal_data.master_keys import MasterKeys, UnusableKeyError

_BATCH_KEYS: Final = 1000
_COUNT: Final = """
select count(*) from control.subject_keys where wrapped_key is not null and master_key_id <> $1
"""


class Rotated(NamedTuple):
    """How many keys were wrapped anew, and how many are left that other master keys wrap."""

    keys: int
    left: int
    reason: str
    """Why some were left, empty where none were."""


async def rotate_master_key(
    connection: asyncpg.Connection,
    masters: MasterKeys,
    random_bytes: RandomBytes,
    on_batch: Callable[[int], None] = lambda _done: None,
    batch_keys: int = _BATCH_KEYS,
) -> Rotated:
    """Wraps anew what other master keys wrapped, a transaction a batch, telling `on_batch` how many so far.

    Can be broken off and repeated at any time. Data keys stay what they are, so that nothing that was sealed is
    touched. A key that no configured master key unwraps is left. Raises asyncpg's errors.
    """
    after, done, reason = b"", 0, ""
    while True:
        async with connection.transaction():
            page = await wrapped_by_others(connection, masters.current_id, after, batch_keys)
            keys: list[DataKey] = []
            for each in page:
                try:
                    keys.append(each.unwrapped(masters))
                except UnusableKeyError as error:
                    reason = str(error)
            await rewrap(connection, keys, masters, random_bytes)
        done += len(keys)
        if keys:
            on_batch(done)
        if len(page) < batch_keys:
            break
        after = page[-1].key_id
    left = await connection.fetchval(_COUNT, masters.current_id)
    return Rotated(done, left, reason or ("some are in use; run it again" if left else ""))
