"""The views that the program keeps, under the rules that come with it."""

from services.projections.declared_views import declared_views
from services.projections.rules import default_rules

READ_MODELS = declared_views(default_rules())
