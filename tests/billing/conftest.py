"""A customer with ten dollars."""

from __future__ import annotations

import pytest

from accounts.models import User
from billing.models import Account
from tests.factories.billing import make_wallet


@pytest.fixture
def account(db: None) -> Account:
    return make_wallet("10.00")


@pytest.fixture
def customer(account: Account) -> User:
    user = account.user
    assert isinstance(user, User)
    return user
