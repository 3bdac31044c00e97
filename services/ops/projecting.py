"""The second process of `rapport up`: projections, for as long as the first process lives.

The first process writes one line of JSON to this one's standard input, the settings, and keeps it open: when it
closes, by a wish to stop or by the first process's death of whatever kind, this process finishes its batch and ends.
It serves its metrics on a free port of the loopback interface, and says which in the first line of its standard output:
`serving PORT`. What ends it otherwise than by a stop is told there in the last line.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

_LAST_SECONDS = 8.0
_LOOPBACK = "127.0.0.1"


def run() -> int:
    """Projects until standard input closes. 0 after a stop, 1 after an error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    import structlog  # noqa: PLC0415 - what takes time to load is loaded after signals are seen to

    from services.ops.running_log import bounded_log  # noqa: PLC0415
    from shared.http.server import new_event_loop  # noqa: PLC0415
    from shared.structured_logs import configure_logging  # noqa: PLC0415

    log_file = order["log_file"]
    configure_logging(order["settings"]["log_level"], bounded_log(Path(log_file)) if log_file else None)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        try:
            runner.run(_project(order["settings"]))
        except Exception as error:  # noqa: BLE001 - logged here; the last words, for whoever watches this process
            structlog.get_logger("rapport.ops").exception("projections_ended")
            sys.stdout.write(f"{type(error).__name__}: {error}\n")
            sys.stdout.flush()
            return 1
    return 0


async def _project(values: dict[str, Any]) -> None:
    from prometheus_client import CollectorRegistry, make_asgi_app  # noqa: PLC0415

    from services.projections.main import run as project  # noqa: PLC0415
    from shared.http.server import serve  # noqa: PLC0415
    from shared.metrics import Metrics  # noqa: PLC0415
    from shared.settings import Settings  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    threading.Thread(target=_end_with_standard_input, args=(loop, stop), daemon=True).start()
    metrics = Metrics(CollectorRegistry())
    serving = asyncio.create_task(
        serve(make_asgi_app(metrics.registry), _LOOPBACK, 0, asyncio.Event(), _tell_port)
    )
    try:
        await project(Settings(**values), stop, metrics)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def _tell_port(port: int) -> None:
    sys.stdout.write(f"serving {port}\n")
    sys.stdout.flush()


def _end_with_standard_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)
    # A thread of its own, so that this holds however the loop fares; the batch in hand is applied again later.
    threading.Event().wait(_LAST_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(run())
