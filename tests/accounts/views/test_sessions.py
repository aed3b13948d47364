"""The page of devices and sessions: what it shows, what it ends, and for whom."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, KnownDevice, Session, User
from accounts.services import known_devices
from tests.accounts.entering import PHONE, enter, is_in, row_of
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/settings/security/sessions/"


@pytest.fixture(autouse=True)
def _door(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.accounts.entering"


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def end(session_id: uuid.UUID) -> str:
    return f"{PAGE}{session_id}/end/"


def device_act(device: KnownDevice, act: str) -> str:
    return f"/settings/security/devices/{device.pk}/{act}/"


def test_page_names_this_browser_and_the_others(user: User) -> None:
    here = enter(user)
    enter(user, browser=PHONE, address="198.51.100.7", remember=True)

    page = here.get(PAGE).content.decode()

    assert page.index("This browser") < page.index("198.51.100.7")
    assert "Firefox on Windows" in page
    assert "Safari on iPhone" in page
    assert "stays signed in" in page
    assert page.count('data-testid="other-session"') == 1


def test_page_of_somebody_alone_offers_nothing_to_end(user: User) -> None:
    page = enter(user).get(PAGE).content.decode()

    assert "You are signed in nowhere else." in page
    assert "/end/" not in page
    assert "end-others" not in page


def test_sessions_that_are_over_are_not_listed(user: User) -> None:
    here, old = enter(user), enter(user, browser=PHONE)
    Session.objects.filter(pk=row_of(old).pk).update(started_at=timezone.now() - dt.timedelta(days=2))

    assert 'data-testid="other-session"' not in here.get(PAGE).content.decode()


@pytest.mark.parametrize("others", [0, 4])
def test_page_costs_the_same_however_many_there_are(
    user: User, others: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    here = enter(user)
    for _ in range(others):
        enter(user)
    here.get(PAGE)

    with django_assert_num_queries(here_costs(here)):
        here.get(PAGE)


def here_costs(client: Client) -> int:
    """Session with its person, sessions, this device, devices; and what every page asks beside."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as shell:
        client.get("/settings/")
    return len(shell) + 3


def test_one_session_is_ended(user: User) -> None:
    here, there, third = enter(user), enter(user), enter(user)

    answer = here.post(end(row_of(there).id), follow=True)

    assert "That session has ended." in answer.content.decode()
    assert [is_in(each) for each in (here, there, third)] == [True, False, True]
    entry = AuditEntry.objects.get(action=AuditAction.SESSION_ENDED)
    assert (entry.actor_id, entry.subject_id) == (user.pk, user.pk)


def test_ending_this_session_signs_out(user: User) -> None:
    here = enter(user)

    answer = here.post(end(row_of(here).id))

    assert answer.status_code == 302
    assert not is_in(here)


def test_all_others_are_ended(user: User) -> None:
    here, there, third = enter(user), enter(user), enter(user)

    answer = here.post(f"{PAGE}end-others/", follow=True)

    assert "2 other sessions have ended." in answer.content.decode()
    assert [is_in(each) for each in (here, there, third)] == [True, False, False]


def test_nobody_ends_sessions_or_devices_of_others(user: User) -> None:
    stranger = enter(UserFactory.create())
    victim = enter(user)
    device = KnownDevice.objects.get(user=user)
    known_devices.trust(device)

    answers = [
        stranger.post(end(row_of(victim).id)).status_code,
        stranger.post(end(uuid.uuid4())).status_code,
        stranger.post(device_act(device, "forget")).status_code,
        stranger.post(device_act(device, "ask-again")).status_code,
    ]

    assert answers == [404] * 4
    assert is_in(victim)
    assert KnownDevice.objects.get(user=user).is_trusted


def test_nothing_is_ended_by_following_a_link(user: User) -> None:
    here, there = enter(user), enter(user)
    device = KnownDevice.objects.filter(user=user)[0]

    links = [end(row_of(there).id), f"{PAGE}end-others/", device_act(device, "forget")]

    assert [here.get(link).status_code for link in links] == [405] * 3
    assert is_in(there)


def test_forms_of_other_sites_are_refused(user: User) -> None:
    careful = Client(enforce_csrf_checks=True)
    enter(user, client=careful)
    there = enter(user)

    answer = careful.post(end(row_of(there).id))

    assert answer.status_code == 403
    assert is_in(there)


def test_device_is_forgotten_and_new_again(user: User) -> None:
    here = enter(user)
    device = KnownDevice.objects.get(user=user)

    here.post(device_act(device, "forget"))
    enter(user, client=here)

    assert not KnownDevice.objects.filter(pk=device.pk).exists()
    assert KnownDevice.objects.filter(user=user).count() == 1
    assert AuditEntry.objects.filter(action=AuditAction.DEVICE_FORGOTTEN, subject_id=user.pk).count() == 1


def test_trusted_device_is_asked_again(user: User) -> None:
    here = enter(user)
    device = KnownDevice.objects.get(user=user)
    known_devices.trust(device)
    assert "Not asked for the second factor until" in here.get(PAGE).content.decode()

    here.post(device_act(device, "ask-again"))

    assert not KnownDevice.objects.get(user=user).is_trusted
    assert "Ask again" not in here.get(PAGE).content.decode()
    assert AuditEntry.objects.filter(action=AuditAction.DEVICE_DISTRUSTED, subject_id=user.pk).count() == 1


def test_trust_ends_after_thirty_days(user: User) -> None:
    enter(user)
    device = KnownDevice.objects.get(user=user)
    known_devices.trust(device)
    assert device.trusted_until is not None
    assert abs(device.trusted_until - timezone.now() - dt.timedelta(days=30)) < dt.timedelta(minutes=1)

    device.trusted_until = timezone.now() - dt.timedelta(seconds=1)

    assert not device.is_trusted


def test_visitor_is_sent_to_sign_in() -> None:
    answer = Client().get(PAGE)

    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/sign-in/?next={PAGE}")
