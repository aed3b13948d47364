"""What e-mails exist, what each needs to know, and how one becomes subject, text and HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.template import Context, Engine
from django.utils import translation
from django.utils.translation import gettext

from accounts.services import notice_topics

# Name → what its context must hold; all of it ready text for people, `url` an address of this site from its root on.
# Beyond that `reason` is told where there is one (declined, refused, switched off), and `held` where money was held.
EMAILS: dict[str, frozenset[str]] = {
    "deposit_succeeded": frozenset({"amount", "credit", "url"}),
    "deposit_failed": frozenset({"amount", "url"}),
    "deposit_review": frozenset({"amount", "url"}),
    "deposit_closed": frozenset({"amount", "url"}),
    "refund_requested": frozenset({"amount", "credit", "url"}),
    "refund_needs_details": frozenset({"amount", "credit", "url"}),
    "refund_processed": frozenset({"amount", "url"}),
    "refund_failed": frozenset({"amount", "credit", "url"}),
    "dispute_opened": frozenset({"amount", "held", "url"}),
    "dispute_closed": frozenset({"amount", "outcome", "url"}),  # `outcome`: won or lost
    "wallet_low": frozenset({"balance", "url"}),
    "card_removed": frozenset({"card", "url"}),
    "auto_top_up_succeeded": frozenset({"amount", "credit", "card", "url"}),
    "auto_top_up_failed": frozenset({"amount", "card", "url"}),
    "auto_top_up_stopped": frozenset({"reason", "url"}),
    "payment_needs_you": frozenset({"amount", "url"}),
    "passkey_copied": frozenset({"name", "url"}),
    "code_received": frozenset({"service", "url"}),  # `late` when it came after the end of the order
    "order_ended": frozenset({"service", "amount", "outcome", "url"}),  # expired, failed or cancelled
    "verify_sign_up": frozenset({"code", "link"}),
    "account_exists": frozenset({"url"}),
    "verify_email": frozenset({"code", "link"}),
    "invitation": frozenset({"link", "url"}),  # `url`: where another link is asked for
    "password_reset": frozenset({"link"}),
    "password_changed": frozenset({"url"}),
    "email_change_old": frozenset({"new_hint", "link"}),
    "email_change_new": frozenset({"link"}),
    "email_changed": frozenset({"support", "url"}),
    "sign_in_locked": frozenset({"until", "url"}),
    "new_device": frozenset({"browser", "place", "at", "url"}),
    "second_factor_code": frozenset({"code", "url"}),
    "factor_added": frozenset({"factor", "url"}),
    "factor_removed": frozenset({"factor", "url"}),
    "factors_reset": frozenset({"support", "url"}),
    "recovery_code_used": frozenset({"left", "url"}),
    "account_suspended": frozenset({"reason", "url"}),  # `final` when it is closed for good
    "account_restored": frozenset({"url"}),
    "export_ready": frozenset({"url"}),
    "erasure_planned": frozenset({"on", "url"}),
    "erasure_waiting": frozenset({"obstacle", "url"}),
    "erasure_cancelled": frozenset({"url"}),
    "erasure_done": frozenset(),
}
EMPTY_LINES = re.compile(r"\n\s*\n+")


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """`subject` is one line, `text` has no markup, `html` is a whole document."""

    subject: str
    text: str
    html: str


def check(template: str, context: Mapping[str, object]) -> None:
    """Refuse what could not be rendered later.

    An empty text is let pass: a card's name that Paystack did not tell must not undo a credit.

    Raises:
        ValueError: No such e-mail, or its context lacks something.
    """
    required = EMAILS.get(template)
    if required is None:
        raise ValueError(f"There is no e-mail {template!r}.")
    missing = sorted(required - context.keys())
    if missing:
        raise ValueError(f"The e-mail {template!r} lacks {', '.join(missing)}.")


def render(template: str, context: Mapping[str, str], *, language: str = "") -> RenderedEmail:
    """Make an e-mail of its context, with `url` and `link` made whole by SITE_URL; the button leads to `link`, else to `url`."""
    language = language or settings.LANGUAGE_CODE
    url = absolute(context.get("url", "/"))
    link = absolute(context.get("link", "")) or url  # a secret one, where there is one
    values = {
        **context,
        "url": url,
        "link": link,
        "site_url": settings.SITE_URL,
        "language": language,
        "topic": notice_topics.of(template).value,
        "is_fixed": notice_topics.RULES[notice_topics.of(template)].is_fixed,
    }
    with translation.override(language):
        values["card"] = context.get("card") or gettext("your card")
        subject = " ".join(_part(f"emails/{template}/subject.txt", values).split())
        values["subject"] = subject
        text = EMPTY_LINES.sub("\n\n", _part(f"emails/{template}/body.txt", values)).strip() + "\n"
        html = _part(f"emails/{template}/body.html", values)
    return RenderedEmail(subject, text, html)


def absolute(url: str) -> str:
    """An address of this site with its host; one of somebody else (the page of a bank) stays as it is."""
    return f"{settings.SITE_URL}{url}" if url.startswith("/") else url


def _part(name: str, values: Mapping[str, str]) -> str:
    """Text is text: only HTML is escaped."""
    context = Context(dict(values), autoescape=name.endswith(".html"))
    return str(Engine.get_default().get_template(name).render(context))
