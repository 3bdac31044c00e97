"""Running a service until Ctrl-C or SIGTERM."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from shared.garbage import garbage_sought_seldom
from shared.http.server import new_event_loop


def run_until_stopped(
    service: Callable[[asyncio.Event], Coroutine[Any, Any, None]], on_stop: Callable[[], None] | None = None
) -> None:
    """Runs `service(stop)` to its end on an event loop of its own; Ctrl-C and SIGTERM set `stop`, as often as they
    come, and `on_stop` is called at the first. An error alone in an exception group is raised as itself.
    """

    async def main() -> None:
        stop = asyncio.Event()

        def begin_to_stop() -> None:
            if not stop.is_set() and on_stop is not None:
                on_stop()
            stop.set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, begin_to_stop)
        with garbage_sought_seldom():
            await service(stop)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        try:
            runner.run(main())
        except BaseExceptionGroup as group:
            raise _only_one(group) from None


def _only_one(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
