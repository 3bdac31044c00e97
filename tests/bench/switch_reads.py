"""The slowest read amid switches of a view from one generation to another and back."""

import asyncio
import json
import sys
import time
from functools import partial

import asyncpg

from services.projections.engine.kept_generations import roll_back
from services.projections.read_models.timeline import TIMELINE
from shared.codec import decode_record
from shared.events.catalogue import Catalogue
from tests.bench.environment import PROJECT, PYTHON, Bench
from tests.bench.measurement import BenchError, Outcome, Row, Wanted, interleave
from tests.bench.rebuilding import Projected, projected

_EVENTS = 100_000
_SWITCHES = 50
_PAUSE_SECONDS = 0.02
_READERS = 2
_READ = "select item from live.timeline where subject = $1 order by time desc, partition desc, log_offset desc limit 50"
_NOT_SWITCHED = "no switches"
_SWITCHED = f"{_SWITCHES} switches"


async def measure(bench: Bench) -> Outcome:
    """Two readers that never pause, for as long as so many switches take, beside as many without."""
    async with projected(bench, bench.count(_EVENTS)) as views:
        async with views.rebuilding("--json") as running:
            if await running.process.wait() != 0:
                running.check_alive()
        contenders = {
            _NOT_SWITCHED: partial(_slowest, bench, views, switches=0),
            _SWITCHED: partial(_slowest, bench, views, switches=_SWITCHES),
        }
        figures = await interleave(contenders, bench.rounds)
    note = f"{_SWITCHES} switches a round; without any the slowest read took {figures[_NOT_SWITCHED].median:.1f} ms"
    return Outcome(
        (Row("slowest read amid switches", "ms", figures[_SWITCHED], None, Wanted(most=50), note),)
    )


async def _slowest(bench: Bench, views: Projected, *, switches: int) -> float:
    """Milliseconds of the slowest read of all readers."""
    readers = [await _reader(bench, views) for _ in range(_READERS)]
    connection = await asyncpg.connect(
        views.deployment.database_url, server_settings={"synchronous_commit": "off"}
    )
    try:
        if switches:
            for _ in range(switches):
                await roll_back(connection, TIMELINE, partial(decode_record, catalogue=Catalogue()))
                await asyncio.sleep(_PAUSE_SECONDS)
        else:
            await asyncio.sleep(bench.seconds)
    finally:
        await connection.close()
        said = [(await reader.communicate(b"\n"))[0] for reader in readers]
    slowest = [float(json.loads(each)["slowest_milliseconds"]) for each in said]
    return max(slowest)


async def _reader(bench: Bench, views: Projected) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        PYTHON, "-m", "tests.bench.switch_reads", views.deployment.database_url,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=PROJECT,
        env=bench.process_environment(),
    )  # fmt: skip
    if process.stdout is None or await process.stdout.readline() != b"reading\n":
        process.kill()
        raise BenchError("a reader did not begin")
    return process


async def _read(url: str) -> None:
    """Reads until standard input has a line or ends, then says how long the slowest took."""
    loop = asyncio.get_running_loop()
    told = loop.run_in_executor(None, sys.stdin.readline)
    connection = await asyncpg.connect(url)
    try:
        [subject] = (await connection.fetch("select min(subject) from live.timeline"))[0]
        await connection.fetch(_READ, subject)
        sys.stdout.write("reading\n")
        sys.stdout.flush()
        slowest, reads = 0.0, 0
        while not told.done():
            begun = time.perf_counter()
            await connection.fetch(_READ, subject)
            slowest = max(slowest, time.perf_counter() - begun)
            reads += 1
    finally:
        await connection.close()
    sys.stdout.write(json.dumps({"slowest_milliseconds": slowest * 1000, "reads": reads}) + "\n")


if __name__ == "__main__":
    asyncio.run(_read(sys.argv[1]))
