"""G9, P5: a customer is erased: from the log, from tables, from parked events, and in a rebuild."""

import itertools
import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, get_args

import asyncpg
import httpx
import pytest
from prometheus_client import CollectorRegistry

from services.ops.erasing import ErasureRefusedError, Receipt, Wanted, erase
from services.ops.export import export_customer
from services.ops.personal_search import search
from services.projections.engine.rebuild import rebuild
from services.projections.identity.component import component_of
from services.projections.migrate import migrate
from shared.clock import system_clock
from shared.events.vocabulary import Channel
from shared.log.embedded import EmbeddedLog
from shared.log.port import EventLog
from shared.metrics import Metrics
from shared.personal_data.key_store import PostgresKeyStore
from shared.personal_data.master_keys import MasterKeys
from shared.personal_data.opener import Opener
from shared.personal_data.subject_keys import followed_keys
from shared.position import Position
from tests.contract.logs_under_test import kafka
from tests.declared import READ_MODELS
from tests.failing_views import failing_on
from tests.ingest_door import PARTY_IDS, purchase, service_over
from tests.kafka_broker import KafkaThroughProxy
from tests.projecting import decode, projection, reached, worker
from tests.rebuilding import rebuilding, rows_of

PARTITIONS = 4
NAME, PHONE, EMAIL, NOTE = (
    "Ines Quandt-Ruiz",
    "+49 30 901820",
    "ines.quandt@example.org",
    "allergic to peanuts",
)
SECRETS = (NAME, "+4930901820", EMAIL, NOTE, "Lindenallee 7", "severe asthma", "Dachgarten", "Quandt")
METRICS = Metrics(CollectorRegistry()).personal_data
M17, PHONE_PARTY = PARTY_IDS.of("member", "M17"), PARTY_IDS.of("phone", "+4930901820")
INES = [
    {"type": "member", "value": "M-17"},
    {"type": "phone", "value": PHONE},
    {"type": "email", "value": EMAIL},
]
BY_PHONE = INES[1:2]
POISON = "poison"


def event(number: int, event_type: str, channel: str, customer: Any, /, **data: Any) -> dict[str, Any]:
    named = {} if customer is None else {"customer": customer}
    return purchase(f"e-{number}", type=event_type, channel=channel) | {"data": {**named, **data}}


def everything_about_ines() -> list[dict[str, Any]]:
    """Her data by every channel, with and without her member number, in cases that name nobody, and parked."""
    number = itertools.count()
    events = []
    for channel in get_args(Channel):
        events += [
            event(
                next(number), "interaction.recorded", channel, INES, kind="visit", category="service", summary=NOTE,
                body=f"{NAME} rang: {NOTE}",
            ),
            event(
                next(number), "customer.described", channel, BY_PHONE,
                attributes={
                    "name": NAME, "birthday": "1980-02-03", "address": "Lindenallee 7", "dietary": NOTE,
                    "health_notes": "severe asthma", "preferences": {"seat": "Dachgarten"}, "salutation": "Dr",
                },
            ),
        ]  # fmt: skip
    opened = {"complaint_id": "C-1", "cause": "other", "severity": "low", "summary": NOTE}
    return [
        *events,
        event(next(number), "complaint.opened", "phone", INES, **opened),
        event(next(number), "complaint.note_added", "phone", None, complaint_id="C-1", note=f"{NAME} is right"),
        event(
            next(number), "task.created", "phone", None, task_id="T-1", title=f"call {NAME}", complaint_id="C-1",
            due_at="2026-05-01T09:00:00Z", assignee={"person": "staff-1"},
        ),
        event(next(number), "feedback.recorded", "web", INES, instrument="nps", score=3, comment=NOTE),
        event(next(number), "loyalty.points_earned", "web", None, account_id="M-17", points=100, reason="welcome"),
        event(next(number), "interaction.recorded", "web", INES, kind="call", category="service", summary=NOTE)
        | {"id": POISON},
        event(next(number), "interaction.recorded", "web", [{"type": "member", "value": "M-18"}], kind="call",
              category="service", summary="quiet table"),
        event(next(number), "referral.made", "web", [{"type": "member", "value": "M-18"}], referred=INES[2:]),
    ]  # fmt: skip


