"""What can be sold: services, countries, providers, their codes, offers and price rules."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from django.core.validators import MinValueValidator, RegexValidator, URLValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from namaskah.lib.models import TimestampedModel


class Service(models.Model):
    """What a code is for, e.g. WhatsApp."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    code = models.CharField(
        _("handler code"), max_length=40, unique=True, help_text=_("Code in the handler dialect, e.g. wa.")
    )
    icon = models.CharField(
        max_length=60, blank=True, help_text=_("Simple Icons slug; empty shows a coloured initial.")
    )
    keywords = models.CharField(max_length=200, blank=True, help_text=_("Further words people search for."))
    rank = models.PositiveIntegerField(default=1000, help_text=_("Lower comes first."))
    is_active = models.BooleanField(default=True)
    # A digest of the offers for the service list, kept by services/catalog_summary.py; ordering never reads it.
    from_price = models.DecimalField(max_digits=19, decimal_places=4, null=True, blank=True, editable=False)
    country_count = models.PositiveIntegerField(default=0, editable=False)
    prices_seen_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("rank", "name")

    def __str__(self) -> str:
        return self.name


@cache
def flag_of(iso2: str) -> str:
    """The flag of a country as two regional indicator characters."""
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in iso2)


class Country(models.Model):
    """Where a number is, by ISO 3166 alpha-2 code."""

    iso2 = models.CharField(
        _("ISO code"), max_length=2, unique=True, validators=[RegexValidator(r"^[A-Z]{2}$")]
    )
    name = models.CharField(max_length=80)
    dial_code = models.CharField(max_length=6)
    rank = models.PositiveIntegerField(default=1000)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = _("countries")

    def __str__(self) -> str:
        return self.name

    @property
    def flag(self) -> str:
        return flag_of(self.iso2)


class Provider(TimestampedModel):
    """One account at one seller of numbers: an adapter bound to an address, a credential, limits and a switch."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    adapter = models.CharField(
        max_length=20, choices=[("handler", _("Handler dialect")), ("fivesim", "5SIM")]
    )
    base_url = models.CharField(max_length=200, validators=[URLValidator(schemes=["http", "https"])])
    credential_variable = models.CharField(
        max_length=80,
        validators=[RegexValidator(r"^[A-Z][A-Z0-9_]*$")],
        help_text=_("Name of the environment variable that holds the key. The key itself is never stored."),
    )
    currency = models.CharField(max_length=3, default="USD")
    rate = models.DecimalField(
        max_digits=14,
        decimal_places=8,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.00000001"))],
        help_text=_("Wallet currency for one unit of the provider's currency."),
    )
    rate_limit_per_s = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(20))
    burst = models.PositiveIntegerField(default=20)
    priority = models.PositiveIntegerField(default=100, help_text=_("Lower is asked first at equal cost."))
    lifetime_s = models.PositiveIntegerField(
        _("lifetime (s)"), default=1200, help_text=_("Used when the provider names no deadline.")
    )
    cancel_lock_s = models.PositiveIntegerField(_("cancel lock (s)"), default=120)
    dialect = models.JSONField(
        default=dict, blank=True, help_text=_("Dialect flags; docs/providers/ lists them.")
    )
    is_enabled = models.BooleanField(_("enabled"), default=False)
    disabled_reason = models.CharField(max_length=200, blank=True)
    balance = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    balance_checked_at = models.DateTimeField(null=True, blank=True)
    low_balance_threshold = models.DecimalField(max_digits=14, decimal_places=4, default=Decimal(5))
    is_low_on_balance = models.BooleanField(_("low on balance"), default=False)
    offers_refreshed_at = models.DateTimeField(null=True, blank=True)
    refresh_claimed_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("One refresh at a time; a dead one's claim runs out."),
    )
    history = HistoricalRecords(
        excluded_fields=[
            "balance",
            "balance_checked_at",
            "offers_refreshed_at",
            "refresh_claimed_until",
            "updated_at",
        ]
    )

    class Meta:
        ordering = ("priority", "slug")
        permissions = [
            ("switch_provider", "Can switch a provider on or off"),
            ("refresh_provider", "Can read a provider's prices and balance again"),
        ]

    def __str__(self) -> str:
        return self.name


class ProviderServiceCode(models.Model):
    """A service as one provider names it; `service` is empty until it is mapped."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="service_codes")
    code = models.CharField(max_length=80)
    name = models.CharField(max_length=120, blank=True)
    service = models.ForeignKey(
        Service, models.SET_NULL, null=True, blank=True, related_name="provider_codes"
    )
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "code"], name="service_code_once_a_provider")
        ]

    def __str__(self) -> str:
        return f"{self.provider_id}: {self.code}"


