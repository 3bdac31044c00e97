"""Every view that projections keep. Adding one touches its file in `read_models`, its line here, and a test."""

from services.projections.read_models.analytics_runs import ANALYTICS_RUNS
from services.projections.read_models.arrivals import ARRIVALS
from services.projections.read_models.bought_items import BOUGHT_ITEMS
from services.projections.read_models.complaints import complaints
from services.projections.read_models.consents import CONSENTS
from services.projections.read_models.contact_cells import CONTACT_CELLS
from services.projections.read_models.contact_chain import CONTACT_CHAIN
from services.projections.read_models.contacts import CONTACTS
from services.projections.read_models.customer_summary import CUSTOMER_SUMMARY
from services.projections.read_models.declaration import ReadModel
from services.projections.read_models.endings import ENDINGS
from services.projections.read_models.feedback import FEEDBACK
from services.projections.read_models.granted_points import GRANTED_POINTS
from services.projections.read_models.identity_crowds import IDENTITY_CROWDS
from services.projections.read_models.identity_links import IDENTITY_LINKS
from services.projections.read_models.identity_pairs import IDENTITY_PAIRS
from services.projections.read_models.identity_parties import IDENTITY_PARTIES
from services.projections.read_models.identity_revocations import IDENTITY_REVOCATIONS
from services.projections.read_models.kept_prices import KEPT_PRICES
from services.projections.read_models.loyalty import loyalty
from services.projections.read_models.outreaches import OUTREACHES
from services.projections.read_models.profile import PROFILE
from services.projections.read_models.purchases import PURCHASES
from services.projections.read_models.referrals import REFERRALS
from services.projections.read_models.refunds import REFUNDS
from services.projections.read_models.segments import SEGMENTS
from services.projections.read_models.tasks import TASKS
from services.projections.read_models.timeline import TIMELINE
from services.projections.read_models.visits import VISITS
from services.projections.rules import Rules


def declared_views(rules: Rules) -> tuple[ReadModel, ...]:
    """The read models under some rules, in the order in which they are written."""
    return (
        TIMELINE,
        CUSTOMER_SUMMARY,
        loyalty(rules.programmes),
        complaints(rules.policies),
        GRANTED_POINTS,
        TASKS,
        PROFILE,
        CONSENTS,
        CONTACTS,
        VISITS,
        BOUGHT_ITEMS,
        KEPT_PRICES,
        IDENTITY_PARTIES,
        IDENTITY_LINKS,
        IDENTITY_PAIRS,
        IDENTITY_REVOCATIONS,
        IDENTITY_CROWDS,
        PURCHASES,
        REFUNDS,
        FEEDBACK,
        CONTACT_CELLS,
        CONTACT_CHAIN,
        OUTREACHES,
        ARRIVALS,
        ENDINGS,
        REFERRALS,
        ANALYTICS_RUNS,
        SEGMENTS,
    )
