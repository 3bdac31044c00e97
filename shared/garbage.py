"""How often Python looks for cycles of garbage in a process that serves."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG_OBJECTS: Final = 20_000
_YOUNG_COLLECTIONS: Final = 20
_MIDDLE_COLLECTIONS: Final = 50
_OBJECTS_OF_A_BATCH: Final = 200_000


@contextmanager
def garbage_sought_seldom() -> Iterator[None]:
    """Until left, leaves what is loaded by now out of the search for cycles, and searches the rest seldom.

    Nearly all objects of a service come with its modules and stay, and what a request leaves behind is freed
    by counting references. Searching as often as Python does by itself took a fifth of a busy ingest's
    processor time, in pauses of tens of milliseconds. For a whole process: not to be entered twice at a time.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_COLLECTIONS, _MIDDLE_COLLECTIONS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@contextmanager
def batches_left_alone() -> Iterator[None]:
    """Until left, does not search what a large batch is made of, again and again, while it is made.

    For a process that handles batches: their objects live until the batch is written and are then freed by counting
    references. May be entered within `garbage_sought_seldom`.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(max(_OBJECTS_OF_A_BATCH, thresholds[0]), *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
