"""How an account comes into a programme (L15)."""

from services.projections.loyalty.posting import Posting
from shared.events.loyalty import LoyaltyEnrolled


def enrol(posting: Posting, data: LoyaltyEnrolled) -> None:
    """The account is in the named programme from here on; one that is unknown leaves it where it is."""
    account = posting.account
    if data.programme not in posting.programmes.by_name:
        posting.anomaly(
            "unknown_programme",
            f"no programme {data.programme} is known; the account is in {account.programme}",
        )
        return
    if account.enrolled and account.programme != data.programme:
        posting.anomaly(
            "programme_changed", f"enrolled in {account.programme} before, in {data.programme} from here on"
        )
    account.programme = data.programme
    account.enrolled = True
