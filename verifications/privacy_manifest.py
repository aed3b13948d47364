"""What verifications knows about people, column by column."""

from __future__ import annotations

from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.privacy.registry import Manifest
from accounts.privacy.vocabulary import Column, Erase, Ground, Keep, Kind, Table, columns, ours
from verifications.enums import Status, Visibility
from verifications.services import forgetting

# Who gives a number back has it no more; the next tenant may.
_SHOWN_NUMBER = Case(When(status=Status.CANCELLED, then=Value("")), default=F("phone_number"))

_ORDERS = (
    Table(
        "verifications.Message",
        _("SMS that you received: sender, text and code"),
        columns(Kind.IDENTIFIER, "id attempt dedupe_key visibility", keep=Keep.CHOSEN)
        | {"verification": Column(Kind.IDENTIFIER, export="order", reads="verification_id")}
        | columns(Kind.CONTENT, "sender text code", export=True, erase=Erase.BLANK)
        | columns(Kind.TECHNICAL, "sent_at received_at", export=True),
        keep=Keep.CHOSEN,
        ground=Ground.CONTRACT,
        owners=("verification__user_id",),
        export="messages",
        # What came for somebody else, or after the number was given back, is not theirs.
        only=Q(visibility__in=[Visibility.SHOWN, Visibility.LATE]),
    ),
    Table(
        "verifications.HistoryEntry",
        _("Steps of your orders"),
        columns(Kind.IDENTIFIER, "id actor detail")
        | {"verification": Column(Kind.IDENTIFIER, export="order", reads="verification_id")}
        | columns(Kind.TECHNICAL, "step status at", export=True),
        keep=Keep.BOOKS,
        ground=Ground.CONTRACT,
        owners=("verification__user_id",),
        export="order_steps",
    ),
    Table(
        "verifications.Attempt",
        _("Where we bought the numbers of your orders"),
        columns(Kind.IDENTIFIER, "id verification provider number provider_order_id offer_id")
        | columns(Kind.CONTACT, "phone_number", erase=Erase.BLANK, keep=Keep.CHOSEN)
        | columns(Kind.TECHNICAL, "error_detail", erase=Erase.BLANK, keep=Keep.CHOSEN)
        | columns(
            Kind.TECHNICAL,
            "service_code country_code operator offer_cost max_cost cost price outcome error_code started_at finished_at"
            " latency_ms settled_at expires_at cancel_not_before can_resend sms_round applied_at watch_until next_check_at"
            " closing closing_due_at closing_tries is_cost_booked",
        ),
        keep=Keep.BOOKS,
        ground=Ground.CONTRACT,
        owners=("verification__user_id",),
    ),
    Table(
        "verifications.Verification",
        _("Orders: service, country, price and times"),
        columns(Kind.IDENTIFIER, "user form_key hold attempt")
        | columns(Kind.IDENTIFIER, "id", export=True)
        | {
            "service": Column(Kind.CONTENT, export="service", reads="service__name"),
            "country": Column(Kind.CONTENT, export="country", reads="country__name"),
            "phone_number": Column(
                Kind.CONTACT,
                export="phone_number",
                reads=_SHOWN_NUMBER,
                erase=Erase.BLANK,
                keep=Keep.CHOSEN,
                title=_("Number and code of an order; then the first and last digits of the number"),
            ),
            "code": Column(Kind.CONTENT, export="code", erase=Erase.BLANK, keep=Keep.CHOSEN),
        }
        | columns(
            Kind.CONTENT,
            "operator status price currency failure_code another_sms_count created_at expires_at cancellable_at"
            " cancel_requested_at received_at closed_at messages_removed_at",
            export=True,
        )
        | columns(Kind.TECHNICAL, "first_code_ms"),
        keep=Keep.BOOKS,
        ground=Ground.LAW,
        owners=("user_id",),
        export="orders",
    ),
    # Cleared with the order that claims it, or after 30 days: see `forgetting`.
    Table(
        "verifications.StrayOrder",
        _("Orders at a seller that nobody claims"),
        columns(Kind.CONTACT, "phone_number")
        | columns(
            Kind.TECHNICAL,
            "id provider provider_order_id service_code country_code first_seen_at resolution resolved_at",
        ),
        keep=Keep.CHOSEN,
    ),
)

_PROVIDER = (
    "id created_at slug name adapter base_url credential_variable currency rate rate_limit_per_s burst priority lifetime_s"
    " cancel_lock_s dialect is_enabled disabled_reason low_balance_threshold is_low_on_balance"
)
_PRICE_RULE = "id created_at updated_at service country kind value minimum_margin"
_HISTORY = " history_id history_date history_change_reason history_type history_user"

_CATALOGUE = (
    ours(
        "verifications.Service",
        _("Services"),
        "id slug name code icon keywords rank is_active from_price country_count prices_seen_at",
    ),
    ours("verifications.Country", _("Countries"), "id iso2 name dial_code rank is_active"),
    ours(
        "verifications.Provider",
        _("Sellers of numbers"),
        f"{_PROVIDER} updated_at balance balance_checked_at offers_refreshed_at refresh_claimed_until",
    ),
    ours("verifications.HistoricalProvider", _("Changes to sellers"), _PROVIDER + _HISTORY),
    ours(
        "verifications.ProviderServiceCode", _("Sellers' services"), "id provider code name service seen_at"
    ),
    ours(
        "verifications.ProviderCountryCode",
        _("Sellers' countries"),
        "id provider code name country seen_at prices_seen_at offer_count is_shrink_pending",
    ),
    ours(
        "verifications.Offer",
        _("Offers"),
        "id price_list provider service country service_code country_code operator cost provider_cost stock success_rate",
    ),
    ours("verifications.PriceRule", _("Price rules"), _PRICE_RULE),
    ours("verifications.HistoricalPriceRule", _("Changes to price rules"), _PRICE_RULE + _HISTORY),
)

MANIFEST = Manifest(
    "verifications",
    (*_ORDERS, *_CATALOGUE),
    obstacles=forgetting.obstacles,
    scrub=forgetting.forget_person,
    retain=forgetting.remove,
)
