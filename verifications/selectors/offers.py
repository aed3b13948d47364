"""How old a price may be, and what is in stock at providers in use."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from verifications.models import Offer


def fresh_since() -> dt.datetime:
    """A price list read before this is too old to sell from."""
    return timezone.now() - dt.timedelta(seconds=settings.OFFER_MAX_AGE_S)


def in_stock(*, service_id: int, country_id: int, operator: str = "") -> QuerySet[Offer]:
    """Offers with stock at providers in use, whatever their age. An empty operator means any."""
    offers = Offer.objects.filter(
        service_id=service_id,
        country_id=country_id,
        stock__gt=0,
        provider__is_enabled=True,
        provider__is_low_on_balance=False,
    )
    return offers.filter(operator=operator) if operator else offers
