"""A scoring run in a process of its own, which `rapport up` starts: it computes beside what serves, not in it."""

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Final

from services.ops.projection_process import VARIABLES_NOT_FOR_CHILDREN, plain_values
from services.scoring.schedule import Ended
from shared.settings import Settings

_LONGEST_SECONDS: Final = 3600.0
_MOST_WORDS: Final = 4000


class ScoringProcess:
    """Runs of one deployment, each a child that ends when this process does, however it dies."""

    def __init__(self, settings: Settings) -> None:
        self._order = json.dumps(plain_values(settings)).encode() + b"\n"

    async def run(self) -> Ended:
        """One run, of at most an hour. Cancelling it kills the child, which leaves nothing behind that readers see."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.ops.scoring",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
            env={name: value for name, value in os.environ.items() if name not in VARIABLES_NOT_FOR_CHILDREN},
        )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both were asked for as pipes")
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                process.stdin.write(
                    self._order
                )  # left open: its end tells the child that this process is gone
                words = (await process.stdout.read(_MOST_WORDS)).decode(errors="replace").strip()
                await process.wait()
        except TimeoutError:
            return Ended("", 0, f"the run took longer than {_LONGEST_SECONDS:.0f} s and was ended")
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
            process.stdin.close()
        return _ended(process.returncode, words)


def _ended(returncode: int | None, words: str) -> Ended:
    try:
        said = json.loads(words.splitlines()[-1])
        return Ended(said["run_id"], said["customers"], said["failure"])
    except (ValueError, KeyError, IndexError, TypeError):
        return Ended("", 0, f"the scoring process ended with exit code {returncode} {words[-200:]}".rstrip())
