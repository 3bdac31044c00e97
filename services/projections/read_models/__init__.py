"""The read models, one file each. Adding one touches its file, its line here, and a test."""

from services.projections.read_models.customer_summary import CUSTOMER_SUMMARY
from services.projections.read_models.declaration import ReadModel
from services.projections.read_models.timeline import TIMELINE

READ_MODELS: tuple[ReadModel, ...] = (TIMELINE, CUSTOMER_SUMMARY)
"""Every view that projections keep, in the order in which they are written."""