class Place:
    """A deployment in this process: a log, a database, ingest in front of both."""

    def __init__(
        self, url: str, log: EventLog, client: httpx.AsyncClient, connection: asyncpg.Connection
    ) -> None:
        self.url = url
        self.log = log
        self.client = client
        self.connection = connection

    async def posted(self, *events: dict[str, Any]) -> None:
        await self.projected(await sent(self.client, *events))

    async def projected(self, position: Position) -> None:
        broken = tuple(failing_on(each, {POISON}) if each.name == "visits" else each for each in READ_MODELS)
        async with worker(projection(self.url, self.log, read_models=broken)):
            await reached(self.connection, position)

    async def erased(self, party: str, request: str = "R-1") -> Receipt:
        broken = tuple(failing_on(each, {POISON}) if each.name == "visits" else each for each in READ_MODELS)
        async with worker(projection(self.url, self.log, read_models=broken)), self.log.writer() as writer:
            return await erase(
                self.connection, writer, Wanted(party, request, None), system_clock, wait_seconds=20
            )

    async def exported(self, party: str) -> str:
        async with followed_keys(key_store(self.url)) as keys:
            lines = export_customer(self.connection, Opener(keys, METRICS), READ_MODELS, decode, party)
            return b"\n".join([line async for line in lines]).decode()

    async def traces(self, *values: str) -> list[str]:
        async with self.log.reader() as reader:
            partitions = (await reader.identity()).partitions
            searched = await search(self.connection, reader, range(partitions), values)
            assert searched.records > 20
            assert searched.columns > 100
            return [trace.place for trace in searched.traces]


def key_store(url: str) -> PostgresKeyStore:
    return PostgresKeyStore(url, 2.0, MasterKeys(bytes(32)), os.urandom, METRICS)


@asynccontextmanager
async def place(url: str, log: EventLog) -> AsyncIterator[Place]:
    await migrate(url, PARTITIONS)
    connection = await asyncpg.connect(url)
    async with ingest(url, log) as client:
        yield Place(url, log, client, connection)
    await connection.close()


@asynccontextmanager
async def ingest(url: str, log: EventLog) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        service_over(log, key_store=key_store(url), log_level="debug") as (service, _),
        httpx.AsyncClient(transport=httpx.ASGITransport(service), base_url="http://ingest") as client,
    ):
        yield client


async def sent(client: httpx.AsyncClient, *events: dict[str, Any]) -> Position:
    answer = await client.post("/v1/events", json=list(events))
    assert answer.status_code == 202, answer.text
    return Position.parse(answer.json()["position"])


@asynccontextmanager
async def with_ines(url: str, log: EventLog) -> AsyncIterator[Place]:
    """Everything about her has gone through ingest and the log into the views, some of it parked."""
    async with place(url, log) as made:
        await made.posted(*everything_about_ines())
        yield made


@pytest.fixture
async def on_embedded_log(database_url: str) -> AsyncIterator[Place]:
    async with with_ines(database_url, EmbeddedLog(database_url, Metrics(CollectorRegistry()))) as made:
        yield made


@pytest.fixture
async def on_kafka(database_url: str, kafka_through_proxy: KafkaThroughProxy) -> AsyncIterator[Place]:
    topic = f"events-{uuid.uuid4().hex[:12]}"
    async with (
        kafka(kafka_through_proxy.broker, kafka_through_proxy.proxy, topic) as under_test,
        with_ines(database_url, under_test.log) as made,
    ):
        yield made


