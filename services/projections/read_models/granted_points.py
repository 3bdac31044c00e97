"""Which points were granted for a complaint, or for whatever else caused a correction of an account?"""

from services.projections.complaints.granted_points import CONSUMED, TABLE, row
from services.projections.read_models.declaration import Entries, ReadModel, classes_of

GRANTED_POINTS = ReadModel(
    name="granted_points", version=1, kind=Entries(row=row), table=TABLE, consumes=classes_of(CONSUMED)
)
