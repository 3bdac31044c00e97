"""How many points does a member have, where do they come from, and what became of each?

The ledger of loyalty accounts, an account being a member number. Its rows are what is open or must be known for ever:
the account itself with its lots, and orders, refunds, redemptions and holds by their ids. Its entries are the
statement: what each event earned, took or gave back, never changed afterwards. The rules stand in
`services.projections.loyalty`.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
)

from services.projections.loyalty.evolve import LedgerEvent, evolve, keys
from services.projections.loyalty.posting import ANOMALY
from services.projections.loyalty.programme import Programmes
from services.projections.read_models.declaration import Ledger, ReadModel, classes_of

CONSUMED = LedgerEvent

_METADATA = MetaData()
TABLE = Table(
    "loyalty_states",
    _METADATA,
    Column("account_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("party", Text),
    Column("state", JSON, nullable=False),
    PrimaryKeyConstraint("account_id", "kind", "reference", name="loyalty_states_of"),
)
Index("loyalty_accounts_of", TABLE.c.party, postgresql_where=TABLE.c.party.is_not(None))
Index(
    "loyalty_accounts_backwards",
    func.reverse(TABLE.c.account_id).label("backwards"),
    postgresql_ops={"backwards": "text_pattern_ops"},
    postgresql_where=TABLE.c.kind == "account",
)

ENTRIES = Table(
    "loyalty_entries",
    _METADATA,
    Column("partition", Integer, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("balance_after", BigInteger, nullable=False),
    Column("reason", Text),
    Column("order_id", Text),
    Column("reference", Text),
    Column("partner", Text),
    Column("allocations", JSON, nullable=False),
    Column("movements", JSON, nullable=False),
    Column("shortfall", BigInteger, nullable=False),
    Column("repaid", BigInteger, nullable=False),
    Column("tier", Text),
    Column("programme", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("detail", Text),
    Column("sentence", Text),
    PrimaryKeyConstraint("partition", "log_offset", "number", name="loyalty_entries_of"),
)
Index(
    "loyalty_statement",
    ENTRIES.c.account_id,
    ENTRIES.c.time,
    ENTRIES.c.partition,
    ENTRIES.c.log_offset,
    ENTRIES.c.number,
)
Index(
    "loyalty_outcomes",
    ENTRIES.c.account_id,
    ENTRIES.c.reference,
    postgresql_where=ENTRIES.c.reference.is_not(None),
)
Index(
    "loyalty_anomalies",
    ENTRIES.c.account_id,
    ENTRIES.c.partition,
    ENTRIES.c.log_offset,
    postgresql_where=ENTRIES.c.kind == ANOMALY,
)


def loyalty(programmes: Programmes) -> ReadModel:
    """The ledger under the terms of some programmes."""
    return ReadModel(
        name="loyalty",
        version=3,
        kind=Ledger(keys=keys, evolve=evolve(programmes), entries=ENTRIES),
        table=TABLE,
        consumes=classes_of(CONSUMED),
    )
