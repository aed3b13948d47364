"""The table of roles in words, for people: docs/roles.md, and `manage.py show_roles`."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.contrib.auth import get_permission_codename

from accounts import roles
from accounts.enums import Role

INTRODUCTION = """\
# Roles

Made by `manage.py show_roles > docs/roles.md` from `accounts/roles.py`, which decides. A person has one role; it has what
the role it inherits from has. Whose object something is, no role decides: everybody reaches what is theirs alone.

| Role | Inherits from | Who |
|---|---|---|
| customer | – | Everybody with an account. |
| premium | customer | Customers who may hold more open orders at once (`MAX_OPEN_ORDERS_PREMIUM`). |
| support | customer | Helps customers: sees accounts, orders and top-ups, never a code or a text; moves no money. |
| finance | support | Decides about money: refunds, disputes, reviews, adjustments, days, rates. |
| administrator | finance | Everything: providers, prices, roles, bans, erasures. At least one always stays. |

Staff enters the console with a second factor only. Nobody changes their own role; whose role changes is signed out everywhere.
"""


def document() -> str:
    """The whole page."""
    return INTRODUCTION + "".join(_sections())


def _sections() -> Iterator[str]:
    """What each role adds to the one it inherits from."""
    names = _names()
    for role in Role:
        inherited = roles.ROLES[role].inherits
        added = roles.permissions_of(role) - (roles.permissions_of(inherited) if inherited else frozenset())
        if role is Role.ADMINISTRATOR:
            # Django has four permissions for each model; most are of models that no page of the console shows.
            added = frozenset(added & _declared())
        lines = [f"- {names[name]} (`{name}`)" for name in sorted(added)]
        if role is Role.ADMINISTRATOR:
            lines.append("- Can look at, add, change and delete whatever the console offers to")
        yield f"\n## {role.value}\n\n" + "\n".join(lines) + "\n"


def _names() -> dict[str, str]:
    """Every permission in words; Django's own are in English everywhere."""
    names: dict[str, str] = {}
    for label in roles.APPS:
        for model in apps.get_app_config(label).get_models():
            meta = model._meta
            for action in meta.default_permissions:
                names[f"{label}.{get_permission_codename(action, meta)}"] = (
                    f"Can {action} {meta.verbose_name}"
                )
            names |= {f"{label}.{codename}": str(title) for codename, title in meta.permissions}
    return names


def _declared() -> set[str]:
    return {
        f"{label}.{codename}"
        for label in roles.APPS
        for model in apps.get_app_config(label).get_models()
        for codename, _title in model._meta.permissions
    }