class ProviderCountryCode(models.Model):
    """A country as one provider names it, and the state of its price list there.

    Several of a provider's codes may mean one country (the handler's 12 and 187 are the USA). A price list is read whole, so
    its time of reading stands here once and not on each of its thousands of offers.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="country_codes")
    code = models.CharField(max_length=80)
    name = models.CharField(max_length=120, blank=True)
    country = models.ForeignKey(
        Country, models.SET_NULL, null=True, blank=True, related_name="provider_codes"
    )
    seen_at = models.DateTimeField(null=True, blank=True)
    prices_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    offer_count = models.PositiveIntegerField(default=0, editable=False)
    is_shrink_pending = models.BooleanField(
        default=False,
        editable=False,
        help_text=_("The last list was suspiciously short; the next one is believed."),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "code"], name="country_code_once_a_provider")
        ]

    def __str__(self) -> str:
        return f"{self.provider_id}: {self.code}"


class Offer(models.Model):
    """One provider's cost and stock for a service, country and operator, as last seen.

    Written in bulk by `services/offer_store.py`. `cost` is in the wallet currency, `provider_cost` in the provider's.

    Half a million rows come and go, so no foreign key is checked by the database and only the indexes that are read exist:
    a check per row and column would cost more than the refresh itself. Every read joins the price list and the provider, so
    a row left behind by a deleted one is never sold.
    """

    price_list = models.ForeignKey(
        ProviderCountryCode, models.CASCADE, related_name="offers", db_constraint=False, db_index=False
    )
    provider = models.ForeignKey(
        Provider, models.CASCADE, related_name="offers", db_constraint=False, db_index=False
    )
    service = models.ForeignKey(
        Service, models.CASCADE, related_name="offers", db_constraint=False, db_index=False
    )
    country = models.ForeignKey(
        Country, models.CASCADE, related_name="offers", db_constraint=False, db_index=False
    )
    service_code = models.CharField(max_length=80)
    country_code = models.CharField(max_length=80)
    operator = models.CharField(max_length=60, blank=True)
    cost = models.DecimalField(max_digits=12, decimal_places=6)
    provider_cost = models.DecimalField(max_digits=12, decimal_places=6)
    stock = models.PositiveIntegerField()
    success_rate = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["price_list", "service_code", "operator"], name="offer_once"),
            models.CheckConstraint(condition=Q(cost__gt=0), name="offer_costs_something"),
        ]
        # No index on stock: its changes, the most frequent ones, then touch no index at all.
        indexes = [models.Index(fields=["service", "country", "cost"], name="offer_by_service_country_cost")]

    def __str__(self) -> str:
        return f"{self.provider_id}: {self.service_code}/{self.country_code}/{self.operator or 'any'}"


class PriceRule(TimestampedModel):
    """How a cost becomes a price. The most specific rule wins: both, then service, then country, then neither."""

    class Kind(models.TextChoices):
        PERCENT = "percent", _("Percent on top of the cost")
        FIXED = "fixed", _("Fixed amount on top of the cost")

    service = models.ForeignKey(Service, models.CASCADE, null=True, blank=True, related_name="price_rules")
    country = models.ForeignKey(Country, models.CASCADE, null=True, blank=True, related_name="price_rules")
    kind = models.CharField(max_length=10, choices=Kind)
    value = models.DecimalField(max_digits=10, decimal_places=4, validators=[MinValueValidator(Decimal(0))])
    minimum_margin = models.DecimalField(
        max_digits=10,
        decimal_places=4,
        default=Decimal("0.02"),
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("In the wallet currency; a price is never below cost plus this."),
    )
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service", "country"], nulls_distinct=False, name="price_rule_once"
            ),
            models.CheckConstraint(
                condition=Q(value__gte=0) & Q(minimum_margin__gte=0), name="price_rule_not_negative"
            ),
        ]
        ordering = (F("service").asc(nulls_first=True), F("country").asc(nulls_first=True))

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"
