"""The control tables of who may come in and what they saw; Alembic makes them, like the others of `control`.

`metadata` has those others as well.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.projections.control import metadata

__all__ = ["access_records", "console_sessions", "credentials", "metadata"]

credentials = Table(
    "credentials",
    metadata,
    Column("credential_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("source_prefixes", ARRAY(Text), nullable=False),
    Column("channel", Text),
    Column("phone_region", Text),
    Column("roles", ARRAY(Text), nullable=False),
    Column("purposes", ARRAY(Text)),
    Column("requests_per_minute", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked_at", DateTime(timezone=True)),
)
"""The keys of senders and readers, revoked ones too; of the secret there is a SHA-256 alone. No purposes: all of its
roles'. See `shared.credentials.stored_keys`.
"""

access_records = Table(
    "access_records",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("reader", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("categories", ARRAY(Text), nullable=False),
    Column("call", Text, nullable=False),
    Index("access_records_by_time", "recorded_at", "number"),
    Index("access_records_by_subject", "subject", "recorded_at", "number"),
    Index("access_records_by_reader", "reader", "recorded_at", "number"),
)
"""Each read of personal data: by whom, of whom, for what, and which categories were shown. `subject` is a customer id,
or the stream key of a case or task that names nobody.
"""

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("bearer", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("purposes", ARRAY(Text)),
    Column("staff", Text),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("department", Text),
    Index("console_sessions_by_end", "ends_at"),
)
"""Who is signed in to the console; see `services.api.console.sessions`, which alone reads and writes it."""