@pytest.fixture(params=["on_embedded_log", pytest.param("on_kafka", marks=pytest.mark.kafka)])
def ines(request: pytest.FixtureRequest) -> Place:
    """Not a coroutine itself: only so may pytest make the asynchronous fixture that it asks for."""
    chosen: Place = request.getfixturevalue(request.param)
    return chosen


async def test_g9_an_erased_customers_data_is_found_nowhere_and_opens_nowhere(
    ines: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    held = await ines.exported(M17)
    for secret in SECRETS:
        assert secret in held, secret
    assert await ines.traces(*SECRETS) == []
    assert await ines.traces("complaint.note_added")  # what it looks for it can find
    assert (
        await ines.connection.fetchval("select count(*) from control.parked_events where view = 'visits'") > 0
    )

    receipt = await ines.erased(PHONE_PARTY)

    assert receipt.in_views
    assert (receipt.request, receipt.parties, receipt.cases) == ("R-1", 3, 2)
    left = await ines.exported(M17)
    assert not [secret for secret in SECRETS if secret in left]
    assert await ines.traces(*SECRETS) == []
    assert not [row for row in await all_rows(ines.connection, 1) if '"Dr"' in row]
    assert '"kind":"erasure"' in left
    assert "C-1" in left
    assert "quiet table" in await ines.exported(PARTY_IDS.of("member", "M18"))
    told = capfd.readouterr()
    assert not [secret for secret in SECRETS if secret in told.out + told.err]


async def all_rows(connection: asyncpg.Connection, generation: int) -> list[str]:
    return [row for each in READ_MODELS for row in await rows_of(connection, each, generation)]


async def test_g9_points_stay_a_rebuild_keeps_it_so_and_the_same_request_again_is_safe(
    on_embedded_log: Place,
) -> None:
    first = await on_embedded_log.erased(M17)
    await on_embedded_log.posted(
        event(900, "interaction.recorded", "web", INES, kind="call", category="sales", summary="back")
    )
    again = await on_embedded_log.erased(M17)
    assert (again.request, again.erased_at, again.in_views) == (first.request, first.erased_at, True)
    with pytest.raises(ErasureRefusedError, match="erased another customer"):
        await on_embedded_log.erased(PARTY_IDS.of("member", "M18"))
    balance = await on_embedded_log.connection.fetch(
        "select * from live.loyalty_states where account_id = 'M17'"
    )
    assert balance
    live = await all_rows(on_embedded_log.connection, 1)
    done = await rebuild(rebuilding(on_embedded_log.url, on_embedded_log.log))
    assert [each.comparison.differing for each in done if each.comparison] == [0] * len(READ_MODELS)
    assert await all_rows(on_embedded_log.connection, 2) == live
    component = await component_of(on_embedded_log.connection, M17)
    assert component is not None
    assert len(component.parties) == 3


async def test_a_customer_who_comes_back_begins_anew(on_embedded_log: Place) -> None:
    await on_embedded_log.erased(M17)
    # Another service, for this one may have the old key at hand until it has looked.
    async with ingest(on_embedded_log.url, on_embedded_log.log) as client:
        back = event(
            901, "interaction.recorded", "web", INES, kind="call", category="sales", summary="here again"
        )
        await on_embedded_log.projected(await sent(client, back))
    held = await on_embedded_log.exported(M17)
    assert "here again" in held
    assert not [secret for secret in (NAME, NOTE) if secret in held]
    rows = [json.loads(line) for line in held.splitlines()]
    keys_held = [(row["subject"], row["destroyed_at"] is None) for row in rows if row["kind"] == "key"]
    assert {(M17, True), (M17, False)} <= set(keys_held)


async def test_nobody_is_erased_under_an_id_that_no_event_named(on_embedded_log: Place) -> None:
    with pytest.raises(ErasureRefusedError, match="no event named"):
        await on_embedded_log.erased(PARTY_IDS.of("member", "M404"))
