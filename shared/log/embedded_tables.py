"""The tables of the embedded event log, schema `log`; Alembic's first migration makes them."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, LargeBinary, MetaData, Table, Uuid
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

metadata = MetaData(schema="log")

identity = Table(
    "identity",
    metadata,
    Column("only", Integer, CheckConstraint('"only" = 1'), primary_key=True, autoincrement=False),
    Column("log_id", Uuid, nullable=False),
    Column("partitions", Integer, nullable=False),
)
"""One row: which log this is, and the number of partitions it keeps for ever."""

partitions = Table(
    "partitions",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("first_offset", BigInteger, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
)
"""For each partition the first offset held and the next to hand out; a writer locks the row until commit."""

records = Table(
    "records",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("log_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
)
"""The records, contiguous by offset within a partition."""


def create_statements(partition_count: int) -> list[str]:
    """SQL that makes an empty log with a new identity and this many partitions, statement by statement."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy left it bare
    tables = [str(CreateTable(table).compile(dialect=dialect)) for table in metadata.sorted_tables]
    count = int(partition_count)
    return [
        "create schema log",
        *tables,
        f"insert into log.identity values (1, gen_random_uuid(), {count})",  # noqa: S608  # a number
        f"insert into log.partitions select n, 0, 0 from generate_series(0, {count - 1}) n",  # noqa: S608
    ]
