"""What each role may do. This table is the truth; the groups in the database show it and are written from it.

A role has what the role it inherits from has, and what stands beside it. Permissions are Django's, by name
(`app.codename`); each is declared on the model it is about. Whose object something is, no role decides: selectors do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.contrib.auth import get_permission_codename

from accounts.enums import Role

APPS = ("accounts", "billing", "verifications")


@dataclass(frozen=True)
class Grant:
    """What one role adds to the role it inherits from."""

    inherits: Role | None
    permissions: frozenset[str] = frozenset()


# What somebody may do with what is theirs.
OWN = frozenset(
    {
        "accounts.change_own_email",
        "accounts.change_own_password",
        "accounts.choose_own_notices",
        "accounts.choose_own_privacy",
        "accounts.end_own_sessions",
        "accounts.erase_own_account",
        "accounts.export_own_data",
        "accounts.manage_own_factors",
        "billing.download_receipt",
        "billing.download_statement",
        "billing.forget_card",
        "billing.open_dedicatedaccount",
        "billing.request_refund",
        "billing.save_card",
        "billing.set_autotopup",
        "billing.top_up",
        "verifications.cancel_order",
        "verifications.download_orders",
        "verifications.finish_order",
        "verifications.order_number",
        "verifications.request_another_sms",
    }
)
# Enough to help a customer who writes: never a code, never a text, no money moved.
SUPPORTING = frozenset(
    {
        "accounts.add_factorreset",
        "accounts.end_sessions",
        "accounts.resend_outgoingemail",
        "accounts.suspend_user",
        "accounts.view_auditentry",
        "accounts.view_event",
        "accounts.view_factorreset",
        "accounts.view_knowndevice",
        "accounts.view_notice",
        "accounts.view_outgoingemail",
        "accounts.view_session",
        "accounts.view_user",
        "billing.check_deposit",
        "billing.view_account",
        "billing.view_deposit",
        "billing.view_refund",
        "billing.view_transfer",
        "verifications.cancel_any_order",
        "verifications.settle_attempt",
        "verifications.view_attempt",
        "verifications.view_country",
        "verifications.view_historyentry",
        "verifications.view_message",
        "verifications.view_offer",
        "verifications.view_service",
        "verifications.view_strayorder",
        "verifications.view_verification",
    }
)
# Money, and what prices are made of. Above a limit a second member of staff decides as well (`billing.services.approvals`).
ACCOUNTING = frozenset(
    {
        "billing.add_exchangerate",
        "billing.adjust_balance",
        "billing.answer_dispute",
        "billing.close_reconciledday",
        "billing.decide_approval",
        "billing.decide_refund",
        "billing.remove_savedcard",
        "billing.replay_webhookevent",
        "billing.review_deposit",
        "billing.run_reconciledday",
        "billing.view_approval",
        "billing.view_autotopup",
        "billing.view_dedicatedaccount",
        "billing.view_dispute",
        "billing.view_exchangerate",
        "billing.view_reconciledday",
        "billing.view_savedcard",
        "billing.view_settlement",
        "billing.view_webhookevent",
        "verifications.view_pricerule",
        "verifications.view_provider",
    }
)
ROLES: dict[str, Grant] = {
    Role.CUSTOMER: Grant(None, OWN),
    Role.PREMIUM: Grant(Role.CUSTOMER, frozenset({"verifications.hold_many_orders"})),
    Role.SUPPORT: Grant(Role.CUSTOMER, SUPPORTING),
    Role.FINANCE: Grant(Role.SUPPORT, ACCOUNTING),
    Role.ADMINISTRATOR: Grant(Role.FINANCE),  # and everything else
}


def permissions_of(role: str) -> frozenset[str]:
    """All permissions of a role, inherited ones too; none for a group that is no role."""
    if role == Role.ADMINISTRATOR:
        return every_permission()
    grant = ROLES.get(role)
    if grant is None:
        return frozenset()
    return grant.permissions | (permissions_of(grant.inherits) if grant.inherits else frozenset())


@cache
def every_permission() -> frozenset[str]:
    """Every permission that a model of ours declares."""
    return frozenset(
        f"{model._meta.app_label}.{codename}"
        for label in APPS
        for model in apps.get_app_config(label).get_models()
        for codename in [
            *(get_permission_codename(action, model._meta) for action in model._meta.default_permissions),
            *(codename for codename, _title in model._meta.permissions),
        ]
    )
