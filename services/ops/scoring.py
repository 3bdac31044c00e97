"""The process of one scoring run of `rapport up`.

The first line of its standard input is the settings as JSON; when the input closes, which is by the death of the
process that started it, it ends at once. The last line of its standard output is JSON: `run_id`, `customers`, and
`failure`, in words, or null.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from typing import Any, Final

_PIECE_BYTES: Final = 4096


def run() -> int:
    """One run as of now. 0 where it was made, 1 where it was not."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    values: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    with_failure = _run(values)
    sys.stdout.write(json.dumps(with_failure) + "\n")
    sys.stdout.flush()
    return 1 if with_failure["failure"] else 0


def _run(values: dict[str, Any]) -> dict[str, Any]:
    from services.scoring.main import score  # noqa: PLC0415 - numpy and scipy, once this process is seen to
    from services.scoring.progress import unheard  # noqa: PLC0415
    from services.scoring.scoring_run import Wanted  # noqa: PLC0415
    from shared.settings import Settings  # noqa: PLC0415
    from shared.structured_logs import configure_logging  # noqa: PLC0415

    configure_logging("error")
    try:
        run = asyncio.run(score(Settings(**values), Wanted(), unheard))
    except Exception as error:  # noqa: BLE001 - told to the process that waits for this one
        return {"run_id": "", "customers": 0, "failure": f"{type(error).__name__}: {error}"}
    return {"run_id": run.run_id, "customers": run.customers, "failure": None}


def _end_with_standard_input() -> None:
    while os.read(
        sys.stdin.fileno(), _PIECE_BYTES
    ):  # without a buffer, whose lock would outlive the interpreter
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(run())
