"""Whom the attacks are about: somebody of whom there is one of everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import Settings

from accounts import mailbox, throttle
from tests.fake_paystack import FakePaystack
from tests.roles.scene import Scene, make_scene
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()
    throttle._own_counts.clear()


@pytest.fixture
def scene(
    db: None, shop_builder: Callable[..., Shop], far: FakePaystack, settings: Settings, tmp_path: Path
) -> Scene:
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = mailbox.FILE_BACKEND, str(tmp_path)
    settings.PAYSTACK_DEDICATED_ACCOUNTS = True
    return make_scene(shop_builder(), far, tmp_path)
