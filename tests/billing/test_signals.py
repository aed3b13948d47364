"""Wallets open with the account they belong to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.services import registration
from billing.models import Account


@pytest.mark.django_db
def test_sign_up_opens_an_empty_wallet() -> None:
    user = registration.register(email="new@example.com", password="long enough 123")

    assert [account.available for account in Account.objects.filter(user=user)] == [Decimal(0)]


@pytest.mark.django_db
def test_saving_a_person_again_opens_no_second_wallet() -> None:
    user = registration.register(email="new@example.com", password="long enough 123")

    user.save()

    assert Account.objects.filter(user=user).count() == 1
