"""Tables of money."""

from billing.models.ledger import Account, Transfer

__all__ = ["Account", "Transfer"]
