"""How often Python looks for cycles of garbage in a process that serves."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG_OBJECTS: Final = 20_000
_YOUNG_COLLECTIONS: Final = 20
_MIDDLE_COLLECTIONS: Final = 50
_OBJECTS_OF_A_BATCH: Final = 200_000

_Thresholds = tuple[int, int, int]


@contextmanager
def garbage_sought_seldom() -> Iterator[None]:
    """Until left, leaves what is loaded by now out of the search for cycles, and searches the rest seldom.

    Nearly all objects of a service come with its modules and stay, and what a request leaves behind is freed
    by counting references. Searching as often as Python does by itself took a fifth of a busy ingest's
    processor time, in pauses of tens of milliseconds. For a whole process: whoever enters it while another is within
    leaves out what was loaded since too, and the last to leave has everything searched again.
    """
    gc.collect()
    gc.freeze()
    with _within.asking_for((_YOUNG_OBJECTS, _YOUNG_COLLECTIONS, _MIDDLE_COLLECTIONS)):
        yield


@contextmanager
def batches_left_alone() -> Iterator[None]:
    """Until left, does not search what a large batch is made of, again and again, while it is made.

    For a process that handles batches: their objects live until the batch is written and are then freed by counting
    references. May be entered within `garbage_sought_seldom`, and by several at a time that leave in any order.
    """
    with _within.asking_for((_OBJECTS_OF_A_BATCH, 0, 0)):
        yield


class _Within:
    """Who asks for a seldom search now, of the one search that a process has. For the thread of the event loop."""

    def __init__(self) -> None:
        self._before: _Thresholds = (0, 0, 0)
        self._asked: list[_Thresholds] = []

    @contextmanager
    def asking_for(self, thresholds: _Thresholds) -> Iterator[None]:
        """Until left, no threshold is lower than asked for; when the last leaves, all is as the first found it."""
        if not self._asked:
            self._before = gc.get_threshold()
        self._asked.append(thresholds)
        self._put_into_force()
        try:
            yield
        finally:
            self._asked.remove(thresholds)
            self._put_into_force()
            if not self._asked:
                gc.unfreeze()

    def _put_into_force(self) -> None:
        young, middle, old = zip(self._before, *self._asked, strict=True)
        gc.set_threshold(max(young), max(middle), max(old))


_within: Final = _Within()
