"""Forgetting what is too old of payments: what Paystack's webhooks said, and cards that were removed long ago."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.privacy.old_rows import delete_in_batches
from billing.enums import WebhookState
from billing.models import AutoTopUp, SavedCard, WebhookEvent

# What a webhook said is about whoever it names: by address, or by the reference of one of their payments. References are plain
# ASCII, so they are found however the JSON was written; bytes above are read as Latin-1 to be read at all.
EMPTY_BODIES = """
UPDATE billing_webhookevent AS webhook SET body = ''
WHERE webhook.state <> 'pending' AND webhook.body <> '' AND (
    position((SELECT lower(email) FROM accounts_user WHERE id = %(user)s) IN lower(convert_from(webhook.body, 'LATIN1'))) > 0
    OR EXISTS (
        SELECT FROM billing_deposit AS deposit WHERE deposit.user_id = %(user)s AND
            (position(convert_to(deposit.reference, 'UTF8') IN webhook.body) > 0
             OR position(convert_to(lower(deposit.email), 'UTF8') IN webhook.body) > 0)
    )
)
"""


def remove() -> int:
    """Delete what is older than the settings allow. Returns how many rows went."""
    before = timezone.now() - dt.timedelta(days=settings.LOG_KEEP_DAYS)
    over = [state for state in WebhookState if state != WebhookState.PENDING]
    webhooks = WebhookEvent.objects.filter(state__in=over, received_at__lt=before)
    in_use = AutoTopUp.objects.exclude(card=None).values("card")
    cards = SavedCard.objects.filter(removed_at__lt=before, deactivate_due_at=None).exclude(pk__in=in_use)
    return delete_in_batches(webhooks) + delete_in_batches(cards)


def empty_webhooks(user_id: int) -> None:
    """Empty what webhooks said about somebody, while their address is still known."""
    with connection.cursor() as cursor:
        cursor.execute(EMPTY_BODIES, {"user": user_id})
