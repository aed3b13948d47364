"""Celery: the app and its one static schedule. Tasks only make things happen sooner; the sweeps make them happen."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, celeryd_init, setup_logging
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")

app = Celery("namaskah")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["namaskah", "accounts", "billing", "verifications"])
app.steps["worker"].add(
    DjangoStructLogInitStep
)  # a task's log lines carry the request and user that caused it


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Settings have configured logging already; Celery would replace it."""


@celeryd_init.connect
@beat_init.connect
def _refuse_bad_configuration(**_: Any) -> None:
    from namaskah.checks import refuse_bad_configuration

    refuse_bad_configuration()


def every(task: str, seconds: float) -> dict[str, Any]:
    """A schedule entry that expires when the next one is due, so a stopped worker finds no backlog."""
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 5.0)}}


@app.on_after_configure.connect
def _schedule(sender: Celery, **_: Any) -> None:
    sender.conf.beat_schedule = {
        "heartbeat": every("namaskah.heartbeat", 10),
        "poll-providers": every("verifications.poll_providers", settings.POLL_INTERVAL_S),
        "finish-overdue": every("verifications.sweep_orders", 5),
        "settle-doubtful": every("verifications.settle_doubtful", 5),
        "close-upstream": every("verifications.close_upstream", 3),
        "refresh-offers": every("verifications.refresh_offers", settings.OFFER_REFRESH_S),
        "check-balances": every("verifications.check_balances", 60),
        "tell-orders": every("verifications.tell_orders", 5),
        "release-orphan-holds": every("verifications.release_orphan_holds", 60),
        "release-expired-holds": every("billing.release_expired_holds", 60),
        "process-webhooks": every("billing.process_webhooks", 10),
        "refresh-exchange-rate": every("billing.refresh_exchange_rate", 60),
        "deactivate-cards": every("billing.deactivate_cards", 60),
        "top-up-automatically": every("billing.top_up_automatically", 30),
        "look-after-bank-accounts": every("billing.look_after_bank_accounts", 60),
        "settle-deposits": every("billing.settle_deposits", 15),
        "tell-low-balances": every("billing.tell_low_balances", 60),
        "sweep-refunds": every("billing.sweep_refunds", 30),
        "sweep-disputes": every("billing.sweep_disputes", 300),
        "find-missed-disputes": every("billing.find_missed_disputes", 3600),
        "reconcile-recent": every("billing.reconcile_recent", 3600),
        "reconcile-days": {
            "task": "billing.reconcile_days",
            "schedule": crontab(
                hour="3", minute="17"
            ),  # UTC; a day's interval would start anew with each deployment
            "options": {"expires": 6 * 3600},
        },
        "send-emails": every("accounts.send_emails", 15),
        "send-proofs": every("accounts.send_proofs", 5),
        "tell-locks": every("accounts.tell_locks", 15),
        "send-codes": every("accounts.send_codes", 5),
        "make-exports": every("accounts.make_exports", 30),
        "erase": every("accounts.erase", 60),
        "replay-erasures": every("accounts.replay_erasures", 600),
        "retain": every("accounts.retain", 600),
        "seal-audit": every("accounts.seal_audit", 30),
        "remove-old-audit": {
            "task": "accounts.remove_old_audit",
            "schedule": crontab(hour="2", minute="41"),
            "options": {"expires": 6 * 3600},
        },
    }
