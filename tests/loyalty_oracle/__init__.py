"""The loyalty rules once more, slow and simple, for the product's ledger to be compared with.

Nothing is kept between questions: each is answered by working through the whole history from its first event.
The rules' numbers stand beside the lines that follow them.
"""

from tests.loyalty_oracle.reading import account_at, entries_at, redemption_outcome

__all__ = ["account_at", "entries_at", "redemption_outcome"]
