"""The legal pages say what the code does: each figure is the setting's, each promise has something behind it."""

from __future__ import annotations

import html as entities
import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse
from pytest_django import Settings

from accounts import legal
from accounts.audit_actions import AuditAction
from accounts.enums import Document
from accounts.models import AuditEntry
from accounts.privacy import registry
from accounts.services import retention
from namaskah.legal_pages import figures
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
SLUGS = sorted(legal.PAGES)
# What a page says, and the address of the page by which it is done.
PROMISES = [
    ("terms", "ask for the erasure of your account in its privacy settings", "settings:erasure"),
    ("terms", "Automatic top-up charges a card of yours only if you switched it on", "billing:auto-top-up"),
    ("terms", "your receipt keeps them", "billing:receipt-list"),
    ("refunds", "on the refund page of your wallet", "billing:refund-list"),
    ("privacy", "a copy of your data as JSON and CSV", "settings:export"),
    ("privacy", "in your privacy settings you can choose less", "settings:privacy-messages"),
    ("privacy", "you change your e-mail address yourself", "settings:email"),
    ("privacy", "you can take it back at any time in your settings", "settings:notifications"),
]


def text_of(html: str) -> str:
    """What a person reads of the article."""
    match = re.search(r'<article class="legal">.*?</article>', html, re.DOTALL)
    assert match is not None
    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", match[0])).split())


def read(client: Client, slug: str) -> str:
    response = client.get(f"/legal/{slug}/")
    assert response.status_code == 200
    return text_of(response.content.decode())


@pytest.mark.parametrize("slug", SLUGS)
def test_page_is_there_for_everybody_with_its_date_and_changes(client: Client, slug: str) -> None:
    text = read(client, slug)

    page = legal.PAGES[slug]
    assert reverse(f"legal-{slug}") == f"/legal/{slug}/"
    assert text.startswith(str(page.title))
    assert "In force since" in text
    assert all(str(change.what) in text for change in page.changes)
    assert len(text.split()) > 100


@pytest.mark.parametrize("slug", SLUGS)
def test_page_leads_nowhere_that_is_not(client: Client, slug: str) -> None:
    sign_in(client, UserFactory.create())
    html = client.get(f"/legal/{slug}/").content.decode()

    for url in set(re.findall(r'href="(/[^"]*)"', html)):
        if not url.startswith("/static/"):
            assert client.get(url).status_code == 200, url


def test_every_page_links_to_all_of_them(client: Client) -> None:
    html = client.get("/").content.decode()

    assert all(f'href="/legal/{slug}/"' in html for slug in SLUGS)


def test_versions_are_the_dates_of_the_newest_changes() -> None:
    assert set(legal.VERSIONS) == set(Document)
    for page in legal.PAGES.values():
        assert page.changes[0].on == max(change.on for change in page.changes)
    assert legal.VERSIONS[Document.TERMS] == legal.PAGES["terms"].changes[0].on.isoformat()
    assert legal.VERSIONS[Document.PRIVACY] == legal.PAGES["privacy"].changes[0].on.isoformat()


ODD = {
    "TOP_UP_MIN": "1234",
    "TOP_UP_MAX": "98765",
    "FIRST_TOP_UP_MAX": "4321",
    "TOP_UP_DAILY_MAX": "123456",
    "REFUND_WINDOW_DAYS": 47,
    "REFUND_AUTO_MAX": Decimal("13.00"),
    "APPROVAL_ABOVE": Decimal("217.00"),
    "MAX_OPEN_ORDERS": 23,
    "LATE_SMS_WINDOW_S": 19 * 60,
    "LOG_KEEP_DAYS": 83,
    "AUDIT_KEEP_DAYS": 371,
    "ERASURE_GRACE_DAYS": 11,
    "EXPORT_KEEP_HOURS": 29,
    "EXPORTS_A_DAY": 5,
    "FRAUD_DISPUTES_SUSPEND": 3,
}
SAID = [
    ("terms", "₦1,234.00 and ₦98,765.00"),
    ("terms", "first ones up to ₦4,321.00"),
    ("terms", "within 24 hours up to ₦123,456.00"),
    ("terms", "in the last 47 days"),
    ("terms", "23 orders waiting"),
    ("terms", "within 19 minutes"),
    ("terms", "after 11 days"),
    ("refunds", "in the last 47 days"),
    ("refunds", "older than 47 days"),
    ("refunds", "Up to $13.00 within a day"),
    ("refunds", "Above $217.00 two people decide"),
    ("refunds", "can go back is ₦100.00"),
    ("privacy", "after 83 days"),
    ("privacy", "after 371 days"),
    ("privacy", "11 days after you ask"),
    ("privacy", "for 29 hours; up to 5 a day"),
    ("privacy", "when banks report 3 of its payments as fraud"),
    ("privacy", f"{max(retention.CHOICES)} days after the end of the order"),
    ("privacy", f"down to {min(retention.CHOICES)} day"),
]


