"""Becoming a customer."""

from __future__ import annotations

import structlog
from django.db import IntegrityError, transaction

from accounts.exceptions import EmailTaken
from accounts.models import User

log = structlog.get_logger(__name__)


def register(*, email: str, password: str) -> User:
    """Create a customer who can sign in; the password has been checked for strength by the caller's form.

    Raises:
        EmailTaken: The address has an account. The database decides, so two sign-ups at once cannot both win.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password)
    except IntegrityError as error:
        if "user_email_once" not in str(error):
            raise
        raise EmailTaken from error
    log.info("Customer registered", user_id=user.pk)
    return user
