"""A client that talks to a scripted far side."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from billing.paystack import wire
from billing.paystack.client import Paystack, paystack
from namaskah.lib import http
from tests import paystack_spec
from tests.billing.paystack.far_side import FarSide, serving

# Paystack's OpenAPI file is not part of this project. Where it is absent there is nothing to compare with, so the module is
# not collected at all; where it is present every test of it runs.
collect_ignore = [] if paystack_spec.spec_path() else ["test_client_conformance.py"]


@pytest.fixture
def paystack_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key nobody else uses, so that limits and breaker are this test's own; quick where production is patient."""
    settings.PAYSTACK_SECRET_KEY = f"sk_test_{uuid.uuid4().hex}"
    settings.PAYSTACK_CONNECT_TIMEOUT_S = 0.5
    settings.PAYSTACK_READ_TIMEOUT_S = 0.5
    settings.PAYSTACK_CHARGE_READ_TIMEOUT_S = 0.5
    settings.PAYSTACK_RATE_PER_S = settings.PAYSTACK_VERIFY_PER_S = settings.PAYSTACK_REFUND_PER_S = 1000.0
    settings.PAYSTACK_BURST = 1000
    settings.PAYSTACK_CHECKOUT_ORIGINS = ["https://checkout.paystack.com"]
    monkeypatch.setattr(wire, "_FIRST_PAUSE_S", 0.01)


@pytest.fixture
def far_side(paystack_settings: None, settings: Settings) -> Iterator[FarSide]:
    with serving() as far:
        settings.PAYSTACK_BASE_URL = far.url
        yield far
    http.close()


@pytest.fixture
def sut(far_side: FarSide) -> Paystack:
    """The product's client, aimed at `far_side`."""
    return paystack()
