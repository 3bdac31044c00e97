"""Which tasks are there, for whom, until when, and what became of them?

A ledger: a row a task, with what lists search by, and an entry an event of its history. The rules stand in
`services.projections.tasks`.
"""

from services.projections.read_models.declaration import Ledger, ReadModel, classes_of
from services.projections.tasks.evolve import evolve, keys
from services.projections.tasks.tables import TASK_ENTRIES
from services.projections.tasks.tables import TASKS as TABLE
from services.projections.tasks.task import TaskEvent

CONSUMED = TaskEvent

TASKS = ReadModel(
    name="tasks",
    version=1,
    kind=Ledger(keys=keys, evolve=evolve, entries=TASK_ENTRIES),
    table=TABLE,
    consumes=classes_of(CONSUMED),
)
