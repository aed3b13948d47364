"""Groups show what `roles.py` says; written after each migration, and after each emptying of a test database."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import F, Value
from django.db.models.functions import Concat

from accounts import roles


def write_groups(**_: Any) -> None:
    """Make the groups and their permissions equal to the table."""
    for label in roles.APPS:
        create_permissions(apps.get_app_config(label), verbosity=0)
    named = Concat(F("content_type__app_label"), Value("."), F("codename"))
    ids = dict(Permission.objects.annotate(named=named).values_list("named", "pk"))
    for role in roles.ROLES:
        group, _made = Group.objects.get_or_create(name=str(role))
        group.permissions.set([ids[name] for name in roles.permissions_of(role) if name in ids])
