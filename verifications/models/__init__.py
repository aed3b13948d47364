"""Models by subject."""

from verifications.models.catalog import (
    Country,
    Offer,
    PriceRule,
    Provider,
    ProviderCountryCode,
    ProviderServiceCode,
    Service,
)
from verifications.models.orders import Attempt, HistoryEntry, Message, StrayOrder, Verification

__all__ = [
    "Attempt",
    "Country",
    "HistoryEntry",
    "Message",
    "Offer",
    "PriceRule",
    "Provider",
    "ProviderCountryCode",
    "ProviderServiceCode",
    "Service",
    "StrayOrder",
    "Verification",
]
