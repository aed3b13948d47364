"""`manage.py create_customer`: a customer who can sign in at once, with money if wanted.

Lives here and not in accounts because the credit is a ledger transfer, and accounts does not know the ledger.
"""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.exceptions import EmailTaken
from accounts.models import User
from accounts.services import audit, registration
from accounts.services.passwords import random_password
from billing.services import ledger
from billing.services.movement import LARGEST
from namaskah.exceptions import DomainError

REASON = "Opening credit by create_customer"


class Command(BaseCommand):
    help = "Create a customer and print e-mail, password and keys as one JSON object."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--password",
            help="Made up if not given. For tests and operations: taken as it is, without the checks of the sign-up page.",
        )
        parser.add_argument(
            "--credit", type=_amount, help="Opening balance in the wallet currency, as 25.00."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email, password = options["email"], options["password"] or random_password()
        try:
            validate_email(email)
            user = _create(email, password, options["credit"])
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address.") from error
        except EmailTaken as error:
            raise CommandError(
                f"A user with the e-mail address {email} already exists; nothing was changed."
            ) from error
        except DomainError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        shown = {"email": user.email, "password": password, "api_key": None, "test_api_key": None}
        self.stdout.write(json.dumps(shown))


@transaction.atomic
def _create(email: str, password: str, credit: Decimal | None) -> User:
    """All or nothing, so a run that failed can be repeated."""
    user = registration.register(email=email, password=password)
    user.email_verified_at = timezone.now()
    user.save(update_fields=["email_verified_at"])
    audit.record(AuditAction.SIGNED_UP, actor=None, subject=user, after={"by": "create_customer"})
    if credit:
        ledger.adjust(
            user=user,
            amount=credit,
            reason=REASON,
            actor=None,
            key=f"create_customer:{user.pk}",
        )
        audit.record(
            AuditAction.MONEY_ACT,
            actor=None,
            subject=user,
            after={"act": "Adjustment", "amount": str(credit), "currency": settings.WALLET_CURRENCY},
            reason=REASON,
        )
    return user


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text!r} is not an amount.") from error
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -4 or not 0 <= amount < LARGEST:
        raise ArgumentTypeError(
            f"{text!r} is not an amount from zero to below {LARGEST} with at most four decimal places."
        )
    return amount
