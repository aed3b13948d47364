"""Staff at the console."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from tests.factories.accounts import StaffFactory


@pytest.fixture
def staff(db: None) -> User:
    return StaffFactory.create()


@pytest.fixture
def console(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


@pytest.fixture
def support(db: None) -> User:
    """May look at everything about money and decide nothing."""
    clerk = StaffFactory.create(is_superuser=False)
    clerk.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="billing", codename__startswith="view_")
    )
    return clerk
