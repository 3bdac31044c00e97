"""Scraping the projection process through the one that keeps it running."""

import asyncio
from pathlib import Path

from prometheus_client import make_asgi_app

from services.ops.joined_metrics import JoinedMetrics
from shared.http.server import serve
from tests.scraped import Process, observed, samples


async def test_a_process_that_takes_connections_and_never_answers_holds_a_scrape_up_no_longer_than_seconds(
    tmp_path: Path,
) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as silent, asyncio.timeout(10):
        port = silent.sockets[0].getsockname()[1]
        text = await JoinedMetrics(observed()[0], Process(port), tmp_path).text()

    assert samples(text.decode())["rapport_projection_process_up"] == 0


async def test_the_process_is_scraped_where_it_serves_and_the_data_disk_is_measured(tmp_path: Path) -> None:
    serving, projecting = observed()
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    child = asyncio.create_task(
        serve(make_asgi_app(projecting.registry), "127.0.0.1", 0, stop, port.set_result)
    )

    text = await JoinedMetrics(serving, Process(await port), tmp_path).text()

    stop.set()
    await child
    found = samples(text.decode())
    assert found["rapport_projection_process_up"] == 1
    assert found["rapport_projection_partitions"] == 4
    assert 0 < found["rapport_data_disk_free_bytes"] < found["rapport_data_disk_bytes"]
