"""Staff at the console."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts import roles
from accounts.models import User
from tests.factories.accounts import ClerkFactory, StaffFactory
from tests.factories.signing_in import sign_in


@pytest.fixture
def staff(db: None) -> User:
    return StaffFactory.create()


@pytest.fixture
def console(client: Client, staff: User) -> Client:
    sign_in(client, staff)
    return client


LOOKING = sorted(name for name in roles.every_permission() if name.startswith("billing.view_"))


@pytest.fixture
def support(db: None, support_may: Callable[..., None]) -> User:
    """May look at everything about money and decide nothing."""
    support_may(*LOOKING)
    clerk: User = ClerkFactory.create()
    return clerk
