from collections.abc import Iterator

import pytest

from tests import paystack_spec
from tests.sandbox.paystack.client import Merchant

# Paystack's OpenAPI file is not part of this project. Where it is absent there is nothing to compare with, so the
# module is not collected at all; where it is present every test of it runs.
collect_ignore = [] if paystack_spec.spec_path() else ["test_conformance.py"]


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    made = Merchant()
    # Inside `with` the application keeps one event loop, in which the courier lives.
    with made.http:
        made.configure(webhook_url="http://shop.example/webhooks/paystack")
        yield made
