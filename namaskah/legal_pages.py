"""The legal pages. Their figures come from the settings that the code obeys, so that a page cannot promise something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts import legal
from accounts.privacy import page as privacy_page
from accounts.privacy import registry
from accounts.privacy.vocabulary import Ground
from accounts.services import known_devices, retention
from billing.currencies import charge_currency
from namaskah.lib.money import format_money, format_subunits

HOUR_S, DAY_S = 3600, 86_400


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, and answers for the data: as the receipts say it."""

    name: str
    address: list[str]
    email: str
    tax_id: str


def seller() -> Seller:
    """From the settings; who has no address for letters of its own is written to at support's."""
    lines = [line.strip() for line in settings.SELLER_ADDRESS.split("|") if line.strip()]
    return Seller(
        settings.SELLER_NAME, lines, settings.SELLER_EMAIL or settings.SUPPORT_EMAIL, settings.SELLER_TAX_ID
    )


def figures() -> dict[str, str | int]:
    """Every figure that a legal page names."""
    return {**_money(), **_times()}


def _money() -> dict[str, str | int]:
    paid_in = charge_currency()
    code = paid_in.code
    return {
        "wallet_currency": settings.WALLET_CURRENCY,
        "charge_currency": code,
        "top_up_min": format_subunits(paid_in.minimum, code),
        "top_up_max": format_subunits(paid_in.maximum, code),
        "first_top_up_max": format_subunits(paid_in.first_maximum, code),
        "top_up_daily_max": format_subunits(paid_in.daily_maximum, code),
        "refund_min": format_subunits(paid_in.refund_minimum, code),
        "refund_window_days": settings.REFUND_WINDOW_DAYS,
        # Nothing when nothing is sent without a person, so that the page can say so.
        "refund_auto_max": format_money(settings.REFUND_AUTO_MAX, settings.WALLET_CURRENCY)
        if settings.REFUND_AUTO_MAX
        else "",
        "approval_above": format_money(settings.APPROVAL_ABOVE, settings.WALLET_CURRENCY),
        "open_orders": settings.MAX_OPEN_ORDERS,
        "fraud_disputes": settings.FRAUD_DISPUTES_SUSPEND,
    }


def _times() -> dict[str, str | int]:
    return {
        "late_minutes": settings.LATE_SMS_WINDOW_S // 60,
        "message_days": max(retention.CHOICES),
        "message_days_min": min(retention.CHOICES),
        "log_days": settings.LOG_KEEP_DAYS,
        "audit_days": settings.AUDIT_KEEP_DAYS,
        "grace_days": settings.ERASURE_GRACE_DAYS,
        "export_hours": settings.EXPORT_KEEP_HOURS,
        "exports_a_day": settings.EXPORTS_A_DAY,
        "session_hours": settings.SESSION_COOKIE_AGE // HOUR_S,
        "remembered_days": settings.SESSION_REMEMBERED_AGE_S // DAY_S,
        "trust_days": known_devices.TRUST.days,
    }


def grounds() -> list[tuple[str, list[str]]]:
    """Why we may keep what we keep, by legal basis, from the manifest of all data."""
    found: dict[Ground, set[str]] = {ground: set() for ground in Ground}
    for table in registry.tables():
        if table.owners:
            found[table.ground].add(str(table.title))
    found[Ground.CONSENT].add(gettext("News about the product by e-mail"))
    return [(str(ground.label), sorted(titles)) for ground, titles in found.items() if titles]


@require_safe
def legal_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One page of `accounts.legal.PAGES`."""
    page = legal.PAGES[slug]
    context: dict[str, Any] = {
        "page": page,
        "pages": legal.PAGES.values(),
        "seller": seller(),
        "figures": figures(),
        "checks_passwords": bool(settings.BREACHED_PASSWORDS_URL),
        "checks_bots": bool(settings.BOT_CHECK_SITE_KEY and settings.BOT_CHECK_SECRET),
        "sends_sms": bool(settings.SMS_GATEWAY_URL),
        "reports_errors": bool(settings.SENTRY_DSN),
    }
    if slug == "privacy":
        context |= {"kept": privacy_page.kept(message_days=None), "grounds": grounds()}
    if slug in {"privacy", "cookies"}:
        context |= {"cookies": privacy_page.cookies()}
    return render(request, page.template, context)
