"""People and events."""

from __future__ import annotations

from typing import Any

import factory
from django.db import transaction
from django.utils import timezone

from accounts.enums import EventType, Role
from accounts.models import Event, User
from accounts.services import events

PASSWORD = "correct horse battery"


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A customer who can sign in with `PASSWORD`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda number: f"customer{number}@example.com")
    password = factory.django.Password(PASSWORD)
    email_verified_at = factory.LazyFunction(timezone.now)


class StaffFactory(UserFactory):
    """Somebody who may do everything in the console."""

    email = factory.Sequence(lambda number: f"staff{number}@example.com")
    is_staff = True
    role_id = Role.ADMINISTRATOR.value


class ClerkFactory(UserFactory):
    """Somebody in support. What support may do in a test, the fixture `support_may` says."""

    email = factory.Sequence(lambda number: f"clerk{number}@example.com")
    is_staff = True
    role_id = Role.SUPPORT.value


def record_event(user: User, type: EventType = EventType.VERIFICATION_WAITING, **data: Any) -> Event:
    """Write an event as a service would, in a transaction of its own."""
    with transaction.atomic():
        return events.record(user_id=user.pk, type=type, subject="verification:1", data=data)
