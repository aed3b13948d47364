"""For tests of orders."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.shop import Shop


@pytest.fixture
def shop(db: None, shop_builder: Callable[..., Shop]) -> Shop:
    """The scene with ten dollars in the wallet."""
    return shop_builder()
