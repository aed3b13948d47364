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


ROLES: dict[str, Grant] = {
    Role.CUSTOMER: Grant(None),
    Role.PREMIUM: Grant(Role.CUSTOMER),
    Role.SUPPORT: Grant(Role.CUSTOMER),
    Role.FINANCE: Grant(Role.SUPPORT),
    Role.ADMINISTRATOR: Grant(Role.FINANCE),
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
