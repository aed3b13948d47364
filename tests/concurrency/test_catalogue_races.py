"""The service list's digest while two providers are read side by side, with the twin that has no turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from tests.shop import Shop
from verifications.models import Offer, Service
from verifications.services import catalog_summary

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(transactional_db: None, shop_builder: Callable[..., Shop]) -> Shop:
    return shop_builder()


def _slow_first_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """One refresh has read and not written when the offers change and another refresh runs."""
    has_read, second_is_over = threading.Event(), threading.Event()
    write = catalog_summary._write

    def late(digests: dict[int, catalog_summary.Digest]) -> None:
        if not has_read.is_set():
            has_read.set()
            second_is_over.wait(1.0)
        write(digests)

    def second() -> None:
        try:
            has_read.wait(10)
            Offer.objects.update(stock=0)
            catalog_summary.refresh()
            second_is_over.set()
        finally:
            connections.close_all()

    def first() -> None:
        try:
            catalog_summary.refresh()
        finally:
            connections.close_all()

    monkeypatch.setattr(catalog_summary, "_write", late)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(first), pool.submit(second)]:
            done.result()


def test_refreshes_take_turns(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    _slow_first_writer(monkeypatch)

    assert Service.objects.get(pk=shop.service.pk).country_count == 0


def test_without_turns_an_old_digest_stays(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_summary, "_wait_for_turn", lambda: None)

    _slow_first_writer(monkeypatch)

    assert Service.objects.get(pk=shop.service.pk).country_count == 1
