"""A generation is made chunk by chunk, and a chunk may hold nothing but repeats, which are no events to take."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.projections.engine.shadow import Shadow, ShadowView
from services.projections.engine.source_chunks import Chunk
from tests.projecting import decode


@pytest.mark.parametrize("loads", [True, False])
async def test_a_chunk_of_nothing_but_repeats_is_taken_whether_rows_are_loaded_or_not(*, loads: bool) -> None:
    view = cast("ShadowView", SimpleNamespace(rows=SimpleNamespace(loads=loads)))
    connection: Any = None  # nothing is asked of it
    await Shadow([view], decode).take(connection, Chunk([], 7, frozenset()))
