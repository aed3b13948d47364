"""The scene most order tests play in: a funded customer, one service and country, providers that sell from memory."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django import Settings

from accounts.models import User
from billing.selectors import wallet
from billing.services import ledger
from tests import fake_provider
from verifications import locks
from verifications.models import (
    Attempt,
    Country,
    Offer,
    PriceRule,
    Provider,
    ProviderCountryCode,
    Service,
    Verification,
)
from verifications.providers import PROVIDERS
from verifications.services import ordering


@dataclass
class Shop:
    """A customer facing a service in a country, with providers `alpha` (cheaper) and `beta`."""

    user: User
    service: Service
    country: Country
    alpha: Provider
    beta: Provider
    price: Decimal

    def order(self, **changes: object) -> Verification:
        """Order one number as this customer."""
        wanted = {"user_id": self.user.pk, "service": self.service, "country": self.country} | changes
        return ordering.order(ordering.Order(**wanted))  # type: ignore[arg-type]

    def fund(self, amount: str) -> None:
        """Give the customer money."""
        with transaction.atomic():
            ledger.adjust(
                user=self.user, amount=Decimal(amount), reason="test", actor=None, key=uuid.uuid4().hex
            )

    @property
    def figures(self) -> tuple[Decimal, Decimal]:
        """What is available and what is held."""
        now = wallet(self.user.pk)
        return now.available, now.held

    def upstream(self, slug: str = "alpha") -> fake_provider.Upstream:
        """A provider's far side."""
        return fake_provider.upstream(slug)

    def deliver(
        self, order: Verification, text: str = "Your code is 482913", code: str = "482913", **more: object
    ) -> None:
        """An SMS arrives upstream for an order."""
        attempt = locks.bought_attempt(Verification.objects.get(pk=order.pk))
        self.upstream(attempt.provider.slug).deliver(attempt.provider_order_id, text, code, **more)  # type: ignore[arg-type]


@pytest.fixture
def shop_builder(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Callable[..., Shop]]:
    """Build the scene; for tests that bring their own database mark."""
    get_redis_connection("default").flushdb()
    fake_provider.forget()
    monkeypatch.setitem(PROVIDERS, "handler", fake_provider.FakeProvider)
    monkeypatch.setenv("FAKE_KEY", "fake")
    settings.POLL_CONCURRENCY = 1  # other threads would not see this test's transaction

    def build(balance: str = "10.00") -> Shop:
        user = User.objects.create_user(
            email=f"{uuid.uuid4().hex[:12]}@example.test",
            password="long enough 123",
            email_verified_at=timezone.now(),
        )
        service = Service.objects.create(slug="whatsapp", name="WhatsApp", code="wa", rank=1)
        country = Country.objects.create(iso2="GB", name="United Kingdom", dial_code="44")
        PriceRule.objects.all().delete()
        PriceRule.objects.create(
            kind=PriceRule.Kind.FIXED, value=Decimal("0.15"), minimum_margin=Decimal("0.05")
        )
        alpha = _provider("alpha", service, country, Decimal("0.20"))
        beta = _provider("beta", service, country, Decimal("0.24"))
        shop = Shop(user, service, country, alpha, beta, Decimal("0.35"))
        if Decimal(balance):
            shop.fund(balance)
        return shop

    yield build
    fake_provider.forget()


def _provider(slug: str, service: Service, country: Country, cost: Decimal) -> Provider:
    provider = Provider.objects.create(
        slug=slug,
        name=slug.title(),
        adapter="handler",
        base_url="http://127.0.0.1:9/",
        credential_variable="FAKE_KEY",
        rate_limit_per_s=10_000,
        burst=10_000,
        is_enabled=True,
        cancel_lock_s=0,
    )
    prices = ProviderCountryCode.objects.create(
        provider=provider, code="16", country=country, prices_seen_at=timezone.now(), offer_count=1
    )
    Offer.objects.create(
        price_list=prices,
        provider=provider,
        service=service,
        country=country,
        service_code="wa",
        country_code="16",
        cost=cost,
        provider_cost=cost,
        stock=100,
    )
    return provider


def age(order: Verification, seconds: int) -> None:
    """Make an order older: every time of it and of its attempts moves back."""
    delta = dt.timedelta(seconds=seconds)
    fields = ("created_at", "expires_at", "cancellable_at", "cancel_requested_at")
    _shift(Verification.objects.get(pk=order.pk), fields, delta)
    for attempt in Attempt.objects.filter(verification=order):
        _shift(
            attempt,
            (
                "started_at",
                "finished_at",
                "expires_at",
                "cancel_not_before",
                "next_check_at",
                "closing_due_at",
                "applied_at",
            ),
            delta,
        )


def _shift(row: Verification | Attempt, fields: tuple[str, ...], delta: dt.timedelta) -> None:
    moved = {name: value - delta for name in fields if (value := getattr(row, name)) is not None}
    type(row).objects.filter(pk=row.pk).update(**moved)
