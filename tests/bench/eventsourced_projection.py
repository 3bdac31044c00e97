"""The yardstick of projecting: the library `eventsourcing` in the manner of its documentation.

An application of aggregates records purchases in PostgreSQL; its projection writes a row an event into a
timeline table, together with its tracking record, in a transaction an event. Run as a process:
`fill URL COUNT` records purchases, `project URL` projects them until SIGTERM.
"""

import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.utils import get_topic
from psycopg.sql import SQL, Identifier

PURCHASES_A_CUSTOMER = 50
TIMELINE = "timeline_entries"
ORDER = {
    "channel": "store",
    "location": "hq/north/store-7",
    "total": {"amount": "37.40", "currency": "EUR"},
    "lines": [
        {"sku": "tea-250", "quantity": 2, "unit_price": {"amount": "9.95", "currency": "EUR"}},
        {"sku": "cup-2", "quantity": 1, "unit_price": {"amount": "17.50", "currency": "EUR"}},
    ],
}


class Customer(Aggregate):
    """A customer as an aggregate of purchases."""

    def __init__(self, member: str) -> None:
        self.member = member
        self.orders = 0

    class Purchased(Aggregate.Event):
        """A purchase of this customer."""

        member: str
        order: dict[str, Any]

        def apply(self, aggregate: Aggregate) -> None:
            """Counts the purchase."""
            assert isinstance(aggregate, Customer)
            aggregate.orders += 1

    def purchase(self, order: dict[str, Any]) -> None:
        """Records a purchase."""
        self.trigger_event(self.Purchased, member=self.member, order=order)


class Purchases(Application[UUID]):
    """Records purchases."""

    def record(self, member: str, count: int) -> None:
        """Records `count` purchases of a new customer in one transaction."""
        customer = Customer(member=member)
        for number in range(count):
            customer.purchase({**ORDER, "order_id": f"o-{member}-{number}"})
        self.save(customer)


class TimelineView(PostgresTrackingRecorder):
    """The timeline table beside the library's tracking table."""

    def __init__(self, datastore: PostgresDatastore, **options: Any) -> None:
        super().__init__(datastore, **options)
        table = SQL("{}.{}").format(Identifier(datastore.schema), Identifier(TIMELINE))
        self.sql_create_statements.append(
            SQL(
                "create table if not exists {} (member text, time timestamptz, event_id text, type text, "
                "channel text, location text, summary text, primary key (member, time, event_id))"
            ).format(table)
        )
        self._insert = SQL("insert into {} values (%s, %s, %s, %s, %s, %s, %s)").format(table)

    def add_entry(self, tracking: Tracking, row: tuple[Any, ...]) -> None:
        """Writes one entry and the position it is from, in one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self._insert, row, prepare=True)


class Timeline(Projection[TimelineView]):
    """One entry a purchase."""

    name = "timeline"
    topics = (get_topic(Customer.Purchased),)

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Nothing for other events than purchases, which `topics` leaves out."""

    @process_event.register
    def _(self, domain_event: Customer.Purchased, tracking: Tracking) -> None:
        order = domain_event.order
        pieces = sum(line["quantity"] for line in order["lines"])
        total = order["total"]
        row = (
            domain_event.member, domain_event.timestamp, order["order_id"], "purchase.completed",
            order["channel"], order["location"],
            f"Bought {pieces} items for {total['currency']} {total['amount']}",
        )  # fmt: skip
        self.view.add_entry(tracking, row)


def environment_of(database_url: str) -> dict[str, str]:
    """The library's settings for a database reached by a private Unix socket or by TCP."""
    parts = urlsplit(database_url)
    host = parse_qs(parts.query).get("host", [parts.hostname or "127.0.0.1"])[0]
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": host,
        "POSTGRES_PORT": str(parts.port or 5432),
        "POSTGRES_USER": parts.username or "postgres",
        "POSTGRES_PASSWORD": parts.password or "",
    }


def _fill(count: int, environment: Mapping[str, str]) -> None:
    with Purchases(dict(environment)) as application:
        for first in range(0, count, PURCHASES_A_CUSTOMER):
            application.record(f"M{first}", min(PURCHASES_A_CUSTOMER, count - first))


def _project(environment: Mapping[str, str]) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with ProjectionRunner(
        application_class=Purchases,
        projection_class=Timeline,
        view_class=TimelineView,
        env=dict(environment),
    ) as runner:
        while not stop.is_set():
            runner.run_forever(timeout=0.2)


if __name__ == "__main__":
    database_url = sys.argv[2]
    if sys.argv[1] == "fill":
        _fill(int(sys.argv[3]), environment_of(database_url))
    else:
        _project(environment_of(database_url))
