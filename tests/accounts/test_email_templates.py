"""Every e-mail: complete, plain, and saying the same in both its parts."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template import engines
from pytest_django import Settings

from accounts.services import email_templates, notice_topics
from accounts.services.email_templates import EMAILS, render
from accounts.services.notice_topics import Topic

UNKNOWN = "(nothing)"
CONTEXTS: dict[str, dict[str, str]] = {
    "deposit_succeeded": {"amount": "₦5,000.00", "credit": "$3.27", "url": "/wallet/deposits/1/"},
    "deposit_failed": {"amount": "₦5,000.00", "url": "/wallet/deposits/1/", "reason": "Insufficient Funds"},
    "deposit_review": {"amount": "₦4,000.00", "url": "/wallet/deposits/1/", "reason": "less than asked for"},
    "deposit_closed": {"amount": "₦5,000.00", "url": "/wallet/deposits/1/"},
    "refund_requested": {"amount": "₦5,000.00", "credit": "$3.27", "url": "/wallet/refunds/1/"},
    "refund_needs_details": {"amount": "₦5,000.00", "credit": "$3.27", "url": "/wallet/refunds/1/"},
    "refund_processed": {"amount": "₦5,000.00", "url": "/wallet/refunds/1/"},
    "refund_failed": {
        "amount": "₦5,000.00",
        "credit": "$3.27",
        "url": "/wallet/refunds/1/",
        "reason": "account closed",
    },
    "dispute_opened": {"amount": "₦5,000.00", "held": "$3.27", "url": "/wallet/deposits/1/"},
    "dispute_closed": {
        "amount": "₦5,000.00",
        "outcome": "lost",
        "shortfall": "$1.20",
        "url": "/wallet/deposits/1/",
    },
    "wallet_low": {"balance": "$0.85", "url": "/wallet/top-up/"},
    "card_removed": {"card": "Visa 4081", "url": "/wallet/cards/"},
    "auto_top_up_succeeded": {
        "amount": "₦5,000.00",
        "credit": "$3.27",
        "card": "Visa 4081",
        "url": "/wallet/deposits/1/",
    },
    "auto_top_up_failed": {
        "amount": "₦5,000.00",
        "card": "Visa 4081",
        "url": "/wallet/auto-top-up/",
        "reason": "Declined",
    },
    "auto_top_up_stopped": {"reason": "the card was declined three times", "url": "/wallet/auto-top-up/"},
    "passkey_copied": {"name": "Telephone", "url": "/settings/security/passkeys/"},
    "payment_needs_you": {"amount": "₦5,000.00", "url": "/wallet/deposits/1/"},
    "verify_sign_up": {"code": "123456", "link": "/accounts/verify-email/t/"},
    "account_exists": {"url": "/accounts/sign-in/"},
    "verify_email": {"code": "123456", "link": "/accounts/verify-email/t/"},
    "invitation": {"link": "/accounts/password/reset/t/", "url": "/accounts/password/reset/"},
    "password_reset": {"link": "/accounts/password/reset/t/"},
    "password_changed": {"url": "/accounts/password/reset/"},
    "email_change_old": {"new_hint": "a…@example.org", "link": "/accounts/email-change/t/"},
    "email_change_new": {"link": "/accounts/email-change/t/"},
    "email_changed": {"support": "support@example.com", "url": "/settings/email/"},
    "sign_in_locked": {"until": "10:42 UTC", "url": "/accounts/password/reset/"},
    "new_device": {
        "browser": "Firefox on Windows",
        "place": "203.0.113.9",
        "at": "21 November 2026, 17:34 UTC",
        "url": "/settings/security/sessions/",
    },
    "account_suspended": {"reason": "Two payments were disputed as fraud.", "final": "", "url": "/"},
    "account_restored": {"url": "/accounts/sign-in/"},
    "export_ready": {"url": "/settings/privacy/export/1/"},
    "erasure_planned": {"on": "28 November 2026", "url": "/settings/privacy/"},
    "erasure_waiting": {"obstacle": "A refund is on its way.", "url": "/settings/privacy/"},
    "erasure_cancelled": {"url": "/settings/privacy/"},
    "erasure_done": {},
    "code_received": {"service": "WhatsApp", "late": "yes", "url": "/verifications/1/"},
    "second_factor_code": {"code": "246802", "url": "/accounts/second-step/"},
    "factor_added": {"factor": "Authenticator app", "url": "/settings/security/"},
    "factor_removed": {"factor": "Authenticator app", "url": "/settings/security/"},
    "factors_reset": {"support": "support@example.com", "url": "/settings/security/"},
    "recovery_code_used": {"left": "9", "url": "/settings/security/recovery-codes/"},
    "order_ended": {
        "service": "WhatsApp",
        "amount": "$0.35",
        "outcome": "expired",
        "url": "/verifications/1/",
    },
}
FOLDER = Path(__file__).parents[2] / "templates" / "emails"
MONEY = re.compile(r"[₦$][\d,.]*\d")
LINK = re.compile(r'https?://[^\s"<>]+')


@pytest.fixture(autouse=True)
def _show_what_is_missing() -> Iterator[None]:
    """A variable nobody set leaves a mark instead of nothing."""
    engine = engines["django"].engine  # type: ignore[attr-defined]  # the stubs know the common base only
    before, engine.string_if_invalid = engine.string_if_invalid, UNKNOWN
    yield
    engine.string_if_invalid = before


def plain(html: str) -> str:
    """What a person reads of a document."""
    body = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", html, flags=re.DOTALL)
    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_registry_folders_and_contexts_are_the_same() -> None:
    assert {folder.name for folder in FOLDER.iterdir() if folder.is_dir()} == set(EMAILS) == set(CONTEXTS)


@pytest.mark.parametrize("name", sorted(EMAILS))
def test_email_is_complete_and_both_parts_agree(name: str) -> None:
    context = CONTEXTS[name]

    email = render(name, context)
    shown = plain(email.html)

    assert "\n" not in email.subject
    assert 10 < len(email.subject) < 70
    for part in (email.subject, email.text, email.html):
        assert UNKNOWN not in part
        assert "{" not in re.sub(r"<style>.*?</style>", "", part, flags=re.DOTALL)
        assert "%" not in part
    assert not re.search(r"<[^>]+>|&\w+;|&#", email.subject + email.text)
    assert set(MONEY.findall(email.text)) <= set(MONEY.findall(shown))
    assert set(MONEY.findall(shown)) == set(MONEY.findall(email.subject + email.text))
    assert set(MONEY.findall(shown)) == {text for text in context.values() if MONEY.fullmatch(text)}
    paragraphs = [line for line in email.text.split("-- \n")[0].split("\n") if line and "://" not in line]
    assert all(paragraph in shown for paragraph in paragraphs)


@pytest.mark.parametrize("name", sorted(EMAILS))
def test_every_link_leads_to_this_site(name: str, settings: Settings) -> None:
    settings.SITE_URL = "https://sms.example.com"

    email = render(name, CONTEXTS[name])

    context = CONTEXTS[name]
    wanted = {f"https://sms.example.com{context[key]}" for key in ("link", "url") if key in context}
    foot = {Topic.ADDRESS: "", Topic.SECURITY: "/settings/security/"}
    path = foot.get(notice_topics.of(name), "/settings/notifications/")
    wanted |= {f"https://sms.example.com{path}"} if path else set()
    found = set(LINK.findall(email.text))
    assert found == set(re.findall(r'(?:href|src)="([^"]+)"', email.html))
    assert found <= wanted
    target = context.get("link") or context.get("url")
    assert target is None or f"https://sms.example.com{target}" in found
    assert "<img" not in email.html
    assert "<script" not in email.html


@pytest.mark.parametrize("name", sorted(name for name in EMAILS if "code" in EMAILS[name]))
def test_code_stands_in_the_body_alone(name: str) -> None:
    email = render(name, CONTEXTS[name])

    code = CONTEXTS[name]["code"]
    assert code in email.text
    assert code not in email.subject
    assert email.html.count(code) == 1


@pytest.mark.parametrize("name", sorted(EMAILS))
def test_email_names_its_topic(name: str) -> None:
    assert name in notice_topics.OF_TEMPLATE


@pytest.mark.parametrize("name", sorted(EMAILS))
def test_email_with_the_required_alone_has_no_holes(name: str) -> None:
    context = {key: value for key, value in CONTEXTS[name].items() if key in EMAILS[name]}

    email = render(name, context)

    assert UNKNOWN not in email.subject + email.text + email.html
    assert "<p>\n    \n  </p>" not in email.html


@pytest.mark.parametrize(
    ("outcome", "words"), [("won", "available in your wallet again"), ("lost", "was taken")]
)
def test_closed_dispute_says_who_has_the_money(outcome: str, words: str) -> None:
    email = render("dispute_closed", {"amount": "₦1.00", "outcome": outcome, "held": "$1.00", "url": "/x/"})

    assert words in email.text
    assert words in plain(email.html)
    assert "still owed" not in email.text


@pytest.mark.parametrize(
    ("template", "outcome"), [("dispute_opened", ""), ("dispute_closed", "won"), ("dispute_closed", "lost")]
)
def test_dispute_of_money_that_never_reached_the_wallet_speaks_of_no_hold(
    template: str, outcome: str
) -> None:
    email = render(template, {"amount": "₦1.00", "outcome": outcome, "held": "", "url": "/x/"})

    assert "held" not in email.text
    assert "held" not in plain(email.html)


def test_customer_text_is_escaped_in_html_and_left_alone_in_text() -> None:
    email = render("deposit_failed", {**CONTEXTS["deposit_failed"], "reason": "<b>A & B</b>\nBcc: x@y"})

    assert "<b>" not in email.html
    assert "&lt;b&gt;A &amp; B" in email.html
    assert "<b>A & B</b>" in email.text


def test_subject_stays_one_line_whatever_the_context_holds() -> None:
    email = render("deposit_succeeded", {"amount": "1", "credit": "$1\r\nBcc: x@y", "url": "/x/"})

    assert email.subject == "$1 Bcc: x@y is in your wallet"


def test_card_without_a_name_is_the_customers_card() -> None:
    email_templates.check("auto_top_up_succeeded", {**CONTEXTS["auto_top_up_succeeded"], "card": ""})

    email = render("auto_top_up_succeeded", {**CONTEXTS["auto_top_up_succeeded"], "card": ""})

    assert "so your card was charged ₦5,000.00" in email.text


def test_address_of_a_bank_stays_as_it_is() -> None:
    email = render("payment_needs_you", {"amount": "₦1.00", "url": "https://bank.example/3ds"})

    assert 'href="https://bank.example/3ds"' in email.html


@pytest.mark.parametrize(
    ("template", "context", "message"),
    [
        ("no_such", {}, "There is no e-mail 'no_such'"),
        ("../admin/base", {}, "There is no e-mail"),
        ("wallet_low", {"url": "/x/"}, "'wallet_low' lacks balance"),
        ("wallet_low", {"amount": "$1"}, "lacks balance, url"),
    ],
)
def test_unknown_email_and_missing_context_are_refused(
    template: str, context: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        email_templates.check(template, context)