@pytest.mark.parametrize(("slug", "words"), SAID)
def test_figure_is_the_settings(client: Client, settings: Settings, slug: str, words: str) -> None:
    for name, value in ODD.items():
        setattr(settings, name, value)

    assert words in read(client, slug)


def test_no_page_has_a_figure_of_its_own(client: Client, settings: Settings) -> None:
    """With other settings, every number on a page is one of the figures, a law's, an age, or a time of the manifest."""
    for name, value in ODD.items():
        setattr(settings, name, value)
    known = " ".join(str(value) for value in figures().values())
    laws = "2023 6 1 25 15 22 37 18 24 2026 21 30 7 14"

    for slug in SLUGS:
        text = read(client, slug)
        numbers = set(re.findall(r"\d[\d,.]*\d|\d", text))
        assert numbers <= set(re.findall(r"\d[\d,.]*\d|\d", f"{known} {laws}")), slug


def test_refunds_that_a_person_decides_are_not_promised_at_once(client: Client, settings: Settings) -> None:
    settings.REFUND_AUTO_MAX = Decimal(0)

    text = read(client, "refunds")

    assert "A person looks at each request and decides." in text
    assert "without anybody being asked" not in text


def test_decision_of_the_program_alone_is_told_where_there_is_one(client: Client, settings: Settings) -> None:
    settings.FRAUD_DISPUTES_SUSPEND = 0
    assert "No decision with legal effect" in read(client, "privacy")

    settings.FRAUD_DISPUTES_SUSPEND = 2
    assert "No decision with legal effect" not in read(client, "privacy")


@pytest.mark.parametrize(("slug", "words", "name"), PROMISES)
def test_promise_has_a_page_behind_it(client: Client, slug: str, words: str, name: str) -> None:
    assert words in read(client, slug)
    try:
        reverse(name)
    except NoReverseMatch:
        pytest.fail(f"{slug} promises what {name} would do")


def test_what_staff_looks_at_is_in_the_trail_as_the_notice_says(client: Client) -> None:
    customer, staff = UserFactory.create(), StaffFactory.create()
    sign_in(client, staff)

    client.get(reverse("admin:accounts_user_change", args=[customer.pk]))

    assert "what it looks at and does is written into a log" in read(client, "privacy")
    assert AuditEntry.objects.filter(
        action=AuditAction.VIEWED, actor_id=staff.pk, subject_id=customer.pk
    ).exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SMS_GATEWAY_URL", "https://gateway.example", "The gateway that sends codes"),
        ("BREACHED_PASSWORDS_URL", "https://list.example", "A public list of stolen passwords"),
        ("SENTRY_DSN", "https://errors.example", "A service that collects errors"),
    ],
)
def test_processor_is_named_where_it_is_used(
    client: Client, settings: Settings, name: str, value: str, words: str
) -> None:
    setattr(settings, name, value)
    assert words in read(client, "privacy")

    setattr(settings, name, "")
    assert words not in read(client, "privacy")


def test_privacy_notice_names_everything_that_is_kept(client: Client) -> None:
    text = read(client, "privacy")

    for table in registry.tables():
        if table.owners:
            assert text.count(" ".join(str(table.title).split())) >= 2, table.model  # why, and how long


def test_cookies_page_names_each_cookie_a_visit_leaves(client: Client) -> None:
    sign_in(client, UserFactory.create())
    client.get(reverse("accounts:sign-in"))
    client.post(reverse("settings:notifications"), {"news": "on"})
    client.get(reverse("settings:notifications"))
    text = read(client, "cookies")

    assert len(client.cookies) >= 2
    assert all(f"{name} " in text for name in client.cookies)


def test_controller_is_the_seller_of_the_settings(client: Client, settings: Settings) -> None:
    settings.SELLER_NAME = "Example Ltd"
    settings.SELLER_ADDRESS = "1 Marina | Lagos"
    settings.SELLER_EMAIL = "privacy@sms.example.com"
    settings.SELLER_TAX_ID = "12345678-0001"

    for slug in ("terms", "privacy", "refunds"):
        text = read(client, slug)
        assert "Example Ltd 1 Marina Lagos privacy@sms.example.com Tax number: 12345678-0001" in text


def test_seller_without_an_address_is_reached_at_support(client: Client, settings: Settings) -> None:
    settings.SELLER_EMAIL, settings.SUPPORT_EMAIL = "", "help@sms.example.com"

    assert "help@sms.example.com" in read(client, "privacy")


@pytest.mark.parametrize(
    "words", ["Nigeria Data Protection Act 2023", "NDPC", "General Data Protection Regulation"]
)
def test_laws_are_named(client: Client, words: str) -> None:
    assert words in read(client, "privacy")


def test_sign_up_names_what_is_accepted(client: Client) -> None:
    html = client.get(reverse("accounts:sign-up")).content.decode()

    assert "By signing up you accept the" in html
    assert '<a href="/legal/terms/">terms of service</a>' in html
    assert '<a href="/legal/privacy/">privacy notice</a>' in html
