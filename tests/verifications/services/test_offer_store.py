"""One price list into the table."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from tests.factories.catalog import PriceListFactory, ServiceFactory
from verifications.models import Offer, ProviderCountryCode, Service
from verifications.providers.base import OfferRow
from verifications.services import offer_store
from verifications.services.offer_store import Stored

START = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def row(
    service: str = "wa", operator: str = "", cost: str = "0.20", stock: int = 5, **more: object
) -> OfferRow:
    return OfferRow(service, "gb", operator, Decimal(cost), stock, **more)  # type: ignore[arg-type]


class Shelf:
    """One price list and a clock: every store is a minute after the one before."""

    def __init__(self) -> None:
        self.whatsapp: Service = ServiceFactory.create(code="wa")
        self.telegram: Service = ServiceFactory.create(code="tg")
        self.price_list: ProviderCountryCode = PriceListFactory.create(prices_seen_at=None)
        self.now = START

    def store(self, rows: Iterable[OfferRow], **changes: object) -> Stored:
        self.now += dt.timedelta(minutes=1)
        values = {
            "services": {"wa": self.whatsapp.pk, "tg": self.telegram.pk},
            "rate": Decimal(1),
            "seen_at": self.now,
        } | changes
        return offer_store.store_list(self.price_list, rows, **values)  # type: ignore[arg-type]

    @property
    def offers(self) -> dict[tuple[str, str], tuple[Decimal, int]]:
        return {
            (offer.service_code, offer.operator): (offer.cost, offer.stock)
            for offer in Offer.objects.filter(price_list=self.price_list)
        }

    @property
    def seen_at(self) -> dt.datetime | None:
        return ProviderCountryCode.objects.get(pk=self.price_list.pk).prices_seen_at


@pytest.fixture
def shelf(db: None) -> Shelf:
    return Shelf()


def test_first_list_is_stored_whole(shelf: Shelf) -> None:
    stored = shelf.store([row(), row("tg", "o2", "0.1234567", 7, success_rate=Decimal("61.5"))])

    assert stored == Stored(total=2, inserted=2)
    assert shelf.offers == {("wa", ""): (Decimal("0.20"), 5), ("tg", "o2"): (Decimal("0.123457"), 7)}
    offer = Offer.objects.get(service_code="tg")
    assert (offer.provider, offer.country, offer.service, offer.country_code, offer.success_rate) == (
        shelf.price_list.provider,
        shelf.price_list.country,
        shelf.telegram,
        shelf.price_list.code,
        Decimal("61.50"),
    )
    assert shelf.seen_at == shelf.now


def test_only_what_differs_is_written(shelf: Shelf) -> None:
    shelf.store([row(), row("tg"), row("tg", "o2")])

    assert shelf.store([row(), row("tg", stock=6), row("tg", "ee")]) == Stored(
        3, inserted=1, updated=1, dropped=1
    )
    assert shelf.offers == {
        ("wa", ""): (Decimal("0.20"), 5),
        ("tg", ""): (Decimal("0.20"), 6),
        ("tg", "ee"): (Decimal("0.20"), 5),
    }


def test_unchanged_list_touches_no_offer(shelf: Shelf) -> None:
    shelf.store([row(), row("tg")])
    versions = _versions()

    assert shelf.store([row("tg"), row()]) == Stored(total=2)
    assert _versions() == versions
    assert shelf.seen_at == shelf.now


def test_offers_keep_their_identity_while_they_change(shelf: Shelf) -> None:
    shelf.store([row()])
    before = Offer.objects.get().pk

    shelf.store([row(cost="0.30", stock=0)])

    assert Offer.objects.get().pk == before


def test_cost_is_in_the_wallet_currency_and_rounded_up(shelf: Shelf) -> None:
    shelf.store([row(cost="21")], rate=Decimal("0.01234567"))

    offer = Offer.objects.get()
    assert (offer.cost, offer.provider_cost) == (Decimal("0.259260"), Decimal(21))


def test_rows_that_cannot_be_sold_are_left_out(shelf: Shelf) -> None:
    rows = [row("zz"), row(cost="0"), row(cost="-1"), row(operator="x" * 61), row(cost="1000000"), row("tg")]

    shelf.store(rows)

    assert list(shelf.offers) == [("tg", "")]


def test_odd_figures_are_brought_into_range(shelf: Shelf) -> None:
    shelf.store([row(stock=-3), row("tg", stock=10**12, success_rate=Decimal(250))])

    assert {offer.stock for offer in Offer.objects.all()} == {0, 2_000_000_000}
    assert Offer.objects.get(service_code="tg").success_rate is None


def test_text_with_separators_survives(shelf: Shelf) -> None:
    shelf.store([row(operator="a\tb\\N\nc")])
    shelf.store([row(operator="a\tb\\N\nc", stock=9)])

    assert shelf.offers == {("wa", "a\tb\\N\nc"): (Decimal("0.20"), 9)}


def test_row_listed_twice_keeps_its_last_line(shelf: Shelf) -> None:
    shelf.store([row(cost="0.50"), row(cost="0.40")])

    assert shelf.offers == {("wa", ""): (Decimal("0.40"), 5)}


def test_list_that_is_suddenly_empty_is_kept_for_one_round(shelf: Shelf) -> None:
    shelf.store([row(), row("tg")])
    believed_at = shelf.now

    assert shelf.store([]).is_held_back
    assert (len(shelf.offers), shelf.seen_at) == (2, believed_at)

    assert shelf.store([]).dropped == 2
    assert (len(shelf.offers), shelf.seen_at) == (0, shelf.now)


def test_list_below_a_tenth_is_kept_but_its_prices_are_taken_over(shelf: Shelf) -> None:
    shelf.store([row(operator=f"net{number}") for number in range(30)])

    assert shelf.store([row(operator="net0", stock=1), row(operator="net1")]).is_held_back
    assert (len(shelf.offers), shelf.offers["wa", "net0"][1]) == (30, 1)


def test_list_that_recovers_is_believed_at_once(shelf: Shelf) -> None:
    shelf.store([row(), row("tg")])
    shelf.store([])
    shelf.store([row(), row("tg")])

    assert shelf.store([]).is_held_back


def test_list_of_a_tenth_or_more_drops_the_rest(shelf: Shelf) -> None:
    shelf.store([row(operator=f"net{number}") for number in range(20)])

    assert shelf.store([row(operator="net0"), row(operator="net1")]).dropped == 18


def test_list_asked_for_earlier_does_not_overwrite(shelf: Shelf) -> None:
    shelf.store([row(stock=9)])

    shelf.store([row(stock=1)], seen_at=shelf.now - dt.timedelta(minutes=2))

    assert shelf.offers["wa", ""][1] == 9


def test_mapping_that_changed_moves_the_offers(shelf: Shelf) -> None:
    shelf.store([row()])

    shelf.store([row()], services={"wa": shelf.telegram.pk})

    assert Offer.objects.get().service == shelf.telegram


def test_list_that_is_no_longer_mapped_loses_its_offers(shelf: Shelf) -> None:
    shelf.store([row()])
    ProviderCountryCode.objects.update(country=None)

    shelf.store([row()])

    assert (shelf.offers, shelf.seen_at) == ({}, None)


def test_other_lists_of_the_provider_stay(shelf: Shelf) -> None:
    shelf.store([row(), row("tg")])
    first = shelf.price_list
    shelf.price_list = PriceListFactory.create(
        provider=first.provider, country=first.country, code="other", prices_seen_at=None
    )
    shelf.store([row()])
    shelf.store([row("tg")])

    assert Offer.objects.filter(price_list=first).count() == 2
    assert list(shelf.offers) == [("tg", "")]


@pytest.mark.django_db(transaction=True)
def test_two_refreshes_of_one_list_leave_one_of_them() -> None:
    shelf = Shelf()
    halves = [
        [row(operator=f"a{number}") for number in range(200)],
        [row(operator=f"b{number}") for number in range(200)],
    ]
    start = threading.Barrier(2)

    def work(rows: list[OfferRow], seen_at: dt.datetime) -> Callable[[], None]:
        def store() -> None:
            start.wait()
            for round_ in range(5):
                shelf_rows = [*rows, row("tg", operator="both", stock=round_)]
                offer_store.store_list(
                    shelf.price_list,
                    shelf_rows,
                    services={"wa": shelf.whatsapp.pk, "tg": shelf.telegram.pk},
                    rate=Decimal(1),
                    seen_at=seen_at + dt.timedelta(seconds=2 * round_),
                )
            connection.close()

        return store

    threads = [
        threading.Thread(target=work(half, START + dt.timedelta(seconds=at)))
        for at, half in enumerate(halves)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    latest = {operator for _, operator in shelf.offers}
    assert latest == {"both", *(item.operator for item in halves[1])}
    assert shelf.seen_at == START + dt.timedelta(seconds=9)
    assert shelf.seen_at < timezone.now()


def _versions() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, xmin, xmax FROM verifications_offer ORDER BY id")
        return list(cursor.fetchall())
